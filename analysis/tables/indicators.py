"""indicators.csv: how good the final front of every run is, and how far from a known one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.fronts.hypervolume import hypervolume
from analysis.fronts.indicators import epsilon, igd_plus
from analysis.fronts.known import read_known_front
from analysis.loading.plan import Objective
from analysis.loading.results import Results
from analysis.statistics.anytime import Array
from analysis.tables.front import Front, box_of, multi_objective

INDICATORS = (
    "objective", "algorithm", "repetition", "state", "data", "n_front", "hypervolume", "igd_plus", "epsilon",
)  # fmt: skip
"""Columns, in order; an interface. Two rows a planned run: data is valid, or test for the same front's test values.
n_front: its members. hypervolume: see `analysis.tables.hypervolume`. igd_plus and epsilon (additive) are distances to
the known front, less is better, in the coordinates in which best values are 0 and references 1 where all optimised
metrics declare a best one, else in their units; empty without a known front. All are empty for a run without a front,
and on test where a member's values are not known."""


def indicators_table(results: Results, fronts: Sequence[Front], folder: Path) -> pd.DataFrame:
    """Two rows a run on a multi-objective objective, runs in the order of the plan.

    Args:
        results: of the suite.
        fronts: from `analysis.tables.front.final_fronts`.
        folder: the suite's, for known fronts.

    Raises:
        BadInput: a known front that cannot be read.
    """
    known = {objective.label: known_front(objective, folder) for objective in multi_objective(results)}
    rows = [row for front in fronts for row in _rows(front, known[front.objective.label])]
    return pd.DataFrame(rows, columns=list(INDICATORS))


def known_front(objective: Objective, folder: Path) -> Array | None:
    """The known front of an objective, all metrics minimised: (points, metrics); None where there is none.

    Raises:
        BadInput: it cannot be read.
    """
    front = read_known_front(folder, objective.key, [metric.name for metric in objective.optimised])
    if front is None:
        return None
    return np.column_stack([metric.own(front[:, place]) for place, metric in enumerate(objective.optimised)])


def _rows(front: Front, known: Array | None) -> Iterator[dict[str, Any]]:
    run = front.run
    labels = {"objective": run.objective, "algorithm": run.algorithm, "repetition": run.repetition, "state": run.state}
    for data, points in (("valid", front.valid), ("test", front.test)):
        yield labels | {"data": data, "n_front": len(points)} | _indicators(front.objective, points, known)


def _indicators(objective: Objective, points: Array, known: Array | None) -> dict[str, float]:
    if not len(points) or np.isnan(points).any():
        return {}
    box = box_of(objective)
    values = {"hypervolume": hypervolume(points, box), "igd_plus": math.nan, "epsilon": math.nan}
    if known is not None:
        values |= {"igd_plus": igd_plus(points, known, box), "epsilon": epsilon(points, known, box)}
    return values
