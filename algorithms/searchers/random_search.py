"""Random search (Bergstra and Bengio, 2012): the baseline that every other method has to beat."""

from __future__ import annotations

from typing import Any

import numpy as np

from objectives.space import Config, Space


class RandomSearch:
    """Draw every configuration at random from the space; try the default configuration first, if there is one.

    Args:
        config_space: the space.
        rng: the generator that all draws come from.
        initial_config: tried first; copied, never changed.
    """

    adaptive = False

    def __init__(self, config_space: Space, *, rng: np.random.Generator, initial_config: Config | None = None) -> None:
        self.space, self.rng = config_space, rng
        self.initial_config = None if initial_config is None else dict(initial_config)

    def sample_configuration(self) -> Config:
        if self.initial_config is not None:
            config, self.initial_config = self.initial_config, None
            return config
        return self.space.sample(self.rng)

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        """Random search learns nothing."""
