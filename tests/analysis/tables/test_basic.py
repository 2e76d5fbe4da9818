"""The CSV tables: every planned run and every evaluation is there, and only what is true is averaged."""

import csv
import io
import json
import math
import random
from pathlib import Path

import pytest

from analysis.loading.results import load
from analysis.tables.basic import as_csv, as_text
from tests.analysis.tables.basic_tables import tabulate


def table(suite, name):
    """One table of a suite as a list of dicts of text, as its CSV file says it."""
    data = as_csv(tabulate(load(suite.folder)))[f"{name}.csv"]
    return list(csv.DictReader(io.StringIO(data.decode())))


@pytest.fixture
def mixed(suite, planted_evaluation):
    """One cell with a done, a failed, a partial and a missing run."""
    suite.set(repetitions=4)
    promoted = planted_evaluation(2, 0.2, 0.4, 5.0, trial=0, start_epoch=2, epochs=8, config={"learning_rate": 0.3})
    suite.run([(0.5, 0.3, 1.0), (None, None, 2.0), promoted, (0.9, 0.9, 6.0)], 0)
    suite.run([(0.4, 0.4, 1.5)], 1, state="failed")
    suite.run([(0.1, 0.1, 1.25)], 2, state="partial")
    return suite


def test_runs_has_a_row_for_every_planned_run(mixed):
    """Done, failed, partial and missing runs are all rows, with the columns that are promised."""
    runs = table(mixed, "runs")
    assert [(row["repetition"], row["state"]) for row in runs] == [
        ("0", "done"),
        ("1", "failed"),
        ("2", "partial"),
        ("3", "missing"),
    ]
    assert runs[0] == {
        "objective": "bowl",
        "algorithm": "random",
        "repetition": "0",
        "state": "done",
        "n_evaluations": "4",
        "n_trials": "3",
        "n_diverged": "0",
        "n_crashed": "1",
        "epochs": "12",
        "runtime": "6.0",
        "train_seconds": "2.0",
        "decide_seconds": "1.0",
        "t_first": "1.0",
        "final_valid_error": "0.2",
        "final_test_error": "0.4",
        "incumbent": '{"learning_rate":0.3}',
    }
    assert [runs[3][name] for name in ("n_evaluations", "t_first", "final_valid_error", "incumbent")] == [
        "0",
        "",
        "",
        "",
    ]


def test_summary_counts_what_it_does_not_average(mixed):
    """A failed run leaves the final mean undefined instead of the mean of the others."""
    (row,) = table(mixed, "summary")
    assert [row[name] for name in ("n", "n_planned", "n_failed", "valid_mean", "test_std")] == ["2", "4", "1", "", ""]
    assert row["runtime_mean"] == "3.75"
    assert math.isclose(float(row["decide_share"]), 1 / 3)


def test_summary_of_complete_runs(suite):
    """Final means and stds are those of the incumbents at the end."""
    suite.run([(0.5, 0.1, 1.0), (0.4, 0.3, 2.0)], 0)
    suite.run([(0.2, 0.5, 1.0), (0.3, 0.0, 2.0)], 1)
    (row,) = table(suite, "summary")
    numbers = [float(row[name]) for name in ("valid_mean", "valid_std", "test_mean", "test_std")]
    assert numbers == pytest.approx([0.3, math.sqrt(0.02), 0.4, math.sqrt(0.02)])


def test_trials_has_a_row_for_every_evaluation(mixed):
    """Partial and failed runs' evaluations are there too, crashed ones with the error inf."""
    trials = table(mixed, "trials")
    assert [row["run_state"] for row in trials] == ["done"] * 4 + ["failed", "partial"]
    assert [row["valid_error"] for row in trials] == ["0.5", "inf", "0.2", "0.9", "0.4", "0.1"]
    assert [row["cumulative_epochs"] for row in trials[:4]] == ["2", "4", "10", "12"]
    assert json.loads(trials[2]["config"]) == {"learning_rate": 0.3}


def test_configurations_are_told_with_what_counts(suite, planted_evaluation):
    """A hyperparameter that did not count is not in the cell, rather than there with a value of its own."""
    deep = {"kind": "int", "low": 1, "high": 9, "log": False, "when": {"parent": "layers", "values": [2]}}
    suite.objective("deep", {"layers": {"kind": "ordinal", "choices": [1, 2]}, "width": deep})
    configs = [{"layers": 1}, {"layers": 2, "width": 5}]
    records = [planted_evaluation(i, 0.5 - 0.1 * i, 0.1, 1.0 + i, config=config) for i, config in enumerate(configs)]
    suite.run(records, objective="deep")
    trials = [row for row in table(suite, "trials") if row["objective"] == "deep"]
    assert [json.loads(row["config"]) for row in trials] == configs
    (run,) = [row for row in table(suite, "runs") if row["objective"] == "deep" and row["state"] == "done"]
    assert json.loads(run["incumbent"]) == configs[1]


