"""The hypervolume of a front: how much of a box it dominates, as more trials complete.

Zitzler & Thiele, "Multiobjective Optimization Using Evolutionary Algorithms: A Comparative Case Study" (PPSN V, 1998),
computed by `moocore` (Fonseca, López-Ibáñez, Paquete & Guerreiro).
"""

from __future__ import annotations

import numpy as np

from analysis.fronts.box import Box
from analysis.fronts.nondominated import growing_fronts

Array = np.ndarray

LARGEST = float(np.finfo(np.float64).max)


def hypervolume(points: Array, box: Box) -> float:
    """The volume that is dominated by at least one point, and dominates the reference.

    Points that do not beat the reference in every metric add nothing; what lies beyond the ideal counts as the ideal.

    Args:
        points: (n, metrics), finite.
        box: with an ideal the volume is a share of the box, in 0..1; without, it is in the metrics' units.
    """
    from moocore import hypervolume as volume  # Only suites with several metrics need it.

    with np.errstate(over="ignore"):
        scaled = box.scaled(points)
    inside = scaled[(scaled < box.corner).all(axis=1)]
    if not len(inside):
        return 0.0
    if box.ideal is None:
        return min(float(volume(inside, ref=box.corner)), LARGEST)
    return min(float(volume(np.maximum(inside, 0.0), ref=box.corner)), 1.0)


def growing_hypervolume(valid: Array, test: Array, box: Box) -> tuple[Array, Array]:
    """The hypervolume of all points so far, after each of them.

    Args:
        valid: (n, metrics) the points in the order in which they come, by which fronts are made; NaN: takes no part.
        test: (n, metrics) the same configurations on the test set.
        box: where it is measured.

    Returns:
        Two arrays (n,): that of the front, and that of its members on the test set, which may fall; NaN before the
        first point that takes part, and on the test set while a member's values there are not known.
    """
    volumes = np.full((2, len(valid)), np.nan)
    best = 0.0
    for place, members in growing_fronts(valid):
        # Rounding must not make a front that has grown look worse.
        best = max(best, hypervolume(valid[members], box))
        tested = test[members]
        known = not np.isnan(tested).any()
        volumes[:, place:] = [[best], [hypervolume(tested, box) if known else np.nan]]
    return volumes[0], volumes[1]
