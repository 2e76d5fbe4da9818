"""Fronts as arrays, out of the tables `front` and `attainment`: what figures and the page draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.fronts.known import read_known_front
from analysis.loading.plan import Objective
from analysis.statistics.anytime import Array
from analysis.study import Study
from analysis.tables.trade_offs import undominated

Surfaces = Mapping[str, Array]
"""Corners (n, 2) of the attainment surfaces of an algorithm by name, in the metrics' own directions."""


def surfaces_of(attainment: pd.DataFrame, objective: Objective, data: str, x: str, y: str) -> dict[str, Surfaces]:
    """The attainment surfaces of every algorithm that has any.

    Args:
        attainment: the table.
        objective: of several metrics.
        data: "valid" or "test".
        x: name of a metric.
        y: of a later one.
    """
    labels = {"objective": objective.label, "data": data, "x": x, "y": y}
    mine = attainment[(attainment[list(labels)] == pd.Series(labels)).all(axis=1)]
    found: dict[str, dict[str, Array]] = {}
    for (algorithm, surface), rows in mine.groupby(["algorithm", "surface"], sort=False):
        found.setdefault(str(algorithm), {})[str(surface)] = rows[["x_value", "y_value"]].to_numpy(dtype=np.float64)
    return dict(found)


@dataclass(frozen=True, slots=True, kw_only=True)
class Members:
    """Configurations on the final fronts of an algorithm's runs.

    Attributes:
        values: (n, m) in the metrics' own directions.
        strong: (n,) whether no configuration of any run of any algorithm dominates them on validation.
    """

    values: Array
    strong: Array


def members_of(front: pd.DataFrame, objective: Objective, data: str) -> dict[str, Members]:
    """The members of all fronts by algorithm, of those whose values are known.

    Args:
        front: the table.
        objective: of several metrics.
        data: "valid" or "test", what the values are taken on.
    """
    mine = front[front["objective"] == objective.label]
    columns = [f"{data}:{metric.name}" for metric in objective.optimised]
    known = mine.assign(strong=undominated(mine, objective)).dropna(subset=columns)
    return {
        str(algorithm): Members(values=rows[columns].to_numpy(dtype=np.float64), strong=rows["strong"].to_numpy())
        for algorithm, rows in known.groupby("algorithm", sort=False)
    }


def known_front_of(study: Study, objective: Objective) -> Array:
    """Values (k, m) of the front that is known to be the best there is; k is 0 where none is known."""
    known = read_known_front(study.folder, objective.key, [metric.name for metric in objective.optimised])
    return np.empty((0, len(objective.optimised))) if known is None else known
