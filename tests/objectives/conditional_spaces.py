"""Conditional spaces for tests, and the canonical form of their configurations."""

import numpy as np
import pytest
from scipy import stats

from objectives.classification.mlp import MLP
from objectives.hyperparameter import Condition, Ordinal
from objectives.space import Categorical, Space

LAYERS = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "layers": stats.randint(1, 4),
        "width_1": stats.randint(8, 65),
        "width_2": stats.randint(8, 65),
        "width_3": stats.randint(8, 65),
    },
    conditions={
        "width_2": Condition(parent="layers", values=(2, 3)),
        "width_3": Condition(parent="layers", values=(3,)),
    },
)


NESTED = Space(
    {
        "optimizer": Categorical(["sgd", "adam"]),
        "nesterov": Categorical([True, False]),
        "momentum": stats.uniform(0, 0.9),
        "scale": Ordinal([0.5, 1.0, 2.0]),
        "offset": stats.norm(0, 1),
    },
    conditions={
        "offset": Condition(parent="scale", values=(2.0,)),  # in any order
        "nesterov": Condition(parent="optimizer", values=("sgd",)),
        "momentum": Condition(parent="nesterov", values=(True,)),
    },
)


SPACES = {"layers": LAYERS, "nested": NESTED, "mlp": MLP().space}


on_every_space = pytest.mark.parametrize("space", SPACES.values(), ids=SPACES)


def sample_configs(space, count=300, seed=0):
    """Configurations sampled from a space."""
    rng = np.random.default_rng(seed)
    return [space.sample(rng) for _ in range(count)]


def is_canonical(space, config):
    """Whether a configuration is complete, in order, and of Python's own types."""
    checked = space.check(config)
    return list(checked.items()) == list(config.items()) and all(
        type(config[name]) is type(value) for name, value in checked.items()
    )
