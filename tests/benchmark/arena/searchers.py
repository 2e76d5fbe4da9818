"""Searchers that a user might enter: a plain one, a bad one, one that knows the optimum's place, one that raises."""

import numpy as np


class Plain:
    """Draws at random; its option changes nothing."""

    def __init__(self, config_space, rng, shrink=0.5):
        self.space, self.rng = config_space, rng

    def sample_configuration(self):
        return self.space.sample(self.rng)

    def update(self, config, error, additional_info=None):
        pass


class Stuck(Plain):
    """Proposes one and the same corner of the space, the worst that random search could do."""

    def sample_configuration(self):
        return self.space.decode(np.zeros(len(self.space)))


class Planted(Plain):
    """Draws around the best of several random points by an oracle: better than random search, by how much is planted.

    Args:
        gain: how many points the oracle chooses from.
    """

    def __init__(self, config_space, rng, gain=3):
        super().__init__(config_space, rng)
        self.gain = gain

    def sample_configuration(self):
        points = [self.space.sample(self.rng) for _ in range(self.gain)]
        return min(points, key=distance_of)


def distance_of(config):
    """How far a configuration of a closed form is from an optimum of it."""
    if "x6" in config:
        optimum = (0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.6573)
        return sum((config[f"x{place + 1}"] - value) ** 2 for place, value in enumerate(optimum))
    optima = ((-3.14159, 12.275), (3.14159, 2.275), (9.42478, 2.475))
    return min((config["x1"] - a) ** 2 + (config["x2"] - b) ** 2 for a, b in optima)


class Raising(Plain):
    """Raises at the third proposal."""

    count = 0

    def sample_configuration(self):
        self.count += 1
        if self.count > 2:
            raise RuntimeError("out of ideas")
        return super().sample_configuration()


class Halving:
    """A scheduler with a searcher of its own choosing."""

    def __init__(self, searcher):
        self.searcher = searcher

    def suggest(self):
        return self.searcher.sample_configuration()

    def update(self, config, error, info=None):
        self.searcher.update(config, error, info)
