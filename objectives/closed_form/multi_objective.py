"""Problems of several values to minimise, some of them constrained, whose Pareto front is known."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import combinations
from typing import ClassVar

import numpy as np
from scipy import stats

from objectives.closed_form.formula import Formula
from objectives.epoch import Epoch
from objectives.metric import Metric
from objectives.native_value import require_int
from objectives.objective import Machine, substream
from objectives.space import Config, Space
from objectives.task import Constraint

MOST_VARIABLES = 1000
MOST_FRONT_POINTS = 1000

Bounds = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiObjective(Formula):
    """An objective with metrics f1, f2, ... to minimise, and g1, g2, ..., which are at most 0 where it is feasible.

    Noise is drawn for each of them apart; test metrics are the truth. In training the values f fall by
    (1/e - 1/E) times a tenth of the way from their reference to their best; constraints do not depend on epochs.
    """

    TIMES_ITSELF: ClassVar[bool] = True

    @property
    @abstractmethod
    def bounds(self) -> Bounds:
        """Least and greatest value of each of the variables x1, x2, ..."""

    @property
    @abstractmethod
    def reference(self) -> tuple[float, ...]:
        """The reference point of the hypervolume."""

    @property
    @abstractmethod
    def ideal(self) -> tuple[float, ...]:
        """The least value of each metric that a feasible configuration has."""

    @abstractmethod
    def values(self, x: np.ndarray) -> np.ndarray:
        """Compute the values (..., m) of points (..., n)."""

    def excesses(self, x: np.ndarray) -> np.ndarray:
        """Compute what each constraint (..., k) exceeds 0 by at points (..., n); at most 0 where it holds."""
        return np.empty((*x.shape[:-1], 0))

    def front(self, points: int = MOST_FRONT_POINTS) -> np.ndarray | None:
        """Compute at most so many points (p, m) of the Pareto front, spread over all of it; None: it is not known."""
        return None

    @property
    def space(self) -> Space:
        return box(self.bounds)

    @property
    def metrics(self) -> tuple[Metric, ...]:
        scales = zip(self.ideal, self.reference, strict=True)
        optimised = [Metric(f"f{i}", best=best, reference=worst) for i, (best, worst) in enumerate(scales, 1)]
        return (*optimised, *(Metric(constraint.metric) for constraint in self.constraints))

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        count = self.excesses(np.array([low for low, _ in self.bounds])).shape[-1]
        return tuple(Constraint(metric=f"g{i}", upper=0.0) for i in range(1, count + 1))

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        rng = np.random.default_rng(substream(seed, 0))
        names = [metric.name for metric in self.metrics]
        x = np.array([float(config[name]) for name in self.space])
        scale = (np.array(self.reference) - np.array(self.ideal)) / 10
        for epoch in range(1, self.epochs + 1):
            started = time.perf_counter()
            truth = np.concatenate([self.values(x) + self.bias(epoch) * scale, self.excesses(x)])
            noisy = truth + self.noise * rng.standard_normal(len(names))
            yield Epoch(
                metrics=dict(zip(names, noisy.tolist(), strict=True)),
                test_metrics=dict(zip(names, truth.tolist(), strict=True)),
                seconds=time.perf_counter() - started,
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalable(MultiObjective):
    """A problem on the unit cube of as many variables as one likes.

    Args:
        dimension: number of variables.
    """

    dimension: int = 30

    def __post_init__(self) -> None:
        super(Scalable, self).__post_init__()
        require_int("dimension", self.dimension, 2, MOST_VARIABLES)

    @property
    def bounds(self) -> Bounds:
        return ((0.0, 1.0),) * self.dimension


@cache
def box(bounds: Bounds) -> Space:
    """Make the space of variables x1, x2, ... that are uniform between bounds."""
    return Space({f"x{i}": stats.uniform(low, high - low) for i, (low, high) in enumerate(bounds, 1)})


def falling(x: np.ndarray, y: np.ndarray, points: int) -> np.ndarray:
    """Choose points of a curve that no other one dominates, evenly spread over them.

    Args:
        x: (n,) increasing.
        y: (n,) values of the curve there.
        points: how many at most.

    Returns:
        (p,) indices: where y is less than everywhere before.
    """
    before = np.concatenate([[math.inf], np.minimum.accumulate(y)[:-1]])
    return thin(np.flatnonzero(y < before), points)


def thin(items: np.ndarray, points: int) -> np.ndarray:
    """Keep at most so many items, evenly spread from the first to the last."""
    kept = np.linspace(0, len(items) - 1, min(points, len(items)))
    chosen: np.ndarray = items[np.round(kept).astype(int)]
    return chosen


def simplex(m: int, points: int) -> np.ndarray:
    """Spread points (p, m) with sum 1 evenly over the simplex: those whose coordinates are multiples of 1/h.

    Source: Das and Dennis (1998), Normal-boundary intersection.
    """
    h = max(h for h in range(1, points + 1) if h == 1 or math.comb(h + m - 1, m - 1) <= points)
    bars = np.array(list(combinations(range(h + m - 1), m - 1)))
    edges = np.hstack([np.full((len(bars), 1), -1), bars, np.full((len(bars), 1), h + m - 1)])
    return (np.diff(edges, axis=1) - 1) / h
