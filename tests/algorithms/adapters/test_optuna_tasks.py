"""Optuna's samplers for several metrics and constraints propose what they propose in a study of Optuna's own."""

import numpy as np
import pytest

pytest.importorskip("optuna", reason="optuna is not installed: make adapters")
import optuna

from algorithms.adapters.optuna_samplers import OptunaSearcher
from benchmark.checking.toy_tasks import TASKS, toy_values
from tests.algorithms.adapters.studies import MIXED, quiet
from tests.algorithms.driving import seed_of
from tests.algorithms.tasks import search

COUNT = 30
SAMPLERS = {
    "nsga2": (optuna.samplers.NSGAIISampler, {"population_size": 6}),
    "nsga3": (optuna.samplers.NSGAIIISampler, {"population_size": 6}),
    "motpe": (optuna.samplers.TPESampler, {"n_startup_trials": 6}),
    "tpe": (optuna.samplers.TPESampler, {"n_startup_trials": 6}),
}


def alone(sampler, n_metrics, constrained):
    """What Optuna proposes in a study of its own, told the toy values as something to minimise."""
    make, options = SAMPLERS[sampler]
    study = optuna.create_study(sampler=quiet(make, seed=seed_of(0), **options), directions=["minimize"] * n_metrics)
    proposed = []
    for _ in range(COUNT):
        trial = study.ask()
        config = {
            "rate": trial.suggest_float("rate", 1e-4, 1, log=True),
            "width": trial.suggest_int("width", 8, 64),
            "activation": trial.suggest_categorical("activation", ["relu", "tanh", "sigmoid"]),
            "momentum": trial.suggest_float("momentum", 0, 0.99),
        }
        proposed.append(config)
        values = toy_values(config)
        if constrained:
            trial.set_constraint("latency", values["latency"] - 0.5)
        study.tell(trial, [values["loss"], -values["gain"]][:n_metrics])
    return proposed


@pytest.mark.parametrize("kind", ["several", "several constrained"])
@pytest.mark.parametrize("sampler", ["nsga2", "nsga3", "motpe"])
def test_it_is_optunas_own_search(sampler, kind):
    """Seed, metrics and constraints alike, every proposal of thirty is."""
    ours = OptunaSearcher(
        MIXED, rng=np.random.default_rng(0), sampler=sampler, options=SAMPLERS[sampler][1], task=TASKS[kind]
    )
    theirs = alone(sampler, 2, "constrained" in kind)
    assert search(ours, TASKS[kind], toy_values, COUNT) == theirs


def test_constraints_of_one_metric_are_optunas_own():
    """TPE learns by how much the bound is exceeded, and proposes otherwise than without."""
    options = SAMPLERS["tpe"][1]
    ours = OptunaSearcher(MIXED, rng=np.random.default_rng(0), options=options, task=TASKS["constrained"])
    found = search(ours, TASKS["constrained"], toy_values, COUNT)
    assert found == alone("tpe", 1, constrained=True)
    assert found != alone("tpe", 1, constrained=False)


def test_plain_samplers_see_the_first_metric():
    """TPE on a task of several metrics proposes what it does for the first one alone."""
    options = SAMPLERS["tpe"][1]
    ours = OptunaSearcher(MIXED, rng=np.random.default_rng(0), options=options, task=TASKS["several"])
    assert search(ours, TASKS["several"], toy_values, COUNT) == alone("tpe", 1, constrained=False)
