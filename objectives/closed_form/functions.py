"""Functions of one value with a known optimum, to test the whole harness in seconds."""

from __future__ import annotations

import math
import time
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy import stats

from objectives.closed_form.formula import Formula
from objectives.epoch import Epoch
from objectives.objective import Machine, substream
from objectives.space import Config, Space


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedForm(Formula):
    """An objective whose validation error is a function of the configuration."""

    TIMES_ITSELF: ClassVar[bool] = True

    @abstractmethod
    def value(self, config: Config) -> float:
        """f(x), without noise, fully trained."""

    @property
    @abstractmethod
    def optimum(self) -> float:
        """The least value of f over the space."""

    @property
    def best_error(self) -> float:
        return self.optimum

    @property
    @abstractmethod
    def scale(self) -> float:
        """How far above f(x) an untrained trial starts."""

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        rng = np.random.default_rng(substream(seed, 0))
        for epoch in range(1, self.epochs + 1):
            started = time.perf_counter()
            truth = self.value(config) + self.bias(epoch) * self.scale
            noisy = truth + self.noise * float(rng.standard_normal())
            yield Epoch(valid_error=noisy, test_error=truth, seconds=time.perf_counter() - started)


BRANIN_SPACE = Space({"x1": stats.uniform(-5, 15), "x2": stats.uniform(0, 15)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Branin(ClosedForm):
    """Branin's function on [-5, 10] x [0, 15] (2-d): three global minima of 0.397887, no training.

    Source: Dixon and Szego (1978), Towards Global Optimisation 2.
    """

    @property
    def space(self) -> Space:
        return BRANIN_SPACE

    @property
    def optimum(self) -> float:
        return 0.39788735772973816

    @property
    def chance_error(self) -> float:
        """The mean over the space, rounded."""
        return 54.3

    @property
    def scale(self) -> float:
        return 50.0

    def value(self, config: Config) -> float:
        x1, x2 = float(config["x1"]), float(config["x2"])
        a, b, c, r, s, t = 1.0, 5.1 / (4 * math.pi**2), 5 / math.pi, 6.0, 10.0, 1 / (8 * math.pi)
        return a * (x2 - b * x1**2 + c * x1 - r) ** 2 + s * (1 - t) * math.cos(x1) + s


HARTMANN6_SPACE = Space({f"x{i}": stats.uniform(0, 1) for i in range(1, 7)})
HARTMANN6_ALPHA = np.array([1.0, 1.2, 3.0, 3.2])
HARTMANN6_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
HARTMANN6_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hartmann6(ClosedForm):
    """Hartmann's function on the unit cube (6-d): six local minima, the least -3.32237, no training.

    Source: Dixon and Szego (1978), Towards Global Optimisation 2.
    """

    @property
    def space(self) -> Space:
        return HARTMANN6_SPACE

    @property
    def optimum(self) -> float:
        return -3.322368011415515

    @property
    def chance_error(self) -> float:
        """The value that most of the space is near: f < 0 everywhere and its mean is -0.26."""
        return 0.0

    @property
    def scale(self) -> float:
        return 1.0

    def value(self, config: Config) -> float:
        x = np.array([float(config[f"x{i}"]) for i in range(1, 7)])
        inner = np.sum(HARTMANN6_A * (x - HARTMANN6_P) ** 2, axis=1)
        return -float(HARTMANN6_ALPHA @ np.exp(-inner))
