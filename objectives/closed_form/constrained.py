"""Constrained problems of two values: BNH, SRN, OSY, and Branin and Currin within a disk.

Where a front is known it is the whole of it: the fronts of BNH and OSY are those that Deb (2001),
Multi-Objective Optimization using Evolutionary Algorithms, describes; of SRN's it names the middle part alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from objectives.closed_form.multi_objective import MOST_FRONT_POINTS, Bounds, MultiObjective, thin

SRN_LOWEST_ANGLE = 1.8994106715719277
"""Where on the circle of radius 15 the least of SRN's f2 is, as an angle; the circle is its first constraint."""
OSY_LAST_X1 = 4.05654301
"""Where OSY's front leaves x2 = (x1 - 2) / 3 for x1 = 0, x2 = 2, at equal values of both metrics."""
OSY_FIRST_X3 = 3.73168476


@dataclass(frozen=True, slots=True, kw_only=True)
class BNH(MultiObjective):
    """BNH (2-d), two metrics and two constraints, which hold almost everywhere: a convex front.

    Source: Binh and Korn (1997), MOBES.
    """

    @property
    def bounds(self) -> Bounds:
        return (0.0, 5.0), (0.0, 3.0)

    @property
    def reference(self) -> tuple[float, ...]:
        """Just above every value in the space: f1 <= 136, f2 <= 50."""
        return 140.0, 50.0

    @property
    def ideal(self) -> tuple[float, ...]:
        return 0.0, 4.0

    def values(self, x: np.ndarray) -> np.ndarray:
        return np.stack([4 * np.sum(x**2, axis=-1), np.sum((x - 5) ** 2, axis=-1)], axis=-1)

    def excesses(self, x: np.ndarray) -> np.ndarray:
        x1, x2 = x[..., 0], x[..., 1]
        return np.stack([(x1 - 5) ** 2 + x2**2 - 25, 7.7 - (x1 - 8) ** 2 - (x2 + 3) ** 2], axis=-1)

    def front(self, points: int = MOST_FRONT_POINTS) -> np.ndarray:
        x1 = np.linspace(0, 5, points)
        return self.values(np.stack([x1, np.minimum(x1, 3)], axis=-1))


@dataclass(frozen=True, slots=True, kw_only=True)
class SRN(MultiObjective):
    """SRN (2-d), two metrics and two constraints, which hold on a sixth of the space: a front along both.

    Source: Srinivas and Deb (1994), Multiobjective optimization using nondominated sorting in genetic algorithms.
    Differs from BoTorch's, whose first constraint has fourth powers.
    """

    @property
    def bounds(self) -> Bounds:
        return (-20.0, 20.0), (-20.0, 20.0)

    @property
    def reference(self) -> tuple[float, ...]:
        """Round numbers beyond the front, whose ends are (10.1, 2.61) and (223, -217.7)."""
        return 250.0, 50.0

    @property
    def ideal(self) -> tuple[float, ...]:
        ends = self.values(self._front_variables(2)[[0, -1]])
        return float(ends[0, 0]), float(ends[1, 1])

    def values(self, x: np.ndarray) -> np.ndarray:
        x1, x2 = x[..., 0], x[..., 1]
        return np.stack([2 + (x1 - 2) ** 2 + (x2 - 1) ** 2, 9 * x1 - (x2 - 1) ** 2], axis=-1)

    def excesses(self, x: np.ndarray) -> np.ndarray:
        return np.stack([np.sum(x**2, axis=-1) - 225, x[..., 0] - 3 * x[..., 1] + 10], axis=-1)

    def front(self, points: int = MOST_FRONT_POINTS) -> np.ndarray:
        return thin(self.values(self._front_variables(points)), points)

    def _front_variables(self, points: int) -> np.ndarray:
        """Along the line of the second constraint, at x1 = -2.5 between both, and along the circle of the first."""
        x1 = np.linspace(1.1, -2.5, points)
        line = np.stack([x1, (x1 + 10) / 3], axis=-1)
        top = np.sqrt(225 - 2.5**2)
        between = np.stack([np.full(points, -2.5), np.linspace(2.5, top, points)], axis=-1)[1:]
        angle = np.linspace(np.arctan2(top, -2.5), SRN_LOWEST_ANGLE, points)[1:]
        return np.concatenate([line, between, 15 * np.stack([np.cos(angle), np.sin(angle)], axis=-1)])


