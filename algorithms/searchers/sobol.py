"""Search by a scrambled Sobol' sequence (1967), which fills the space more evenly than random search."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.stats import qmc

from objectives.space import Config, Space

BITS = 53
"""The sequence ends after 2**BITS points; more bits than these a double would round, up to 1.0 even."""

BLOCK = 64
"""Points drawn at once, a power of 2: 0.06 microseconds a point, 3 when drawn alone (6 dimensions)."""


class Sobol:
    """The points of a scrambled Sobol' sequence, in their order.

    Each aligned block of 2**k points has exactly one point in every one of 2**k equal cells of each
    hyperparameter's probability; so any budget is spread evenly, and a power of 2 perfectly.

    The scramble is a random linear matrix with a random digital shift (Matousek, 1998) on the direction
    numbers of Joe and Kuo (2008): every point alone is uniform, and repetitions are independent.

    Args:
        config_space: the space; a point goes to a configuration by the inverse cdf of each distribution.
        rng: draws the scramble.
        initial_config: tried first, before the sequence, which does not know of it.
    """

    adaptive = False

    def __init__(self, config_space: Space, *, rng: np.random.Generator, initial_config: Config | None = None) -> None:
        self.space = config_space
        self.initial_config = None if initial_config is None else dict(initial_config)
        # Given `rng` itself, scipy would spawn from its seed and ignore what was drawn from it before.
        scramble = np.random.default_rng(int(rng.integers(2**31 - 1)))
        self.sequence = qmc.Sobol(len(config_space), bits=BITS, seed=scramble)
        self.block: list[np.ndarray] = []

    def sample_configuration(self) -> Config:
        if self.initial_config is not None:
            config, self.initial_config = self.initial_config, None
            return config
        if not self.block:
            self.block = list(self.sequence.random(BLOCK)[::-1])
        return self.space.decode(self.block.pop())

    def update(self, config: Config, error: float, additional_info: Any = None) -> None:
        """A sequence learns nothing."""
