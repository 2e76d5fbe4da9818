"""Importance: planted effects are found, and where there is nothing to say nothing is said."""

import math
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest

from analysis.loading.results import load
from analysis.tables import importance
from analysis.tables.importance import IMPORTANCE, fully_trained, importance_table
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


WIDE = {
    "whole": {"kind": "int", "low": 1_700_000_000, "high": 1_700_000_063},
    "wide": {"kind": "float", "low": 0.0, "high": 1e39},
    "widest": {"kind": "float", "low": -1.7e308, "high": 1.7e308},
    "choice": {"kind": "categorical", "choices": [f"choice {number}" for number in range(40)]},
}
ON_UNIT = {
    "whole": lambda config: (config["whole"] - 1_700_000_000) / 63,
    "wide": lambda config: config["wide"] / 1e39,
    "widest": lambda config: config["widest"] / 1.7e308,
    "choice": lambda config: int(config["choice"].split()[1]) * 7 % 40 / 40,
}


@pytest.mark.parametrize("scale", [1e-300, 1.0, 1e305])
@pytest.mark.parametrize("decides", WIDE)
def test_an_axis_of_any_range_is_found(suite, planted_evaluation, decides, scale):
    """Integers far from zero, ranges beyond float32 or half of the doubles, and 40 choices: the one that decides."""
    suite.objective("net", WIDE)
    draws = np.random.default_rng(1)
    for repetition in range(2):
        records = []
        for index in range(150):
            config = {
                "whole": int(draws.integers(1_700_000_000, 1_700_000_064)),
                "wide": float(draws.uniform(0, 1e39)),
                "widest": float(1.7e308 * draws.uniform(-1, 1)),
                "choice": f"choice {draws.integers(40)}",
            }
            value = scale * (ON_UNIT[decides](config) + 0.01 * ON_UNIT["wide"](config))
            records.append(planted_evaluation(index, value, value, 1.0 + index, config=config))
        suite.run(records, repetition, objective="net")
    found = shares(load(suite.folder))
    assert found.pop(decides) > 0.8
    assert max(found.values()) < 0.1


def test_choices_by_chance_explain_nothing(suite, planted_evaluation):
    """Of hundreds of choices some are good by luck; their order is not learned from those that it is judged by."""
    suite.objective("net", {"x": SPACE["learning_rate"], "c": {"kind": "categorical", "choices": list(range(300))}})
    draws = np.random.default_rng(2)
    for repetition in range(2):
        records = []
        for index in range(100):
            config = {"x": float(10 ** draws.uniform(-4, 0)), "c": int(draws.integers(300))}
            value = math.log10(config["x"]) / 4 + float(draws.normal(scale=0.15))
            records.append(planted_evaluation(index, value, value, 1.0 + index, config=config))
        suite.run(records, repetition, objective="net")
    found = shares(load(suite.folder))
    assert found["x"] > 0.8
    assert found["c"] < 0.1


@pytest.mark.parametrize(
    ("work", "forests"),
    [
        ([], []),
        ([1], [8]),
        ([1] * 40, [4] * 40),
        ([51, 51], [1, 1]),
        ([100, 100], [1, 0]),
        ([1] * 161, [1] * 160 + [0]),
    ],
)
def test_the_work_of_a_table_is_bounded(monkeypatch, work, forests):
    """The more samples and the more hyperparameters, the fewer forests, and what is beyond is left out."""
    monkeypatch.setattr(importance, "_work", lambda sample: sample)
    assert importance._forests_of_each(work) == forests


def test_what_is_left_out_says_so(planted, monkeypatch):
    """A hyperparameter without importance has its row, with the reason in place of the method."""
    monkeypatch.setattr(importance, "MOST_WORK", 1)
    table = importance_table(planted(lambda config: config["learning_rate"])).set_index("hyperparameter")
    assert table["importance"].notna().tolist() == [True, True, True, False]
    assert table.loc["width_3", "method"] == "left out: too many hyperparameters or conditions"


def test_global_state_is_left_alone(planted):
    """Neither the global generators nor the warnings' filters are changed."""
    results = planted(lambda config: config["learning_rate"])
    before = random.getstate(), np.random.get_state()[1].tolist(), list(warnings.filters)  # noqa: NPY002
    importance_table(results)
    assert (random.getstate(), np.random.get_state()[1].tolist(), list(warnings.filters)) == before  # noqa: NPY002


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
