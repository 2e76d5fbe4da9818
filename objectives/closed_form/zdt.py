"""ZDT1 to ZDT4 and ZDT6: two values, a front that is convex, concave, disconnected or thinly settled.

Source: Zitzler, Deb and Thiele (2000), Comparison of multiobjective evolutionary algorithms. ZDT5 is of bit strings.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass

import numpy as np

from objectives.closed_form.multi_objective import MOST_FRONT_POINTS, Bounds, Scalable, falling

CURVE_POINTS = 100_001
ZDT3_LEAST = -0.7733690123266347
"""The least of 1 - sqrt(t) - t sin(10 pi t) on [0, 1], at t = 0.851833."""
ZDT6_LEAST = 0.28077531881536977
"""The least of 1 - exp(-4 t) sin(6 pi t)^6 on [0, 1], where tan(6 pi t) = 9 pi."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ZDT(Scalable):
    """f1 of the first variable alone, f2 = g h(f1, g) with g >= 1, which is 1 on the front."""

    @property
    def reference(self) -> tuple[float, ...]:
        """As Yang et al. (2019), Multi-objective Bayesian global optimization, and BoTorch."""
        return 11.0, 11.0

    @property
    def ideal(self) -> tuple[float, ...]:
        return 0.0, 0.0

    def first(self, x: np.ndarray) -> np.ndarray:
        """f1."""
        return x[..., 0]

    def g(self, x: np.ndarray) -> np.ndarray:
        """Return the distance of a point from the front; `ZDT.dimension` - 1 variables count."""
        total: np.ndarray = 1 + 9 * np.mean(x[..., 1:], axis=-1)
        return total

    @abstractmethod
    def h(self, f1: np.ndarray, g: np.ndarray | float) -> np.ndarray:
        """The shape of the front."""

    def values(self, x: np.ndarray) -> np.ndarray:
        f1, g = self.first(x), self.g(x)
        return np.stack([f1, g * self.h(f1, g)], axis=-1)

    def front(self, points: int = MOST_FRONT_POINTS) -> np.ndarray:
        f1 = np.linspace(self.ideal[0], 1, CURVE_POINTS)
        f2 = self.h(f1, 1.0)
        chosen = falling(f1, f2, points)
        front: np.ndarray = np.stack([f1, f2], axis=-1)[chosen]
        return front


@dataclass(frozen=True, slots=True, kw_only=True)
class ZDT1(ZDT):
    """ZDT1 on the unit cube: two metrics, a convex front."""

    def h(self, f1: np.ndarray, g: np.ndarray | float) -> np.ndarray:
        return 1 - np.sqrt(f1 / g)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZDT2(ZDT):
    """ZDT2 on the unit cube: two metrics, a concave front."""

    def h(self, f1: np.ndarray, g: np.ndarray | float) -> np.ndarray:
        return 1 - (f1 / g) ** 2


@dataclass(frozen=True, slots=True, kw_only=True)
class ZDT3(ZDT):
    """ZDT3 on the unit cube: two metrics, a front in five pieces."""

    @property
    def ideal(self) -> tuple[float, ...]:
        return 0.0, ZDT3_LEAST

    def h(self, f1: np.ndarray, g: np.ndarray | float) -> np.ndarray:
        return 1 - np.sqrt(f1 / g) - f1 / g * np.sin(10 * np.pi * f1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ZDT4(ZDT1):
    """ZDT4, x1 in [0, 1] and the others in [-5, 5]: two metrics, the front of ZDT1 behind 21^9 local ones."""

    dimension: int = 10

    @property
    def bounds(self) -> Bounds:
        return (0.0, 1.0), *(((-5.0, 5.0),) * (self.dimension - 1))

    @property
    def reference(self) -> tuple[float, ...]:
        """Above every value in the space, where f2 <= g; the others' (11, 11) would leave random search without any."""
        return 1.1, 1.0 + 45.0 * (self.dimension - 1)

    def g(self, x: np.ndarray) -> np.ndarray:
        others = x[..., 1:]
        waves = np.sum(others**2 - 10 * np.cos(4 * np.pi * others), axis=-1)
        total: np.ndarray = 1 + 10 * (self.dimension - 1) + waves
        return total


@dataclass(frozen=True, slots=True, kw_only=True)
class ZDT6(ZDT2):
    """ZDT6 on the unit cube: two metrics, a concave front whose points are unevenly hard to find."""

    dimension: int = 10

    @property
    def ideal(self) -> tuple[float, ...]:
        return ZDT6_LEAST, 0.0

    def first(self, x: np.ndarray) -> np.ndarray:
        f1: np.ndarray = 1 - np.exp(-4 * x[..., 0]) * np.sin(6 * np.pi * x[..., 0]) ** 6
        return f1

    def g(self, x: np.ndarray) -> np.ndarray:
        total: np.ndarray = 1 + 9 * np.mean(x[..., 1:], axis=-1) ** 0.25
        return total
