"""CMA-ES by the library cmaes (Nomura and Shibata, 2024): plain, with margin, with categories."""

from __future__ import annotations

import math
import warnings
from typing import Any

import numpy as np
from cmaes import CMA, CatCMAwM, CMAwM

from algorithms.interop.pending import PendingTrials
from objectives.space import Config, Hyperparameter, Space

VARIANTS = ("auto", "cma", "margin", "categorical")
SIGMA = 1 / 6
"""Standard deviation at the start, of an axis of length 1: the library has no default, Optuna has this."""
MOST_CELLS = 1000
"""An axis of more values is continuous to "categorical", which tabulates them all."""


class CmaEs:
    """CMA-ES in the unit cube of the space.

    Variants: "cma" (Hansen, 2016, arXiv 1604.00772) takes every axis as continuous, a whole or listed
    value being a cell of [0, 1]; "margin" (Hamano et al., 2022, arXiv 2205.13482) keeps a least
    probability of leaving a cell; "categorical" (Hamano et al., 2025, arXiv 2504.07884) has probabilities
    for axes without order or with two values, margins for other whole or listed numbers, and a Gaussian
    for the rest. "auto" takes the plainest that knows the space: "categorical" where there are
    categoricals, else "margin" where there are whole or listed numbers, else "cma".

    A generation is the first `population_size` results to come in, in the order of their errors. With one
    worker this is the library's own loop. With more, any number may be asked for meanwhile, and what was
    drawn in one generation may count in the next. Once the library says that a strategy has converged,
    another one starts at a random configuration with twice the population (IPOP; Auger and Hansen, 2005);
    late results of the old one are ignored.

    A crashed training ranks last and counts as the worst finite error of its generation; from a
    generation that crashed as a whole nothing is learnt. The default configuration is proposed first; it
    is the mean of the first generation and one of its members. Axes with one value are left out; where
    none is left, the only configuration is proposed again and again. Discrete spaces bring repeats.
    Values that do not count are drawn and dropped.

    Args:
        config_space: the space.
        rng: gives the library's seeds and the means of restarts.
        initial_config: tried first.
        variant: "auto", "cma", "margin" or "categorical".
        population_size: of the first strategy, >= 4; 4 + floor(3 log d) otherwise.
        sigma: standard deviation at the start in the unit cube, > 0. Otherwise 1/6, or with "categorical"
            the library's own 1/12 of a continuous axis and 1/10 of a discrete one.

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        variant: str = "auto",
        population_size: int | None = None,
        sigma: float | None = None,
    ) -> None:
        _check(variant, population_size, sigma)
        self.space, self.rng, self.sigma = config_space, rng, sigma
        self.initial_config = None if initial_config is None else dict(initial_config)
        self.axes = list(config_space.axes.values())
        self.free = [index for index, axis in enumerate(self.axes) if _cells(axis) != 1]
        self.variant = _plainest(self.axes) if variant == "auto" else variant
        self.pending = PendingTrials()
        self.results: list[tuple[Any, float]] = []
        self.strategy: _Gaussian | _Mixed | None = None
        if self.free:
            center = np.full(len(self.axes), 0.5)
            self._start(center if initial_config is None else config_space.encode(initial_config), population_size)

    def sample_configuration(self) -> Config:
        point = np.full(len(self.axes), 0.5)
        if self.strategy is None:
            return self.space.decode(point)
        if self.initial_config is not None:
            config, self.initial_config = self.initial_config, None
            solution = self.strategy.center()
        else:
            point[self.free], solution = self.strategy.ask()
            config = self.space.decode(point)
        self.pending.add(config, (self.strategy, solution))
        return dict(config)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        strategy, solution = self.pending.take(config) or (None, None)
        if strategy is self.strategy and strategy is not None:
            self.results.append((solution, error))
            if len(self.results) == strategy.optimizer.population_size:
                self._next_generation(strategy)

    def _next_generation(self, strategy: _Gaussian | _Mixed) -> None:
        ranked = sorted(self.results, key=lambda result: result[1])
        self.results = []
        finite = [error for _, error in ranked if math.isfinite(error)]
        if not finite:
            return
        with warnings.catch_warnings():  # "categorical" divides 0 by 0 where a generation ties.
            warnings.simplefilter("ignore", RuntimeWarning)
            strategy.optimizer.tell([(solution, min(error, finite[-1])) for solution, error in ranked])
            converged = strategy.should_stop()
        if converged:
            self._start(self.space.encode(self.space.sample(self.rng)), 2 * strategy.optimizer.population_size)

    def _start(self, mean: np.ndarray, population_size: int | None) -> None:
        axes = [self.axes[index] for index in self.free]
        seed = int(self.rng.integers(2**31 - 1))
        if self.variant == "categorical":
            self.strategy = _Mixed(axes, mean[self.free], self.sigma, seed, population_size)
        else:
            margin = self.variant == "margin"
            self.strategy = _Gaussian(axes, mean[self.free], self.sigma or SIGMA, seed, population_size, margin)


class _Copyable(CMA):  # type: ignore[misc]  # cmaes is not typed
    """Makes copies of the library's strategy keep its generator; otherwise they would draw from entropy."""

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)