@dataclass(frozen=True, slots=True, kw_only=True)
class OSY(MultiObjective):
    """OSY (6-d), two metrics and six constraints, which hold on 3 % of the space: a front in five parts.

    Source: Osyczka and Kundu (1995), A new method to solve generalized multicriteria optimization problems.
    """

    @property
    def bounds(self) -> Bounds:
        return (0.0, 10.0), (0.0, 10.0), (1.0, 5.0), (0.0, 6.0), (1.0, 5.0), (0.0, 10.0)

    @property
    def reference(self) -> tuple[float, ...]:
        """BoTorch's; the front's last part, from (-116, 6) to (-42, 4), is partly beyond it."""
        return -75.0, 75.0

    @property
    def ideal(self) -> tuple[float, ...]:
        return -274.0, 4.0

    def values(self, x: np.ndarray) -> np.ndarray:
        weights = np.array([25.0, 1, 1, 1, 1])
        f1 = -np.sum(weights * (x[..., :5] - np.array([2.0, 2, 1, 4, 1])) ** 2, axis=-1)
        return np.stack([f1, np.sum(x**2, axis=-1)], axis=-1)

    def excesses(self, x: np.ndarray) -> np.ndarray:
        x1, x2, x3, x4, x5, x6 = np.moveaxis(x, -1, 0)
        pairs = [2 - x1 - x2, x1 + x2 - 6, x2 - x1 - 2, x1 - 3 * x2 - 2]
        return np.stack([*pairs, (x3 - 3) ** 2 + x4 - 4, 4 - (x5 - 3) ** 2 - x6], axis=-1)

    def front(self, points: int = MOST_FRONT_POINTS) -> np.ndarray:
        t = np.linspace(0, 1, max(2, points // 5))
        none, full, x1, x3 = np.zeros_like(t), np.ones_like(t), 5 - (5 - OSY_LAST_X1) * t, 5 - 4 * t
        later_x3 = OSY_FIRST_X3 + (1 - OSY_FIRST_X3) * t
        parts = [
            [5 * full, full, x3, none, 5 * full, none],
            [5 * full, full, x3, none, full, none],
            [x1, (x1 - 2) / 3, full, none, full, none],
            [none, 2 * full, later_x3, none, full, none],
            [t, 2 - t, full, none, full, none],
        ]
        first, *others = (self.values(np.stack(part, axis=-1)) for part in parts)
        return thin(np.concatenate([first, *(part[1:] for part in others)]), points)


@dataclass(frozen=True, slots=True, kw_only=True)
class ConstrainedBraninCurrin(MultiObjective):
    """Branin's and Currin's functions on the unit square (2-d), feasible within a disk; the front is not known.

    Source: Belakaria, Deshwal and Doppa (2019), Max-value entropy search for multi-objective Bayesian optimization;
    Gelbart, Snoek and Adams (2014), Bayesian optimization with unknown constraints, for the disk. The reference point
    is BoTorch's.
    """

    @property
    def bounds(self) -> Bounds:
        return (0.0, 1.0), (0.0, 1.0)

    @property
    def reference(self) -> tuple[float, ...]:
        return 80.0, 12.0

    @property
    def ideal(self) -> tuple[float, ...]:
        """Branin's least value, which is in the disk, and Currin's in the whole square: less than within it."""
        return 0.39788735772973816, 3 * -float(np.expm1(-0.5))

    def values(self, x: np.ndarray) -> np.ndarray:
        u, v = self._branins(x)
        bowl = (v - 5.1 / (4 * np.pi**2) * u**2 + 5 / np.pi * u - 6) ** 2
        branin = bowl + 10 * (1 - 1 / (8 * np.pi)) * np.cos(u) + 10
        a, b = x[..., 0], np.maximum(x[..., 1], 1e-300)  # At 0 the first factor is 1, its limit.
        numerator, denominator = 2300 * a**3 + 1900 * a**2 + 2092 * a + 60, 100 * a**3 + 500 * a**2 + 4 * a + 20
        return np.stack([branin, -np.expm1(-1 / (2 * b)) * numerator / denominator], axis=-1)

    def excesses(self, x: np.ndarray) -> np.ndarray:
        u, v = self._branins(x)
        return ((u - 2.5) ** 2 + (v - 7.5) ** 2 - 50)[..., None]

    def _branins(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The point in Branin's own space."""
        return 15 * x[..., 0] - 5, 15 * x[..., 1]
