"""A suite of many rivals, whose labels, hyperparameters and choices are as long as they may be."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.figures import makers
from analysis.study import Study
from analysis.tables.importance import IMPORTANCE
from analysis.tables.recheck import NOISE, RECHECK

RIVALS = 12
LABEL = "random-search-with-a-long-descriptive-label-of-configuration-{:02d}"
OBJECTIVE = "objective-of-a-neural-network-on-a-large-data-set-{:02d}"
CHOICES = [f"choice_of_a_schedule_with_a_long_name_{number:03d}" for number in range(RIVALS)]
"""Of 40 letters."""
RATE = "lr"
SPACE = {
    RATE: {"kind": "float", "low": 1e-5, "high": 0.1, "log": True},
    "optimizer_learning_rate_before_the_warmup": {"kind": "float", "low": 1e-5, "high": 0.1, "log": True},
    "schedule_of_the_learning_rate_and_momentum": {"kind": "categorical", "choices": CHOICES},
    "augmentation_that_is_applied_to_the_images": {"kind": "categorical", "choices": CHOICES[:5]},
    "number_of_hidden_layers_of_the_network_here": {
        "kind": "int", "low": 1, "high": 100_000, "log": False,
        "when": {"parent": "augmentation_that_is_applied_to_the_images", "values": CHOICES[:3]},
    },
}  # fmt: skip


def plant(suite, evaluation, *, label=LABEL, objectives=1, rivals=RIVALS):
    """Fill a planted suite; two repetitions of two evaluations, the first epoch of which is slow."""
    names = [label.format(number) for number in range(1, rivals + 1)]
    suite.set(objectives=[], algorithms=[], title="A comparison of many algorithms " * 5, n_workers=2)
    for name in names:
        suite.algorithm(name)
    for place in range(objectives):
        suite.objective(OBJECTIVE.format(place), SPACE, None)
        for number, name in enumerate(names):
            for repetition in range(2):
                records = [
                    evaluation(
                        index, error, error + 0.01, 123_456.0 * (index + 1), start=0.0, epochs=1 + index % 2,
                        config=_config(number + index), valid_curve=[0.9, error], test_curve=[0.9, error],
                    )
                    for index, error in enumerate(0.5 / (number + 1 + np.arange(6) + repetition))
                ]  # fmt: skip
                suite.run(records, repetition, objective=OBJECTIVE.format(place), algorithm=name)
    return suite


def _config(number):
    names = list(SPACE)
    config = dict(zip(names, (1e-4, 1e-3, CHOICES[number % RIVALS], CHOICES[number % 5]), strict=False))
    return config | ({names[4]: 1 + number} if number % 5 < 3 else {})


def figures(results, folder, recheck=0.1):
    """All figures of a suite by name, with a recheck and importances, that it has not got, invented."""
    study = Study(results, folder)
    invented = {"recheck": _recheck(results, recheck), "noise": _noise(results), "importance": _importance(results)}
    with np.errstate(all="ignore"):  # Figures are drawn here, tables are not judged.
        tables = {name: study.tables[name] for name in study.tables if name not in invented} | invented
    study.tables = tables
    return {name: make() for name, make in makers(study)}


def _recheck(results, error):
    rows = [
        dict.fromkeys(RECHECK, error)
        | {"objective": objective.label, "algorithm": name, "repetition": repetition, "k": 3, "n_crashed": 0}
        | {column: error / (1 + repetition) for column in RECHECK if "error" in column}
        for objective in results.plan.objectives
        for name in results.plan.algorithms
        for repetition in range(2 if name == results.plan.control else 1)
    ]
    return pd.DataFrame(rows, columns=list(RECHECK))


def _noise(results):
    rows = [(objective.label, 4, 3, 12, 0, 1, 8, 0.01, 0.02) for objective in results.plan.objectives]
    return pd.DataFrame(rows, columns=list(NOISE))


def _importance(results):
    rows = [
        dict.fromkeys(IMPORTANCE, "") | {
            "objective": objective.label, "hyperparameter": axis.name, "importance": 0.3 / (1 + place), "std": 0.01,
            "n": 100, "method": "fanova",
            "given": "" if axis.when is None else f"{axis.when[0]} = {' or '.join(axis.when[1])}",
        }
        for objective in results.plan.objectives
        for place, axis in enumerate(objective.space)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(IMPORTANCE))