class _Gaussian:
    """CMA, or CMAwM with a grid of cell centres in [0, 1] on each discrete axis."""

    def __init__(
        self,
        axes: list[Hyperparameter],
        mean: np.ndarray,
        sigma: float,
        seed: int,
        population_size: int | None,
        margin: bool,
    ) -> None:
        steps = np.array([1 / _cells(axis) if margin and _cells(axis) else 0.0 for axis in axes])
        bounds = np.stack([steps / 2, 1 - steps / 2], axis=1)
        self.mean = mean
        self.optimizer: CMA | CMAwM
        if margin:
            self.optimizer = CMAwM(mean, sigma, bounds, steps, seed=seed, population_size=population_size)
            self.optimizer._cma.__class__ = _Copyable
        else:
            self.optimizer = _Copyable(mean, sigma, bounds, seed=seed, population_size=population_size)

    def ask(self) -> tuple[np.ndarray, np.ndarray]:
        """Return a point of the unit cube, (d,), and the solution to report to the library, (d,)."""
        asked = self.optimizer.ask()
        at, told = asked if isinstance(asked, tuple) else (asked, asked)
        return at, told

    def center(self) -> np.ndarray:
        """The first mean, as a solution."""
        return self.mean.copy()

    def should_stop(self) -> bool:
        return bool(self.optimizer.should_stop())


class _Mixed:
    """CatCMAwM: the axes of the cube by kind, one after the other."""

    def __init__(
        self,
        axes: list[Hyperparameter],
        mean: np.ndarray,
        sigma: float | None,
        seed: int,
        population_size: int | None,
    ) -> None:
        kinds = [_kind(axis) for axis in axes]
        self.x, self.z, self.c = ([i for i, kind in enumerate(kinds) if kind == each] for each in "xzc")
        self.mean, self.sizes = mean, np.array([_cells(axes[i]) for i in self.c])
        grids = [[(i + 0.5) / _cells(axes[index]) for i in range(_cells(axes[index]))] for index in self.z]
        spread = [0.5 / 6] * len(self.x) + [(grid[-1] - grid[0]) / 2 / 5 for grid in grids]
        self.optimizer = CatCMAwM(
            x_space=[[0.0, 1.0]] * len(self.x) or None,
            z_space=grids or None,
            c_space=[int(size) for size in self.sizes] or None,
            population_size=population_size,
            mean=mean[self.x + self.z],
            sigma=sigma,
            cov=np.diag(np.square(spread)) if sigma is None else np.eye(len(spread)),
            seed=seed,
        )

    def ask(self) -> tuple[np.ndarray, CatCMAwM.Solution]:
        """Return a point of the unit cube, (d,), and the library's solution there."""
        solution = self.optimizer.ask()
        point = np.empty_like(self.mean)
        if solution.x is not None:
            point[self.x] = solution.x
        if solution.z is not None:
            point[self.z] = solution.z
        if solution.c is not None:
            point[self.c] = (solution.c.argmax(axis=1) + 0.5) / self.sizes
        return point, solution

    def center(self) -> CatCMAwM.Solution:
        """The first mean, as a solution."""
        chosen = (self.mean[self.c] * self.sizes).astype(int) if self.c else np.zeros(0, dtype=int)
        return CatCMAwM.Solution(
            x=self.mean[self.x] if self.x else None,
            z=self.mean[self.z] if self.z else None,
            c=chosen[:, None] == np.arange(self.sizes.max()) if self.c else None,
            _v_raw=self.mean[self.x + self.z] if self.x + self.z else None,
        )

    def should_stop(self) -> bool:
        """Return whether the Gaussian part has converged; the library has no criterion for categories alone."""
        return bool(self.x + self.z and self.optimizer.should_stop())


def _cells(axis: Hyperparameter) -> int:
    """Number of equally wide cells of [0, 1] that stand for an axis' values; 0 for a continuous axis."""
    if axis.choices:
        return len(axis.choices)
    if axis.kind == "int" and axis.low == axis.high:
        return 1
    evenly = axis.kind == "int" and axis.plain and not axis.log
    return int(axis.high - axis.low + 1) if evenly else 0


def _kind(axis: Hyperparameter) -> str:
    """The kind of an axis to CatCMAwM: c without order or with two values, z with a table of values, else x."""
    cells = _cells(axis)
    if axis.kind == "categorical" or cells == 2:
        return "c"
    return "z" if 0 < cells <= MOST_CELLS else "x"


def _plainest(axes: list[Hyperparameter]) -> str:
    free = [axis for axis in axes if _cells(axis) != 1]
    if any(axis.kind == "categorical" for axis in free):
        return "categorical"
    return "margin" if any(_cells(axis) for axis in free) else "cma"


def _check(variant: Any, population_size: Any, sigma: Any) -> None:
    if variant not in VARIANTS:
        raise ValueError(f"variant = {variant!r}: not one of {', '.join(VARIANTS)}")
    if population_size is not None and (type(population_size) is not int or population_size < 4):
        raise ValueError(f"population_size = {population_size!r}: need a whole number >= 4")
    if sigma is not None and (type(sigma) not in (int, float) or not 0 < sigma < math.inf):
        raise ValueError(f"sigma = {sigma!r}: need a number > 0")
