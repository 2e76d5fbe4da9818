"""The best trade-offs of a table, which are known exactly."""

from __future__ import annotations

import numpy as np

from benchmark.tables.table import Table
from objectives.metric import Metric
from objectives.task import Constraint

MOST_POINTS = 1000
"""Of a front; a larger one is not stored beside a suite."""


def known_front(table: Table, metrics: tuple[Metric, ...], constraints: tuple[Constraint, ...]) -> np.ndarray | None:
    """Return the non-dominated feasible values of all configurations under all seeds after the last epoch.

    Every repetition meets one seed, and no run comes to a point that this front does not hold or dominate.

    Args:
        table: as repetitions meet it.
        metrics: those that are optimised.
        constraints: what makes a training feasible.

    Returns:
        (n, m) float64 in the metrics' own directions, sorted; None where a metric or constraint is not of the table,
        nothing is feasible, or the front has more than `MOST_POINTS` points.
    """
    names = [metric.name for metric in metrics]
    if not {*names, *(constraint.metric for constraint in constraints)} <= set(table.values):
        return None
    whole = (table.reached == table.max_epochs) & ~table.diverged
    for constraint in constraints:
        values = table.values[constraint.metric][..., -1]
        lower = -np.inf if constraint.lower is None else constraint.lower
        upper = np.inf if constraint.upper is None else constraint.upper
        whole &= (values >= lower) & (values <= upper)
    signs = np.array([1.0 if metric.goal == "min" else -1.0 for metric in metrics])
    points = np.stack([table.values[name][..., -1][whole] for name in names], axis=1) * signs
    points = np.unique(points[np.isfinite(points).all(axis=1)], axis=0)
    if not len(points):
        return None
    import moocore  # Only what optimises several metrics needs it.

    front = points[moocore.is_nondominated(points)]
    return front * signs + 0.0 if len(front) <= MOST_POINTS else None
