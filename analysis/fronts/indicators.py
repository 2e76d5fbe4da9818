"""How far a front is from a known one.

Inverted generational distance plus: Ishibuchi, Masuda, Tanigaki & Nojima, "Modified Distance Calculation in
Generational Distance and Inverted Generational Distance" (EMO 2015). Additive epsilon: Zitzler, Thiele, Laumanns,
Fonseca & Grunert da Fonseca, "Performance Assessment of Multiobjective Optimizers" (IEEE TEVC 7, 2003). Both are
computed by `moocore`.
"""

from __future__ import annotations

import numpy as np

from analysis.fronts.box import Box

Array = np.ndarray


def igd_plus(points: Array, known: Array, box: Box) -> float:
    """The mean distance from the known front's points to the nearest point, counting only what is worse than they are.

    Args:
        points: (n, metrics) of a front; none: NaN.
        known: (k, metrics) the front to be reached.
        box: both are measured in its coordinates, where it has an ideal.
    """
    from moocore import igd_plus as distance

    return float(distance(box.scaled(points), ref=box.scaled(known))) if len(points) else np.nan


def epsilon(points: Array, known: Array, box: Box) -> float:
    """By how much the points have to be shifted in every metric to be as good as all of the known front.

    Arguments are those of `igd_plus`; 0 where the known front is reached, below where it is surpassed.
    """
    from moocore import epsilon_additive

    return float(epsilon_additive(box.scaled(points), ref=box.scaled(known))) if len(points) else np.nan
