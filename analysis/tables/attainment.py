"""attainment.csv: what one, a quarter, half, three quarters and all of an algorithm's runs attain in two metrics."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from analysis.fronts.attainment import SURFACES, attaining, surface
from analysis.statistics.anytime import Array
from analysis.tables.front import Front

ATTAINMENT = ("objective", "algorithm", "data", "x", "y", "surface", "k", "n_runs", "x_value", "y_value")
"""Columns, in order; an interface. One row a corner of an attainment surface of two optimised metrics, x and y by name
(every two of three and more, the others being left out), by the best x first, in their own directions and units.
surface: best (attained by one run), 25 %, 50 % (the median), 75 % or worst (by all): by at least k of the n_runs that
are complete or failed. data: of the final fronts, or of their test values. A failed run, one without a front, and on
test one with a member whose values are not known, attain nothing; there is no row where fewer than k attain any."""


def attainment_table(fronts: Sequence[Front]) -> pd.DataFrame:
    """The surfaces of every algorithm on every multi-objective objective, in the order of the plan.

    Args:
        fronts: from `analysis.tables.front.final_fronts`.
    """
    cells: dict[tuple[str, str], list[Front]] = {}
    for front in fronts:
        if front.run.aggregated:
            cells.setdefault((front.run.objective, front.run.algorithm), []).append(front)
    parts = [
        _surfaces(of_cell, data, x, y)
        for of_cell in cells.values()
        for data in ("valid", "test")
        for x, y in combinations(range(len(of_cell[0].objective.optimised)), 2)
    ]
    filled = [part for part in parts if len(part)]
    return pd.concat(filled, ignore_index=True) if filled else pd.DataFrame(columns=list(ATTAINMENT))


def _surfaces(fronts: Sequence[Front], data: str, x: int, y: int) -> pd.DataFrame:
    """All surfaces of a cell in two of its metrics, given by their places."""
    first = fronts[0]
    metrics = [first.objective.optimised[place] for place in (x, y)]
    points = [_attained(front, data)[:, [x, y]] for front in fronts]
    labels = {"objective": first.run.objective, "algorithm": first.run.algorithm, "data": data}
    labels |= {"x": metrics[0].name, "y": metrics[1].name}
    parts = []
    for name, share in SURFACES.items():
        k = attaining(share, len(fronts))
        corners = surface(points, k)
        values = {f"{axis}_value": metric.own(corners[:, place]) for place, (axis, metric) in
                  enumerate(zip("xy", metrics, strict=True))}  # fmt: skip
        parts.append(pd.DataFrame(values).assign(**labels, surface=name, k=k, n_runs=len(fronts)))
    return pd.concat(parts, ignore_index=True)[list(ATTAINMENT)]


def _attained(front: Front, data: str) -> Array:
    """The points of a run's front, or of its test values; none where the run attains nothing."""
    points = front.valid if data == "valid" else front.test
    return points[:0] if front.run.state == "failed" or np.isnan(points).any() else points
