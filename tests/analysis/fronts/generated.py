"""Random fronts of two to four metrics in both directions, with duplicates and points beyond the reference."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from analysis.loading.metric import Metric
from analysis.loading.plan import Objective
from analysis.tables.front import box_of


def random_cases(count, seed, *, most_points, grid=8):
    """Cases: the metrics, values in their own directions, the same but for a shift minimised, and the box.

    Values are multiples of 1 / grid, so that every volume is a double, up to a quarter beyond the reference; without a
    grid they are any numbers.
    """
    rng = np.random.default_rng(seed)
    for _ in range(count):
        size, normalised = int(rng.integers(2, 5)), rng.random() < 0.5
        goals = rng.choice(["min", "max"], size)
        metrics = tuple(_metric(f"metric{place}", goal, normalised) for place, goal in enumerate(goals))
        shape = (int(rng.integers(0, most_points + 1)), size)
        points = rng.uniform(0.0, 1.25, shape) if grid is None else rng.integers(0, grid * 5 // 4 + 1, shape) / grid
        points = np.concatenate([points, points[rng.random(len(points)) < 0.3]])
        own = np.column_stack([np.where(goal == "max", 2.0 - points[:, place], points[:, place])
                               for place, goal in enumerate(goals)])  # fmt: skip
        yield metrics, own, points, box_of(objective(metrics))


def objective(metrics):
    """An objective with these metrics."""
    return Objective(label="toy", key="toy", display_name="toy", space=(), default=None, metrics=metrics)


def minimised(metrics, values):
    """Values in their own directions as what is minimised."""
    return np.column_stack([metric.own(values[:, place]) for place, metric in enumerate(metrics)])


def inclusion_exclusion(points, reference):
    """The volume of the union of the boxes between each point and the reference, over all subsets of the points."""
    inside = [point for point in np.unique(points, axis=0) if (point < reference).all()]
    return sum(
        (-1) ** (size + 1) * float(np.prod(reference - np.max(subset, axis=0)))
        for size in range(1, len(inside) + 1)
        for subset in combinations(inside, size)
    )


def _metric(name, goal, normalised):
    best, reference = (2.0, 1.0) if goal == "max" else (0.0, 1.0)
    return Metric(name=name, goal=goal, best=best if normalised else None, reference=reference, declared=True)
