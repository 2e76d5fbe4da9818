"""ASHA (Li et al., 2020, "A System for Massively Parallel Hyperparameter Tuning", algorithm 2)."""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Mapping
from heapq import heappop, heappush
from typing import Any, Protocol

from algorithms.option_checks import require_int
from algorithms.roles import Searcher
from algorithms.schedulers.rungs import check_rungs, is_over, promote_or_begin, rungs
from objectives.space import FIDELITY, Config


class Rung(Protocol):
    """The results of one rung, and which of its trials train on."""

    def add(self, config: Config, error: float, over: bool) -> None:
        """Add a trial's error at this rung; a trial that is over counts, but is not continued."""

    def take(self) -> Config | None:
        """Return a trial to continue, each at most once; None where there is none."""


class PromotionRung:
    """Promotes the best |rung| / eta trials that are not promoted yet (lines 16 to 20 of algorithm 2).

    `ranked` holds every result, sorted; `waiting`, a heap, those not promoted. If any of the best
    |rung| / eta is not promoted, then the best of the waiting is one of them: its place alone decides,
    and nothing is sorted or searched. Results are (error, number of arrival), so ties keep the earlier.
    """

    def __init__(self, eta: int) -> None:
        self.eta = eta
        self.ranked: list[tuple[float, int]] = []
        self.waiting: list[tuple[float, int]] = []
        self.configs: dict[int, Config] = {}

    def add(self, config: Config, error: float, over: bool) -> None:
        arrival = len(self.ranked)
        insort(self.ranked, (error, arrival))
        if not over:
            heappush(self.waiting, (error, arrival))
            self.configs[arrival] = config

    def take(self) -> Config | None:
        best = len(self.ranked) // self.eta
        if not best or not self.waiting or self.waiting[0] > self.ranked[best - 1]:
            return None
        return self.configs.pop(heappop(self.waiting)[1])


class StoppingRung:
    """Continues a trial only if it is among the best |rung| / eta, itself included, when it arrives.

    Of fewer than eta results only the best so far trains on; equal errors rank in the order of arrival.
    """

    def __init__(self, eta: int) -> None:
        self.eta = eta
        self.errors: list[float] = []
        self.continued: deque[Config] = deque()

    def add(self, config: Config, error: float, over: bool) -> None:
        rank = bisect_right(self.errors, error)
        self.errors.insert(rank, error)
        if not over and rank < max(1, len(self.errors) // self.eta):
            self.continued.append(config)

    def take(self) -> Config | None:
        return self.continued.popleft() if self.continued else None


VARIANTS: Mapping[str, Callable[[int], Rung]] = {"promotion": PromotionRung, "stopping": StoppingRung}


class ASHA:
    """Asynchronous successive halving: continue the good trials at once, otherwise start a new one.

    `variant = "promotion"` is the paper's algorithm 2: trials pause at every rung and are promoted when
    they come to be among its best 1 / eta, however late. `variant = "stopping"` is the way of libraries
    that cannot pause: a trial is judged once, when it reaches a rung. The quota there is
    max(1, floor(|rung| / eta)), as in Optuna's SuccessiveHalvingPruner and Determined's stopping ASHA.
    Syne Tune is more lenient (its quantile came to ceil(|rung| / eta), and 0.16 lets one more than
    floor(|rung| / eta) go on); Ray compares with a quantile of the earlier results only.

    Differs from the paper: a configuration whose training crashed or diverged (as far as `info` says so)
    counts in its rung, but is not promoted, as it would be charged again for the same error; of several
    promotable ones the best goes first, where the paper leaves the order open; ties keep the one whose
    result came earlier; the top rung is r_max even where that is no power of eta times r_min (r_min = 1,
    r_max = 10, eta = 3: 1, 3, 9, 10), so that every run can train a trial to the end.

    Args:
        searcher: proposes the configurations of the lowest rung, and is told every result.
        max_epochs: the top rung, unless `r_max` says otherwise.
        variant: "promotion" or "stopping".
        eta: keep one in eta, >= 2.
        r_min: r, epochs of the lowest rung of early-stopping rate 0.
        r_max: R, epochs of the top rung.
        s: early-stopping rate: how many of the lowest rungs are left out.

    Raises:
        ValueError: a parameter outside these, or an s that leaves no rung.
    """

    def __init__(
        self,
        searcher: Searcher,
        *,
        max_epochs: int,
        variant: str = "promotion",
        eta: int = 3,
        r_min: int = 1,
        r_max: int | None = None,
        s: int = 0,
    ) -> None:
        top = check_rungs(max_epochs, eta, r_min, r_max)
        if variant not in VARIANTS:
            raise ValueError(f"variant = {variant!r}: need one of {', '.join(VARIANTS)}")
        require_int("s", s, 0, sum(level * eta <= top for level in rungs(r_min, top, eta)))
        self.searcher = searcher
        self.rung_epochs = rungs(r_min * eta**s, top, eta)
        self.rungs: dict[object, Rung] = {level: VARIANTS[variant](eta) for level in self.rung_epochs[:-1]}
        self.climbs = list(zip(self.rungs.values(), self.rung_epochs[1:], strict=True))[::-1]

    def suggest(self) -> Config | None:
        return promote_or_begin(self.climbs, self.searcher, self.rung_epochs[0])

    def update(self, config: Config, error: float, info: Any = None) -> None:
        self.searcher.update(config, error, additional_info=info)
        rung = self.rungs.get(config[FIDELITY])
        if rung is not None:  # Nothing climbs from the top.
            rung.add(dict(config), error, is_over(config, error, info))
