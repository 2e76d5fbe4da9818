"""What runs still cost in real seconds, and how certain the sum is."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Mapping

from benchmark.driver.time_left.cost_profile import UNSEEN_ERROR, CostProfile
from benchmark.driver.time_left.pace import UNDER_WAY, Pace
from benchmark.driver.time_left.run_work import Cell, RunWork

ENOUGH = 0.25
"""Runs' worth of work of an algorithm on an objective from which its cost is learnt."""

MOST_UNSEEN = 0.2
"""The share of the work left, at most, that may be of a kind of which less is recorded."""

UNKNOWN_ERROR = 1.0
"""Relative standard error of what such work costs."""

PACE_ERROR = 0.08
"""Relative standard error at least: a machine is not always equally fast."""


class RunCost:
    """Estimates the cost of one run after the other, and the standard error of their sum.

    Args:
        profiles: of all cells.
        paces: of the objectives that workers have begun.
        charges: the charged seconds that a run of a cell is expected to take.
    """

    def __init__(
        self, profiles: Mapping[Cell, CostProfile], paces: Mapping[str, Pace], charges: Mapping[Cell, float | None]
    ) -> None:
        self.profiles, self.paces, self.charges = profiles, paces, charges
        self.mean_pace = _mean_pace(paces)
        self.costs: defaultdict[Cell, float] = defaultdict(float)
        self.shares_left: defaultdict[Cell, float] = defaultdict(float)
        self.extrapolated: defaultdict[Cell, float] = defaultdict(float)
        self.seen = {cell for cell, profile in profiles.items() if profile.spent >= ENOUGH}
        self.seen_algorithms = {algorithm for _, algorithm in self.seen}
        self._whole_runs: dict[Cell, tuple[float, float]] = {}

    def add(self, work: RunWork, *, under_way: bool) -> float:
        """Return the real seconds that a run still takes of a worker.

        Args:
            work: what it has recorded.
            under_way: whether a worker is at its next evaluation.
        """
        seconds, extrapolated = self._rest(work)
        if under_way and work.evaluations:
            pace = self._pace_of(work.cell[0])
            done = UNDER_WAY * pace.factor * (self.profiles[work.cell].per_evaluation + pace.per_evaluation)
            seconds = max(0.0, seconds - done)
        self.costs[work.cell] += seconds
        self.shares_left[work.cell] += 1.0 - work.share
        self.extrapolated[work.cell] += min(seconds, extrapolated)
        return seconds

    def relative_error(self) -> float | None:
        """Estimate the relative standard error of the sum; None where too much is of a kind that nothing tells of."""
        total = math.fsum(self.costs.values())
        if total <= 0:
            return PACE_ERROR
        unseen = [cell for cell, cost in self.costs.items() if cell not in self.seen and cost > 0]
        if any(cell[1] not in self.seen_algorithms for cell in unseen):
            return None
        if math.fsum(self.costs[cell] for cell in unseen) > MOST_UNSEEN * total:
            return None
        squares = [(PACE_ERROR * total) ** 2]
        for cell, cost in self.costs.items():
            error = self.profiles[cell].relative_error(self.shares_left[cell]) if cell in self.seen else UNKNOWN_ERROR
            squares += [(error * cost) ** 2, (UNSEEN_ERROR * self.extrapolated[cell]) ** 2]
        return math.sqrt(math.fsum(squares)) / total

    def _rest(self, work: RunWork) -> tuple[float, float]:
        if work.share > 0:
            return self._cost(work.cell, work.share)
        if work.cell not in self._whole_runs:
            self._whole_runs[work.cell] = self._cost(work.cell, 0.0)
        return self._whole_runs[work.cell]

    def _cost(self, cell: Cell, share: float) -> tuple[float, float]:
        pace = self._pace_of(cell[0])
        if cell in self.seen:
            seconds, extrapolated = self.profiles[cell].rest(share, pace.per_evaluation)
            return pace.factor * seconds, pace.factor * extrapolated
        return self._seconds_a_charge(cell[0]) * (self.charges.get(cell) or 1.0) * (1.0 - share), 0.0

    def _pace_of(self, objective: str) -> Pace:
        return self.paces.get(objective, self.mean_pace)

    def _seconds_a_charge(self, objective: str) -> float:
        """Return the real seconds of a charged second, on the objective itself if anything is known of it."""
        cells = [cell for cell in self.seen if cell[0] == objective] or list(self.seen)
        seconds = charged = 0.0
        for cell in cells:
            pace, profile = self._pace_of(cell[0]), self.profiles[cell]
            seconds += pace.factor * profile.rest(0.0, pace.per_evaluation)[0]
            charged += profile.charge(self.charges.get(cell) or 1.0)
        return seconds / charged if charged > 0 else 0.0


def _mean_pace(paces: Mapping[str, Pace]) -> Pace:
    count = max(1, len(paces))
    return Pace(
        factor=sum(pace.factor for pace in paces.values()) / count,
        per_evaluation=sum(pace.per_evaluation for pace in paces.values()) / count,
    )
