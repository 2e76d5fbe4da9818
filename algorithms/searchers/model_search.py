"""Search by a model on the unit cube: candidates, and the best of them and of those that gradients lead to."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

from algorithms.option_checks import require_int
from algorithms.searchers.observations import Observations, Results
from algorithms.searchers.random_search import RandomSearch
from algorithms.searchers.surrogate import NUMERICAL_ERRORS, torch
from objectives.space import Config, Space

CANDIDATES = 256
"""Places at which the acquisition is looked at first: half anywhere, half around good results."""

AROUND = 3
"""Results that candidates are drawn around."""

SPREAD = 0.1
"""Standard deviation of a numeric coordinate around a good result."""

RESTARTS = 4
"""Candidates that are improved by gradients: half from either kind."""

ASCENT_ITERATIONS = 10
"""Steps of L-BFGS on the acquisition: 2 % short of the maximum they climb to on average."""

Acquisition = Callable[[torch.Tensor], torch.Tensor]
"""Worth of (m, D) inputs: (m,)."""


class ModelSearch(ABC):
    """Random search at first; then the maximum of an acquisition function, whatever that is.

    A choice among three or more is as many columns of the model's inputs, so that any two are equally
    far apart. The model is of the results at the largest fidelity that has at least `num_init_random`;
    before there is one, proposals are random.

    Whole numbers and choices are rounded before the acquisition decides, so it sees what would be
    trained. A configuration proposed or told before is passed over: training it again tells nothing
    new. Where nothing new is found, or the acquisition cannot be computed, the proposal is random.

    Attributes:
        stale: whether there are results that the model was not fitted to.

    Args:
        config_space: the space.
        rng: the generator that all draws come from; also of the seeds of the quasi-Monte Carlo draws.
        initial_config: tried first; it counts as one of the initial random proposals.
        num_init_random: random proposals before the first of the model, and results it needs, >= 1.

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self, config_space: Space, *, rng: np.random.Generator, initial_config: Config | None, num_init_random: int
    ) -> None:
        require_int("num_init_random", num_init_random, 1)
        self.random_search = RandomSearch(config_space, rng=rng, initial_config=initial_config)
        self.space, self.rng, self.num_init_random = config_space, rng, num_init_random
        kinds = [axis.kind for axis in config_space.axes.values()]
        self.choice = np.array([kind == "categorical" for kind in kinds])
        self.levels = {i: len(axis.choices) for i, axis in enumerate(config_space.axes.values()) if self.choice[i]}
        self.observations = Observations(config_space)
        self.proposed = 0
        self.stale = True

    def sample_configuration(self) -> Config:
        self.proposed += 1
        config = self._propose() or self.random_search.sample_configuration()
        self.observations.propose(config)
        return config

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        self.observations.tell(config, error, self._outcomes(error, additional_info))
        self.stale = True

    @abstractmethod
    def _outcomes(self, error: float, info: Any) -> tuple[float, ...]:
        """Return what a result has to be remembered with besides its error."""

    @abstractmethod
    def _ranked(self, results: Results) -> Results:
        """Return the results with errors by which they are to be judged: finite, and less is better."""

    @abstractmethod
    def _acquisition(self, results: Results, seed: int) -> Acquisition:
        """Fit a model to ranked results and make an acquisition function; `seed` is for its draws."""

    def _propose(self) -> Config | None:
        """Fit the model and return its proposal, or None where it has none."""
        results = self.observations.largest(self.num_init_random)
        if self.proposed <= self.num_init_random or results is None:
            return None
        results = self._ranked(results)
        if not np.isfinite(results.errors).any():
            return None
        candidates = self._candidates(results)
        if all(tuple(place) in self.observations.known for place in candidates.tolist()):
            return None
        seed = int(self.rng.integers(2**31 - 1))
        try:
            return self._best(self._acquisition(results, seed), candidates)
        except NUMERICAL_ERRORS:
            return None

    def _pending(self) -> torch.Tensor:
        """Return the model's inputs of proposals without a result, (p, D)."""
        return self._features(np.array(self.observations.pending).reshape(-1, len(self.space)))

    def _candidates(self, results: Results) -> np.ndarray:
        """Draw points of the unit cube, (CANDIDATES, d): half of them anywhere, half around good results."""
        half, d = CANDIDATES // 2, len(self.space)
        anywhere, around = self.rng.random((2, half, d))
        good = np.argsort(results.errors, kind="stable")[:AROUND]
        rows = good[self.rng.integers(len(good), size=half)]
        centres, anew = results.points[rows], self.choice | ~results.active[rows]
        near = np.clip(centres + SPREAD * self.rng.standard_normal((half, d)), 0, 1)
        moved = self.rng.random((half, d)) < 0.5
        around = np.where(moved, np.where(anew, around, near), centres)
        return self._rounded(np.concatenate([anywhere, around]))

    def _best(self, acquisition: Acquisition, candidates: np.ndarray) -> Config | None:
        """Return the new configuration of the greatest acquisition among candidates and those found by ascent."""
        values = self._values(acquisition, candidates)
        halves = values.reshape(2, -1)
        tops = np.argsort(-halves, axis=1, kind="stable")[:, : RESTARTS // 2] + [[0], [CANDIDATES // 2]]
        reached = self._rounded(self._ascended(acquisition, candidates[tops.ravel()]))
        places = np.concatenate([reached, candidates])
        values = np.concatenate([self._values(acquisition, reached), values])
        for place in places[np.argsort(-values, kind="stable")]:
            if tuple(place.tolist()) not in self.observations.known:
                return self.space.decode(place)
        return None

    def _values(self, acquisition: Acquisition, places: np.ndarray) -> np.ndarray:
        with torch.no_grad():
            values: np.ndarray = acquisition(self._features(places)).numpy()
        return values

    def _ascended(self, acquisition: Acquisition, places: np.ndarray) -> np.ndarray:
        """Move points up the gradient of the acquisition in all numeric coordinates; choices stay."""
        numeric = np.flatnonzero(~self.choice)
        if not len(numeric):
            return places
        fixed = self._features(places)[:, len(numeric) :]
        start = places[:, numeric]

        def descent(flat: np.ndarray) -> tuple[float, np.ndarray]:
            free = torch.from_numpy(flat.reshape(start.shape)).requires_grad_()
            value = -acquisition(torch.cat([free, fixed], dim=1)).sum()
            (slope,) = torch.autograd.grad(value, free)
            return value.item(), slope.numpy().ravel()

        bounds = optimize.Bounds(0, 1)
        optimum = optimize.minimize(
            descent, start.ravel(), jac=True, method="L-BFGS-B", bounds=bounds, options={"maxiter": ASCENT_ITERATIONS}
        )
        ascended = places.copy()
        ascended[:, numeric] = optimum.x.reshape(start.shape)
        return ascended

    def _rounded(self, places: np.ndarray) -> np.ndarray:
        """Round points to those of configurations: integers, choices, and 0.5 for inactive coordinates."""
        return np.array([self.observations.place(self.space.decode(place)) for place in places])

    def _features(self, places: np.ndarray) -> torch.Tensor:
        """Encode (n, d) points for the model: numeric coordinates, then one column for every choice."""
        columns = [places[:, ~self.choice]]
        for axis, count in self.levels.items():
            codes = np.minimum(places[:, axis] * count, count - 1).astype(int)
            # Two choices are one column; any two of more are 1 apart, as the ends of a numeric axis are.
            columns.append(codes[:, None] * 1.0 if count <= 2 else np.eye(count)[codes] / math.sqrt(2))
        return torch.from_numpy(np.concatenate(columns, axis=1))
