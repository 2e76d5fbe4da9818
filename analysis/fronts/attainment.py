"""Attainment surfaces: what so many of the runs reach or surpass in two metrics at once.

Grunert da Fonseca, Fonseca & Hall, "Inferential Performance Assessment of Stochastic Optimisers and the Attainment
Function" (EMO 2001); computed by `moocore`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from fractions import Fraction

import numpy as np

Array = np.ndarray

SURFACES: Mapping[str, Fraction] = {
    "best": Fraction(0),
    "25 %": Fraction(1, 4),
    "50 %": Fraction(1, 2),
    "75 %": Fraction(3, 4),
    "worst": Fraction(1),
}
"""The surfaces that are shown, by name, and which share of runs attains each: best by one run, worst by all."""


def attaining(share: Fraction, n: int) -> int:
    """How many of n runs make up a share: at least one."""
    return max(1, math.ceil(share * n))


def surface(fronts: Sequence[Array], k: int) -> Array:
    """The corners of what at least k of some runs attain: points that dominate, or are, what lies beyond.

    Args:
        fronts: (points, 2) of each run, both metrics minimised; a run without points attains nothing.
        k: from 1.

    Returns:
        (corners, 2) none of which dominates another, by ascending first metric; none where fewer runs have points.
    """
    from moocore import eaf

    there = [front for front in fronts if len(front)]
    if k > len(there):
        return np.empty((0, 2))
    runs = np.repeat(np.arange(len(there)), [len(front) for front in there])
    # Half a run less than k: which level it is must not depend on how a percentage is rounded.
    corners = eaf(np.concatenate(there), runs, percentiles=[100.0 * (k - 0.5) / len(there)])[:, :2]
    return np.asarray(corners[np.lexsort(corners.T[::-1])])