def test_evaluations_beyond_the_budget_are_told_apart(suite):
    """An evaluation that ends too late stays in the tables but is nobody's incumbent."""
    suite.set(repetitions=1, budget={"runtime": 1.5})
    suite.run([(0.5, 0.5, 1.0), (0.1, 0.1, 2.0)])
    assert [row["counted"] for row in table(suite, "trials")] == ["True", "False"]
    assert table(suite, "runs")[0]["final_valid_error"] == "0.5"


def test_a_run_of_crashes_ends_with_the_error_inf(suite):
    """Averaging the table naively then gives inf, not the mean of the others."""
    suite.run([(None, None, 1.0)], 0)
    suite.run([(0.5, 0.5, 1.0)], 1)
    runs = table(suite, "runs")
    assert [row["final_valid_error"] for row in runs] == ["inf", "0.5"]
    assert table(suite, "summary")[0]["valid_mean"] == ""


def test_all_floats_read_back_exactly(suite):
    """Floats are written with as many digits as they need."""
    rng = random.Random(0)
    errors = [rng.random() * 10.0**-exponent for exponent in range(8)]
    suite.run([(error, error / 3, 0.1 * (place + 1)) for place, error in enumerate(errors)])
    trials = table(suite, "trials")
    assert [float(row["valid_error"]) for row in trials] == errors
    assert [float(row["test_error"]) for row in trials] == [error / 3 for error in errors]
    tables = tabulate(load(suite.folder))
    written = table(suite, "trajectory")
    for name in ("t", "valid_mean", "test_mean"):
        assert [float(row[name]) for row in written] == tables["trajectory"][name].tolist()


def test_no_table_says_nan(mixed):
    """What is undefined is an empty cell; what crashed is inf; lines end with a newline alone."""
    for data in as_csv(tabulate(load(mixed.folder))).values():
        assert b"nan" not in data.lower()
        assert b"\r" not in data


def test_rows_follow_the_plan(suite):
    """Rows are in the order of the plan, then runtime, trials, epochs, then t."""
    suite.set(repetitions=1)
    suite.objective("another")
    suite.algorithm("a-first-in-the-alphabet")
    for objective in ("bowl", "another"):
        for algorithm in ("random", "a-first-in-the-alphabet"):
            suite.run([(0.5, 0.5, 1.0), (0.4, 0.4, 2.0)], objective=objective, algorithm=algorithm)
    trajectory = tabulate(load(suite.folder))["trajectory"]
    keys = trajectory[["objective", "algorithm", "axis"]].drop_duplicates().values.tolist()
    assert keys == [
        [objective, algorithm, axis]
        for objective in ("bowl", "another")
        for algorithm in ("random", "a-first-in-the-alphabet")
        for axis in ("runtime", "trials", "epochs")
    ]
    assert all(
        group["t"].is_monotonic_increasing for _, group in trajectory.groupby(["objective", "algorithm", "axis"])
    )


def test_a_competitor_changes_no_other_row(suite):
    """The rows of an algorithm are the same bytes whoever else takes part."""
    suite.run([(0.5, 0.4, 1.0), (1 / 3, 0.2, 3.0)], 0)
    suite.run([(0.6, 0.5, 2.0)], 1)
    alone = as_csv(tabulate(load(suite.folder)))
    suite.algorithm("competitor")
    suite.run([(0.01, 0.01, 0.5)], 0, algorithm="competitor")
    suite.run([(0.02, 0.01, 0.7)], 1, algorithm="competitor", state="failed")
    together = as_csv(tabulate(load(suite.folder)))
    for name, data in alone.items():
        others = [line for line in together[name].splitlines() if not line.startswith(b"bowl,competitor,")]
        assert others == data.splitlines()


def test_the_order_of_discovery_changes_nothing(plant, monkeypatch):
    """Files written, and listed, in another order give the same bytes."""
    contents = []
    for name, reverse in (("forward", False), ("backward", True)):
        suite = plant(name)
        suite.set(repetitions=5)
        for repetition in sorted(range(5), reverse=reverse):
            suite.run([(0.1 * (repetition + 1), 0.3, 1.0 + repetition)], repetition)
        contents.append(as_csv(tabulate(load(suite.folder))))
        listed = Path.glob
        monkeypatch.setattr(Path, "glob", lambda self, pattern, listed=listed: reversed(list(listed(self, pattern))))
    assert contents[0] == contents[1]


def test_the_text_summary_shows_spread_and_counts(mixed):
    """The summary for reading names the cell, a dash for what is undefined, and n of N."""
    lines = as_text(tabulate(load(mixed.folder))["summary"], load(mixed.folder).plan).splitlines()
    assert lines[0].split() == ["objective", "algorithm", "validation", "error", "test", "error", "runs"]
    assert lines[1].split() == ["bowl", "random", "-", "-", "2", "of", "4,", "1", "failed"]


def test_the_text_summary_of_one_run_has_no_std(suite):
    """A single run is shown by its error alone."""
    suite.set(repetitions=1)
    suite.run([(0.25, 0.5, 1.0)])
    assert as_text(tabulate(load(suite.folder))["summary"], load(suite.folder).plan).splitlines()[1].split() == [
        "bowl", "random", "0.2500", "0.5000", "1", "of", "1"
    ]  # fmt: skip
