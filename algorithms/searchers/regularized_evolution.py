"""Regularized, or aging, evolution (Real, Aggarwal, Huang and Le, 2019, algorithm 1; arXiv 1802.01548)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from algorithms.option_checks import require_int
from algorithms.searchers.random_search import RandomSearch
from objectives.space import FIDELITY, Config, Space

REDRAWS = 20
"""Draws of one hyperparameter in search of a new value: with two equal choices, all alike once in a million."""


@dataclass(frozen=True, slots=True)
class Member:
    """A configuration of the population, with the result of its longest training."""

    config: Config
    error: float
    epochs: float


class RegularizedEvolution:
    """Mutate the best of a few members of a population, whose oldest member is always replaced.

    The first P = `population_size` proposals are random. Each later one draws S = `sample_size`
    members, uniformly and with replacement, takes the one of least error as parent, and draws one of its
    hyperparameters anew. Every result joins the population; beyond P members the oldest leaves.

    Differs from the paper:
        - The mutation is of hyperparameters: one that counts, all being equally likely, is drawn from its
          own distribution until it changes (one without another value gives way to the next). The paper
          mutates a cell's operation or connection, or with probability 0.05 nothing; here a training
          repeated gives the same result, so an unchanged child would teach nothing.
        - P = 20 and S = 5 keep the ratio of the paper's 100 and 25; its searches trained 20,000 models.
        - The default configuration is the first of the random ones.
        - With parallel workers evolution begins after P proposals, whether or not all results are in;
          without any result a proposal is random. Only configurations with a result are members.
        - A configuration is one member however often its result comes in: its longest training counts,
          its age from its last result. One that has left returns so when it is trained further.
        - A crashed training (error +inf) is a member that loses to any other; ties go to the one drawn first.

    Args:
        config_space: the space.
        rng: the generator that all draws come from.
        initial_config: tried first; it counts as one of the random proposals.
        population_size: P, 1 to 10,000.
        sample_size: S, 1 to `population_size`.

    Raises:
        ValueError: a parameter outside these.
    """

    def __init__(
        self,
        config_space: Space,
        *,
        rng: np.random.Generator,
        initial_config: Config | None = None,
        population_size: int = 20,
        sample_size: int = 5,
    ) -> None:
        for name, value, high in (
            ("population_size", population_size, 10_000),
            ("sample_size", sample_size, population_size),
        ):
            require_int(name, value, 1, high)
        self.random_search = RandomSearch(config_space, rng=rng, initial_config=initial_config)
        self.space, self.rng = config_space, rng
        self.population_size, self.sample_size = population_size, sample_size
        self.proposed = 0
        self.population: dict[str, Member] = {}  # A queue: the oldest first.

    def sample_configuration(self) -> Config:
        self.proposed += 1
        if self.proposed <= self.population_size or not self.population:
            return self.random_search.sample_configuration()
        members = list(self.population.values())
        sample = [members[i] for i in self.rng.integers(len(members), size=self.sample_size)]
        parent = min(sample, key=lambda member: member.error)
        return self._mutate(parent.config)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        bare = {name: value for name, value in config.items() if name != FIDELITY}
        member = Member(bare, error, float(config.get(FIDELITY, math.inf)))
        name = repr(sorted(bare.items()))
        earlier = self.population.pop(name, member)
        self.population[name] = member if member.epochs >= earlier.epochs else earlier
        if len(self.population) > self.population_size:
            del self.population[next(iter(self.population))]

    def _mutate(self, parent: Config) -> Config:
        """Draw a configuration that differs in one hyperparameter, and in those that depend on it."""
        names = self.space.active(parent)
        for i in self.rng.permutation(len(names)):
            for _ in range(REDRAWS):
                child = self.space.resample(parent, names[i], self.rng)
                if child != parent:
                    return child
        return dict(parent)  # A space of one configuration.
