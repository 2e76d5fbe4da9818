"""Rungs in whole epochs, for successive halving, Hyperband and ASHA, and which trials cannot improve."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from algorithms.option_checks import require_int
from algorithms.roles import Searcher
from objectives.space import FIDELITY, Config


def rungs(r_min: int, r_max: int, eta: int) -> list[int]:
    """Compute the epochs of each rung: r_min, r_min * eta, ... below r_max, then r_max.

    Integers by multiplication: the usual floor(log(r_max / r_min) / log(eta)) loses a rung to
    rounding, at 243 and 3 for example.
    """
    levels = []
    level = r_min
    while level < r_max:
        levels.append(level)
        level *= eta
    return [*levels, r_max]


def check_rungs(max_epochs: int, eta: int, r_min: int, r_max: int | None) -> int:
    """Check the options of the rungs; return the top rung's epochs: `r_max`, or `max_epochs` if it is None.

    Raises:
        ValueError: eta outside 2..100, or not 1 <= r_min <= r_max <= max_epochs.
    """
    top = max_epochs if r_max is None else r_max
    require_int("eta", eta, 2, 100)
    require_int("r_max", top, 1, max_epochs)
    require_int("r_min", r_min, 1, top)
    return top


class Promoting(Protocol):
    """A rung that hands out the trials to train further."""

    def take(self) -> Config | None:
        """Return a trial to continue, each at most once; None where there is none."""


def promote_or_begin(climbs: Iterable[tuple[Promoting, int]], searcher: Searcher, lowest: int) -> Config | None:
    """Suggest the trial that a rung promotes, else a new one: get_job of asynchronous successive halving.

    Args:
        climbs: rungs with the epochs of the next one, the highest rung first.
        searcher: proposes new configurations.
        lowest: epochs of the lowest rung.

    Source: Li et al. (2020), algorithm 2.
    """
    for rung, above in climbs:
        config = rung.take()
        if config is not None:
            return {**config, FIDELITY: above}
    config = searcher.sample_configuration()
    return None if config is None else {**config, FIDELITY: lowest}


def is_over(config: Mapping[str, Any], error: float, info: Any = None) -> bool:
    """Return whether more epochs could not change a trial's error, so that asking for them wastes the budget.

    Training crashed (error +inf), or `info` says that it diverged: by a "state" other than "ok", or by
    fewer "epochs" than asked for. The error alone does not tell: a diverged trial has the chance error,
    and one that diverged in the last epoch of its rung has reached that rung.
    """
    details = info if isinstance(info, Mapping) else {}
    asked = config[FIDELITY]
    return error == math.inf or details.get("state", "ok") != "ok" or details.get("epochs", asked) < asked
