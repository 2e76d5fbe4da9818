"""The book's searchers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmark.book.hyperparameters import HyperParameters
from objectives.native_value import native_scalar
from objectives.space import Config, Space


class HPOSearcher(HyperParameters):
    """The book's searcher: which configuration next? `update` does nothing unless overridden."""

    def sample_configuration(self) -> Config:
        raise NotImplementedError

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        """Learn what `config` came to."""


class RandomSearcher(HPOSearcher):
    """Random search as the book draws it: `rvs()` of every distribution in turn.

    Args:
        config_space: distributions by name.
        initial_config: tried first, once.
        seed: of a generator of its own. Without one, numpy's global generator decides, as in the book:
            `numpy.random.seed(0)` in a notebook repeats the search.

    Raises:
        ValueError: the space is none.
    """

    config_space: Mapping[str, Any]
    initial_config: Config | None

    def __init__(
        self,
        config_space: Mapping[str, Any],
        initial_config: Config | None = None,
        seed: int | np.random.SeedSequence | None = None,
    ) -> None:
        self.save_hyperparameters()
        space = config_space if isinstance(config_space, Space) else Space(config_space)
        if seed is not None:
            self.config_space = space.bound_to(np.random.default_rng(seed))

    def sample_configuration(self) -> Config:
        if self.initial_config is not None:
            first, self.initial_config = dict(self.initial_config), None
            return first
        drawn = {name: native_scalar(domain.rvs()) for name, domain in self.config_space.items()}
        active = self.config_space.active(drawn) if isinstance(self.config_space, Space) else drawn
        return {name: drawn[name] for name in active}
