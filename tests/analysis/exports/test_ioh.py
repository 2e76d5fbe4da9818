"""IOHprofiler files, read back with IOHinspector: values, fixed-budget means and expected running times."""

from __future__ import annotations

import json
import math
import sys

import numpy as np
import pytest

from analysis.loading.results import load


@pytest.fixture
def inspector():
    """IOHinspector with its data of all runs; it must be installed."""
    return pytest.importorskip("iohinspector", reason="iohinspector is not installed: make setup")


@pytest.fixture
def searched(plant):
    """Two algorithms, 12 repetitions of 15 evaluations, some of them crashed, and one run that crashed."""
    suite = plant("searched")
    suite.algorithm("local")
    suite.set(repetitions=12)
    rng = np.random.default_rng(7)
    for algorithm, power in (("random", 1.0), ("local", 1.4)):
        for repetition in range(12):
            errors = np.round(rng.uniform(0.02, 0.9, size=15) ** power, 4).tolist()
            crashed = rng.uniform(size=15) < 0.1
            rows = [
                (None, None, place + 1.0) if gone else (error, error, place + 1.0)
                for place, (error, gone) in enumerate(zip(errors, crashed, strict=True))
            ]
            state = "failed" if (algorithm, repetition) == ("local", 3) else "done"
            suite.run(rows[: 6 if state == "failed" else 15], repetition, algorithm=algorithm, state=state)
    return suite.folder


def loaded(inspector, folder, *, monotonic=False):
    """All runs as IOHinspector reads them, or only the evaluations that changed the running minimum."""
    manager = inspector.DataManager()
    manager.add_folder(str(folder))
    return manager, manager.load(monotonic=monotonic, include_meta_data=True)


def test_every_evaluation_reads_back(inspector, varied, exported):
    """Validation errors, test errors, seconds and epochs of all finished runs, within the budget."""
    _, folder = exported(varied.folder, "ioh")
    _, data = loaded(inspector, folder)
    runs = [run for run in varied.results.runs if run.aggregated and run.rows.stop > run.rows.start]
    for run in runs:
        rows = varied.results.evaluations.iloc[run.rows]
        kept = rows[rows["counted"]]
        read = data.filter((data["algorithm_name"] == run.algorithm) & (data["instance"] == run.repetition + 1)).sort(
            "evaluations"
        )
        assert read["evaluations"].to_list() == kept["completed"].tolist()
        assert read["raw_y"].to_list() == kept["valid_error"].tolist()
        assert read["test_error"].to_list() == kept["test_error"].tolist()
        assert read["runtime"].to_list() == kept["end"].tolist()
        assert read["epochs"].to_list() == kept["cumulative_epochs"].tolist()


def test_runs_without_a_result_stay_in_the_count(inspector, varied, exported):
    """A failed run without evaluations is a run; missing and partial ones are left out, and counted."""
    _, folder = exported(varied.folder, "ioh")
    manager, data = loaded(inspector, folder)
    overview = manager.overview.sort("algorithm_name", "instance")
    assert overview.select("algorithm_name", "instance", "evals").rows() == [
        ("asha", 1, 4), ("random", 1, 4), ("random", 2, 1), ("random", 3, 1),
    ]  # fmt: skip
    assert overview["best_y"].to_list() == [0.3, 0.25, 0.4, sys.float_info.max]
    assert data.filter(data["instance"] == 3)["raw_y"].to_list() == [math.inf]
    assert "2 of 6 runs are missing or not finished" in (folder / "export.txt").read_text()


def test_fixed_budget_values_are_the_incumbents(inspector, searched, exported):
    """The running minimum after k evaluations is our curve at k, in every run."""
    _, folder = exported(searched, "ioh")
    _, data = loaded(inspector, folder)
    results = load(searched)
    for run in results.runs:
        [curve] = results.curves([run], "trials")
        read = data.filter((data["algorithm_name"] == run.algorithm) & (data["instance"] == run.repetition + 1))
        theirs = read.sort("evaluations")["raw_y"].cum_min().to_numpy()
        np.testing.assert_array_equal(theirs, np.where(np.isnan(curve.valid), np.inf, curve.valid))


def test_expected_running_times_are_ours(inspector, searched, exported):
    """ERT at several targets is IOHinspector's, where all unfinished runs are as long as its censoring assumes."""
    _, folder = exported(searched, "ioh")
    _, data = loaded(inspector, folder, monotonic=True)
    from iohinspector.metrics.fixed_target import aggregate_running_time

    table = aggregate_running_time(
        data.filter(data["algorithm_name"] == "random"), f_min=0.03, f_max=0.5, scale_f_log=False, eval_max=15
    )
    results = load(searched)
    curves = results.curves([run for run in results.runs if run.algorithm == "random"], "trials")
    compared = 0
    for target, theirs in zip(table["raw_y"], table["ERT"], strict=True):
        hits = [curve.t[curve.valid <= target] for curve in curves]
        successes = sum(len(hit) > 0 for hit in hits)
        ours = sum(hit[0] if len(hit) else 15.0 for hit in hits) / successes if successes else math.inf
        assert theirs == pytest.approx(ours)
        compared += 0 < successes < len(curves)
    assert compared > 3


def test_the_json_is_plain(searched, exported):
    """No NaN and no infinity, which JSON does not have, and the columns of the data file are named in order."""
    _, folder = exported(searched, "ioh")

    def refuse(name):
        raise AssertionError(name)

    for path in sorted(folder.glob("*/*.json")):
        content = json.loads(path.read_text(), parse_constant=refuse)
        data = (path.parent / content["scenarios"][0]["path"]).read_text().splitlines()
        assert data[0].split() == content["attributes"]
        assert sum(line == data[0] for line in data) == len(content["scenarios"][0]["runs"]) == 12


def test_the_same_bytes_twice(varied, exported):
    """An export made again is the same."""
    _, folder = exported(varied.folder, "ioh")
    before = {path: path.read_bytes() for path in sorted(folder.rglob("*.*")) if path.is_file()}
    exported(varied.folder, "ioh")
    assert {path: path.read_bytes() for path in sorted(folder.rglob("*.*")) if path.is_file()} == before


@pytest.mark.slow
def test_a_metric_that_is_maximised_is_maximised_there_too(inspector, plant, exported):
    """Readers take the running maximum of its own values; what came to nothing is minus infinity."""
    suite = plant()
    suite.plan["objectives"][0]["metrics"] = [{"name": "accuracy", "goal": "max", "unit": "%"}]
    suite.set()
    suite.run([(-50.0, -40.0, 1.0), (None, None, 2.0), (-80.0, -70.0, 3.0), (-60.0, -90.0, 4.0)])
    suite.run([], 1, state="failed")
    _, folder = exported(suite.folder, "ioh")
    manager, data = loaded(inspector, folder, monotonic=True)
    assert json.loads((folder / "random" / "IOHprofiler_f1_bowl.json").read_text())["maximization"] is True
    assert manager.overview["best_y"].to_list() == [80.0, -sys.float_info.max]
    assert data.filter(data["instance"] == 1)["raw_y"].to_list() == [50.0, 80.0]
    _, data = loaded(inspector, folder)
    assert data.filter(data["instance"] == 1)["raw_y"].to_list() == [50.0, -math.inf, 80.0, 60.0]
    assert data.filter(data["instance"] == 1)["test_error"].to_list() == [40.0, -math.inf, 70.0, 90.0]
