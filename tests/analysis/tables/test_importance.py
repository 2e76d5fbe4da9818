"""Importance: planted effects are found, and where there is nothing to say nothing is said."""

import logging
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest

from analysis.loading.results import load
from analysis.tables import importance
from analysis.tables.importance import IMPORTANCE, bounds, fully_trained, importance_table, unit
from tests import ROOT

SPACE = {
    "learning_rate": {"kind": "float", "low": 1e-4, "high": 1.0, "log": True},
    "depth": {"kind": "int", "low": 1, "high": 4, "log": False},
    "activation": {"kind": "categorical", "choices": ["relu", "tanh", True]},
    "width_3": {"kind": "ordinal", "choices": [8, 16, 32], "when": {"parent": "depth", "values": [3, 4]}},
}


@pytest.fixture
def planted(suite, planted_evaluation):
    """Plants runs whose error is a function of the configuration."""

    def plant(error, *, repetitions=2, count=30, space=SPACE, **changes):
        suite.objective("net", space)
        suite.set(repetitions=repetitions)
        draws = np.random.default_rng(0)
        for repetition in range(repetitions):
            evaluations = []
            for index in range(count):
                config = {
                    "learning_rate": float(10 ** draws.uniform(-4, 0)),
                    "depth": int(draws.integers(1, 5)),
                    "activation": ["relu", "tanh", True][draws.integers(3)],
                }
                config |= {"width_3": [8, 16, 32][draws.integers(3)]} if config["depth"] >= 3 else {}
                value = error(config)
                record = planted_evaluation(index, value, value, 1.0 + index, config=config, **changes)
                evaluations.append(record)
            suite.run(evaluations, repetition, objective="net")
        return load(suite.folder)

    return plant


def shares(results):
    """The importances by hyperparameter."""
    table = importance_table(results)
    return dict(zip(table["hyperparameter"], table["importance"], strict=True))


def test_the_axis_that_decides_is_found(planted):
    """An error that one axis alone makes gives it nearly all importance, on its own scale."""
    found = shares(planted(lambda config: (np.log10(config["learning_rate"]) + 2.0) ** 2 / 8))
    assert found["learning_rate"] > 0.7
    assert max(share for name, share in found.items() if name != "learning_rate") < 0.1


def test_a_category_is_found(planted):
    """A categorical axis is no number, whatever its choices are."""
    assert shares(planted(lambda config: 0.1 if config["activation"] is True else 0.6))["activation"] > 0.9


def test_a_conditional_axis_is_assessed_where_it_counts(planted):
    """Its importance is that among the evaluations that hold it, and the row says which and how many."""
    results = planted(lambda config: config.get("width_3", 4) / 100, repetitions=4)
    table = importance_table(results).set_index("hyperparameter")
    held = sum("width_3" in config for config in results.configs(results.evaluations))
    assert table.loc["width_3", "importance"] > 0.9
    assert (table.loc["width_3", "n"], table.loc["width_3", "given"]) == (held, "depth = 3 or 4")
    assert (table.loc["depth", "n"], table.loc["depth", "given"]) == (len(results.evaluations), "")


def test_one_repetition_has_no_std(planted):
    """The std is over halves of the repetitions, of which one repetition has none."""
    table = importance_table(planted(lambda config: config["learning_rate"], repetitions=1))
    assert table["importance"].notna().all()
    assert table["std"].isna().all()


def test_columns_and_order(planted):
    """The columns are the interface, and the rows are in the order of the space."""
    table = importance_table(planted(lambda config: config["learning_rate"]))
    assert tuple(table.columns) == IMPORTANCE
    assert table["hyperparameter"].tolist() == list(SPACE)
    assert ((table["importance"] >= 0) & (table["importance"] <= 1)).all()


@pytest.mark.parametrize(
    ("error", "count"), [(lambda config: 0.5, 30), (lambda config: config["learning_rate"], 9)], ids=["tied", "few"]
)
def test_nothing_to_say(planted, error, count):
    """Constant errors and too few evaluations have an empty table with all columns."""
    table = importance_table(planted(error, count=count))
    assert table.empty
    assert tuple(table.columns) == IMPORTANCE


def test_without_optuna_the_table_is_empty(planted, monkeypatch):
    """Where the library is not installed there is no importance, and no error."""
    monkeypatch.setattr(importance, "find_spec", lambda name: None)
    assert importance_table(planted(lambda config: config["learning_rate"])).empty


def test_crashed_and_half_trained_evaluations_do_not_count(suite, planted_evaluation):
    """What is compared is trained as far as any is, or diverged; the same evaluation counts once."""
    suite.algorithm("local")
    record = planted_evaluation
    suite.run(
        [
            record(0, 0.5, 0.5, 1.0, epochs=4),
            record(1, 0.6, 0.5, 2.0, epochs=2, config={"learning_rate": 0.2}),
            record(2, 0.9, 0.9, 3.0, epochs=1, state="diverged", config={"learning_rate": 1.0}),
            record(3, None, None, 4.0, epochs=4, config={"learning_rate": 0.3}),
        ]
    )
    suite.run([record(0, 0.5, 0.5, 1.0, epochs=4)], algorithm="local")
    suite.run([record(0, 0.4, 0.4, 1.0, epochs=4)], 1, algorithm="local")
    rows = fully_trained(load(suite.folder), "bowl")
    assert rows["valid_error"].tolist() == [0.5, 0.9, 0.4]


def test_units_fill_their_bounds(suite):
    """Every allowed value has its place within the bounds, and the first and last are equally far inside."""
    suite.objective("net", SPACE)
    axes = {axis.name: axis for axis in load_plan(suite).space}
    assert bounds(axes["depth"]) == (0.5, 4.5)
    assert [unit(axes["width_3"], value) for value in (8, 16, 32)] == [0.0, 1.0, 2.0]
    assert bounds(axes["width_3"]) == (-0.5, 2.5)
    assert bounds(axes["learning_rate"]) == pytest.approx((np.log(1e-4), 0.0))


def load_plan(suite):
    """The objective net of a suite with one run."""
    suite.run([(0.5, 0.5, 1.0)])
    return load(suite.folder).plan.objectives[1]


def test_global_state_is_left_alone(planted):
    """Neither the global generators nor the logger nor the warnings' filters are changed."""
    results = planted(lambda config: config["learning_rate"])
    logger = logging.getLogger("optuna")
    before = random.getstate(), np.random.get_state()[1].tolist(), list(warnings.filters)  # noqa: NPY002
    importance_table(results)  # imports Optuna, which sets its own level once
    level = logger.level
    importance_table(results)
    assert (random.getstate(), np.random.get_state()[1].tolist(), list(warnings.filters)) == before  # noqa: NPY002
    assert logger.level == level


@pytest.mark.slow
def test_the_same_bytes_in_a_fresh_process(planted, suite):
    """Another process with another hash seed finds the same numbers, and nothing is printed besides."""
    table = importance_table(planted(lambda config: config["learning_rate"]))
    program = (
        "import sys; from pathlib import Path; from analysis.loading.results import load;"
        "from analysis.tables.importance import importance_table;"
        "print(importance_table(load(Path(sys.argv[1]))).to_csv(index=False), end='')"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(suite.folder)],
        cwd=ROOT,
        env={"PYTHONHASHSEED": "5"},
        capture_output=True,
        text=True,
    )
    assert (ran.stdout, ran.stderr) == (table.to_csv(index=False), "")
