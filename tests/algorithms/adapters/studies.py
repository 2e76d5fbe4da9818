"""Optuna alone: a space that both its samplers and its pruners are tried on, and its objects without their warnings."""

import warnings

import optuna
from scipy import stats

from objectives.space import Categorical, Space

MIXED = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "width": stats.randint(8, 65),
        "activation": Categorical(["relu", "tanh", "sigmoid"]),
        "momentum": stats.uniform(0, 0.99),
    }
)


def quiet(make, **arguments):
    """Something experimental of Optuna, built without its warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        return make(**arguments)
