"""How much longer workers take than the recorded seconds of deciding and training say, by objective."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from benchmark.driver.time_left.cost_profile import CostProfile
from benchmark.driver.time_left.group_work import GroupWork
from benchmark.driver.time_left.run_work import Cell

UNDER_WAY = 0.5
"""How much of the evaluation that every open run is at is done, in the mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """What workers took for an objective in this call.

    Attributes:
        factor: real seconds a second of deciding and training, where they are fewer: several trained at once.
        per_evaluation: real seconds of an evaluation besides, where they are more.
    """

    factor: float = 1.0
    per_evaluation: float = 0.0


def measure_pace(
    groups: Iterable[GroupWork], profiles: Mapping[Cell, CostProfile], left: Iterable[object], now: float
) -> dict[str, Pace]:
    """Measure the pace on every objective of which workers have begun a group.

    Args:
        groups: of this call.
        profiles: of all cells.
        left: paths of the runs that have not ended.
        now: seconds on the clock of the groups.
    """
    open_runs = set(left)
    elapsed: defaultdict[str, float] = defaultdict(float)
    spent: defaultdict[str, float] = defaultdict(float)
    evaluations: defaultdict[str, float] = defaultdict(float)
    for group in groups:
        if group.began is None:
            continue
        objective = group.objective
        elapsed[objective] += group.elapsed(now)
        spent[objective] += group.spent
        evaluations[objective] += group.evaluations
        for work in group.runs if group.ended is None else ():
            if work.run.path in open_runs and work.evaluations:
                evaluations[objective] += UNDER_WAY
                spent[objective] += UNDER_WAY * profiles[work.cell].per_evaluation
    return {
        objective: _pace(elapsed[objective], spent[objective], evaluations[objective])
        for objective in elapsed
        if evaluations[objective] > 0 and elapsed[objective] > 0
    }


def _pace(elapsed: float, spent: float, evaluations: float) -> Pace:
    if spent > elapsed:
        return Pace(factor=elapsed / spent)
    return Pace(per_evaluation=(elapsed - spent) / evaluations)
