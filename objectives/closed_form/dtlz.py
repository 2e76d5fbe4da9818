"""DTLZ1, DTLZ2 and DTLZ7, of any number of metrics, and the constrained C2-DTLZ2.

Source: Deb, Thiele, Laumanns and Zitzler (2005), Scalable test problems for evolutionary multiobjective
optimization; Jain and Deb (2014), An evolutionary many-objective optimization algorithm, part II, for C2-DTLZ2.
The reference points are those of BoTorch.
"""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from itertools import product

import numpy as np

from objectives.closed_form.multi_objective import MOST_FRONT_POINTS, Scalable, falling, simplex, thin
from objectives.native_value import require_int

MOST_METRICS = 10
CURVE_POINTS = 100_001
DTLZ7_GREATEST = 1.6929956344984225
"""The greatest t (1 + sin(3 pi t)) on [0, 1], at t = 0.859401."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DTLZ(Scalable):
    """Positions on the front by the first m - 1 variables, the distance g >= 0 from it by the k others.

    Args:
        n_metrics: m, the number of metrics.
        dimension: number of variables, m - 1 + k.
    """

    n_metrics: int = 2

    def __post_init__(self) -> None:
        super(DTLZ, self).__post_init__()
        require_int("n_metrics", self.n_metrics, 2, MOST_METRICS)
        require_int("dimension", self.dimension, self.n_metrics, MOST_METRICS * 100)

    @property
    def ideal(self) -> tuple[float, ...]:
        return (0.0,) * self.n_metrics

    @abstractmethod
    def g(self, distances: np.ndarray) -> np.ndarray:
        """The distance from the front, of the last k variables."""

    def split(self, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The m - 1 positions, and g."""
        return x[..., : self.n_metrics - 1], self.g(x[..., self.n_metrics - 1 :])


@dataclass(frozen=True, slots=True, kw_only=True)
class DTLZ1(DTLZ):
    """DTLZ1 on the unit cube, any number of metrics: a flat front behind many local ones."""

    dimension: int = 6

    @property
    def reference(self) -> tuple[float, ...]:
        return (400.0,) * self.n_metrics

    def g(self, distances: np.ndarray) -> np.ndarray:
        off = distances - 0.5
        total: np.ndarray = 100 * np.sum(1 + off**2 - np.cos(20 * np.pi * off), axis=-1)
        return total

    def values(self, x: np.ndarray) -> np.ndarray:
        positions, g = self.split(x)
        values: np.ndarray = 0.5 * (1 + g)[..., None] * _products(positions, 1 - positions)
        return values

    def front(self, points: int = MOST_FRONT_POINTS) -> np.ndarray:
        return 0.5 * simplex(self.n_metrics, points)


@dataclass(frozen=True, slots=True, kw_only=True)
class DTLZ2(DTLZ):
    """DTLZ2 on the unit cube, any number of metrics: the front is a part of the unit sphere."""

    dimension: int = 11

    @property
    def reference(self) -> tuple[float, ...]:
        return (1.1,) * self.n_metrics

    def g(self, distances: np.ndarray) -> np.ndarray:
        total: np.ndarray = np.sum((distances - 0.5) ** 2, axis=-1)
        return total

    def values(self, x: np.ndarray) -> np.ndarray:
        positions, g = self.split(x)
        angles = positions * (np.pi / 2)
        values: np.ndarray = (1 + g)[..., None] * _products(np.cos(angles), np.sin(angles))
        return values

    def front(self, points: int = MOST_FRONT_POINTS) -> np.ndarray:
        directions = simplex(self.n_metrics, points)
        front: np.ndarray = directions / np.linalg.norm(directions, axis=1, keepdims=True)
        return front


@dataclass(frozen=True, slots=True, kw_only=True)
class C2DTLZ2(DTLZ2):
    """C2-DTLZ2 on the unit cube, any number of metrics: feasible within spheres about parts of DTLZ2's front.

    Differs from BoTorch's, which subtracts the squared radius once for every metric but one from a corner's
    distance, and once for every metric from the middle's.
    """

    @property
    def radius(self) -> float:
        """Of the spheres: 0.4 for three metrics and 0.5 for more, as published; 0.2 for two, as BoTorch."""
        return {2: 0.2, 3: 0.4}.get(self.n_metrics, 0.5)

    def excesses(self, x: np.ndarray) -> np.ndarray:
        return self._distance(self.values(x))[..., None]

    def front(self, points: int = MOST_FRONT_POINTS) -> np.ndarray:
        sphere = super(C2DTLZ2, self).front(points)
        return sphere[self._distance(sphere) <= 0]

    def _distance(self, f: np.ndarray) -> np.ndarray:
        """The squared distance from the nearest of the spheres' centres, less the squared radius."""
        corners = np.sum(f**2, axis=-1, keepdims=True) - 2 * f + 1
        middle = np.sum((f - self.n_metrics**-0.5) ** 2, axis=-1)
        distance: np.ndarray = np.minimum(corners.min(axis=-1), middle) - self.radius**2
        return distance


@dataclass(frozen=True, slots=True, kw_only=True)
class DTLZ7(DTLZ):
    """DTLZ7 on the unit cube, any number of metrics m: a front in 2^(m - 1) pieces."""

    dimension: int = 21

    @property
    def reference(self) -> tuple[float, ...]:
        return (15.0,) * self.n_metrics

    @property
    def ideal(self) -> tuple[float, ...]:
        others = self.n_metrics - 1
        return *((0.0,) * others), 2 * self.n_metrics - DTLZ7_GREATEST * others

    def g(self, distances: np.ndarray) -> np.ndarray:
        total: np.ndarray = 1 + 9 * np.mean(distances, axis=-1)
        return total

    def values(self, x: np.ndarray) -> np.ndarray:
        positions, g = self.split(x)
        last = (1 + g) * self.n_metrics - np.sum(_waves(positions), axis=-1)
        return np.concatenate([positions, last[..., None]], axis=-1)

    def front(self, points: int = MOST_FRONT_POINTS) -> np.ndarray:
        """Select the points of the front: g = 1, its least, and each position has a greater wave than all before it."""
        t = np.linspace(0, 1, CURVE_POINTS)
        others = self.n_metrics - 1
        chosen = t[falling(t, -_waves(t), max(2, int(points ** (1 / others) + 1e-9)))]
        positions = np.array(list(product(chosen, repeat=others)))
        last = 2 * self.n_metrics - np.sum(_waves(positions), axis=1)
        return thin(np.column_stack([positions, last]), points)


def _waves(t: np.ndarray) -> np.ndarray:
    waves: np.ndarray = t * (1 + np.sin(3 * np.pi * t))
    return waves


def _products(ahead: np.ndarray, last: np.ndarray) -> np.ndarray:
    """The products (..., m) of a_1 ... a_(m-i) l_(m-i+1), from a_1 ... a_(m-1) down to l_1."""
    ones = np.ones((*ahead.shape[:-1], 1))
    leading = np.concatenate([ones, np.cumprod(ahead, axis=-1)], axis=-1)
    ends = np.concatenate([last, ones], axis=-1)
    products: np.ndarray = (leading * ends)[..., ::-1]
    return products
