"""MO-ASHA (Schmucker et al., 2021, "Multi-objective Asynchronous Successive Halving", algorithm 1)."""

from __future__ import annotations

from typing import Any

import numpy as np

from algorithms.multi_objective.ranking import rank
from algorithms.multi_objective.task_values import read_outcome
from algorithms.roles import Searcher
from algorithms.schedulers.rungs import check_rungs, is_over, promote_or_begin, rungs
from objectives.space import FIDELITY, Config
from objectives.task import Task


class MultiObjectiveRung:
    """Promotes the first |rung| / eta trials of the ranking that are not promoted yet."""

    def __init__(self, eta: int) -> None:
        self.eta = eta
        self.errors: list[tuple[float, ...]] = []
        self.excesses: list[tuple[float, ...]] = []
        self.waiting: dict[int, Config] = {}
        self.best: list[int] | None = None

    def add(self, config: Config, errors: tuple[float, ...], beyond: tuple[float, ...], over: bool) -> None:
        """Add a trial's outcomes at this rung; a trial that is over counts, but is not continued."""
        if not over:
            self.waiting[len(self.errors)] = config
        self.errors.append(errors)
        self.excesses.append(beyond)
        self.best = None

    def take(self) -> Config | None:
        """Return a trial to continue, each at most once; None where there is none."""
        most = len(self.errors) // self.eta
        if not most or not self.waiting:
            return None
        if self.best is None:
            self.best = rank(np.array(self.errors), np.array(self.excesses), most)
        first = next((trial for trial in self.best if trial in self.waiting), None)
        return None if first is None else self.waiting.pop(first)


class MOASHA:
    """Asynchronous successive halving that ranks a rung's trials by all metrics.

    A rung's trials are sorted into fronts of which none dominates another, those of a front by an
    epsilon-net, which takes them so that the promoted ones are far apart; the best 1 / eta are promoted.
    With one metric, promotions are those of ASHA, ties included.

    Differs from the paper: it has no constraints, here trials that violate one rank behind all that do not,
    by how much they do; distances in the epsilon-net are in units of the front's extent in each metric, for a
    number of parameters would outweigh any error; the net begins with the best of the first metric, not at
    random; a trial that crashed or diverged counts in its rung, but is not promoted, and the top rung is
    r_max, both as in our ASHA.

    Args:
        searcher: proposes the configurations of the lowest rung, and is told every result.
        max_epochs: the top rung, unless `r_max` says otherwise.
        task: the metrics and constraints.
        eta: keep one in eta, >= 2.
        r_min: epochs of the lowest rung.
        r_max: epochs of the top rung.

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self,
        searcher: Searcher,
        *,
        max_epochs: int,
        task: Task,
        eta: int = 3,
        r_min: int = 1,
        r_max: int | None = None,
    ) -> None:
        top = check_rungs(max_epochs, eta, r_min, r_max)
        self.searcher, self.task = searcher, task
        self.rung_epochs = rungs(r_min, top, eta)
        self.rungs = {level: MultiObjectiveRung(eta) for level in self.rung_epochs[:-1]}
        self.climbs = list(zip(self.rungs.values(), self.rung_epochs[1:], strict=True))[::-1]

    def suggest(self) -> Config | None:
        return promote_or_begin(self.climbs, self.searcher, self.rung_epochs[0])

    def update(self, config: Config, error: float, info: Any = None) -> None:
        self.searcher.update(config, error, additional_info=info)
        rung = self.rungs.get(config[FIDELITY])
        if rung is not None:  # Nothing climbs from the top.
            rung.add(dict(config), *read_outcome(self.task, error, info), over=is_over(config, error, info))
