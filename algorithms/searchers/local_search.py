"""Local search around the best configuration so far: the exercise of the book's HPO chapter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from algorithms.option_checks import require_fraction, require_int
from algorithms.searchers.random_search import RandomSearch
from objectives.space import FIDELITY, Config, Space


class LocalSearch:
    """Random search at first; then mostly the best configuration with one hyperparameter drawn again.

    After `num_init_random` proposals, each proposal is with probability `probab_local` the best
    configuration so far in which one hyperparameter that counts, chosen at random, is resampled from
    its own distribution, together with those that begin to count by that; otherwise it is a random
    one. Ties keep the earlier configuration; one whose training crashed (error +inf) is never the best.

    Args:
        config_space: the space.
        rng: the generator that all draws come from.
        initial_config: tried first; it counts as one of the initial random proposals.
        num_init_random: proposals of random search before the first local one, >= 1.
        probab_local: probability of a local proposal after that, in [0, 1].

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        num_init_random: int = 5,
        probab_local: float = 0.5,
    ) -> None:
        require_int("num_init_random", num_init_random, 1)
        require_fraction("probab_local", probab_local)
        self.random_search = RandomSearch(config_space, rng=rng, initial_config=initial_config)
        self.space, self.rng = config_space, rng
        self.num_init_random, self.probab_local = num_init_random, probab_local
        self.proposed = 0
        self.best: Config | None = None
        self.best_error = math.inf

    def sample_configuration(self) -> Config:
        self.proposed += 1
        if self.proposed <= self.num_init_random or self.best is None or self.rng.random() >= self.probab_local:
            return self.random_search.sample_configuration()
        names = self.space.active(self.best)
        return self.space.resample(self.best, names[self.rng.integers(len(names))], self.rng)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        if error < self.best_error:
            self.best = {name: value for name, value in config.items() if name != FIDELITY}
            self.best_error = error
