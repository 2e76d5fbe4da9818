"""A space of every kind of hyperparameter."""

from scipy import stats

from objectives.space import Categorical, Space

MIXED = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "momentum": stats.uniform(0, 0.95),
        "width": stats.randint(8, 1025),
        "layers": stats.poisson(2),
        "scale": stats.truncnorm(-2, 2),
        "activation": Categorical(["relu", "tanh", "sigmoid"]),
        "nesterov": Categorical([True, False]),
    }
)
