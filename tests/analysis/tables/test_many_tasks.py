"""The tables of suites with many objectives, from planted ledgers."""

import math

import numpy as np
import pytest

from analysis.loading.results import load
from analysis.many_tasks.tasks import IMPROVEMENTS
from analysis.statistics.pairwise import wilcoxon
from analysis.study import Study
from analysis.tables.many_tasks import ManyTasks, ends, features, has_many_tasks, improvements, planned_entries
from analysis.tables.pairwise import paired_differences
from benchmark.errors import BadInput

TASKS, REPETITIONS = ("one", "two", "three", "four"), 7


@pytest.fixture
def planted(suite):
    """Four objectives, three algorithms: local is best on two of them, crashed has a failed run and one not begun."""
    suite.plan["objectives"].clear()
    for label in TASKS:
        suite.objective(label)
    for label in ("local", "crashed"):
        suite.algorithm(label)
    suite.set(repetitions=REPETITIONS)
    rng = np.random.default_rng(4)
    for place, task in enumerate(TASKS):
        for algorithm in ("random", "local", "crashed"):
            for repetition in range(REPETITIONS):
                if (algorithm, task, repetition) == ("crashed", "two", 3):
                    continue
                better = 0.1 * (algorithm == "local") * (-1) ** (place // 2)
                errors = np.minimum.accumulate(rng.integers(30, 60, 4) / 100) - better
                rows = [(float(error), float(error) + 0.01, float(1 + end)) for end, error in enumerate(errors)]
                failed = (algorithm, task, repetition) == ("crashed", "one", 0)
                state = "failed" if failed else "done"
                suite.run(rows, repetition, objective=task, algorithm=algorithm, state=state)
    return suite


def test_frames_of_a_suite(planted):
    """Improvements are those of the curves; failed runs end, runs that are not there are not finished."""
    results = load(planted.folder)
    frame = improvements(results)
    assert tuple(frame.columns) == IMPROVEMENTS
    one = frame[(frame["objective"] == "one") & (frame["algorithm"] == "crashed")]
    [failed] = one[np.isinf(one["valid_error"])].to_dict("records")
    assert (failed["repetition"], failed["runtime"]) == (0, 4.0)
    [missing] = frame[frame["valid_error"].isna()].to_dict("records")
    assert (missing["objective"], missing["algorithm"], missing["repetition"]) == ("two", "crashed", 3)
    table = ends(results, planned_entries(planted.folder))
    assert table.to_dict("list") == {
        "objective": list(TASKS),
        "best": [0.0] * 4,
        "typical": [0.9] * 4,
        "horizon": [20.0] * 4,
        "typical_seconds": [1.0] * 4,
        "endpoint": ["test_error"] * 4,
    }
    known = features(results, planned_entries(planted.folder), 2)
    assert known.iloc[0].to_dict() == {"objective": "one", "dimension": 1, "fidelity": True, "n_workers": 2}


def test_what_a_training_costs(planted):
    """On the axis of epochs all epochs; of runtime the typical seconds that the plan states, if any."""
    planted.set(budget={"epochs": 80})
    results = load(planted.folder)
    entries = planned_entries(planted.folder)
    assert ends(results, entries)["typical_seconds"].tolist() == [8.0] * 4
    planted.set(budget={"runtime": 10.0})
    results = load(planted.folder)
    assert ends(results, entries)["typical_seconds"].isna().all()
    entries["one"]["typical_seconds"] = 0.5
    assert ends(results, entries)["typical_seconds"].tolist()[:1] == [0.5]
    entries["one"]["typical_seconds"] = -1
    with pytest.raises(BadInput, match="a typical training costs -1: need a number > 0"):
        ends(results, entries)


def test_a_typical_value_comes_before_that_of_chance(planted):
    """And both turn with the metric's goal."""
    metric = {"name": "accuracy", "goal": "max", "unit": "", "best": 1.0, "chance": 0.1, "reference": None}
    planted.plan["objectives"][0]["metrics"] = [{**metric, "typical": 0.5}]
    planted.plan["objectives"][1]["metrics"] = [metric]
    planted.set()
    table = ends(load(planted.folder), planned_entries(planted.folder))
    assert table["best"].tolist() == [-1.0, -1.0, 0.0, 0.0]
    assert table["typical"].tolist() == [-0.5, -0.1, 0.9, 0.9]


def test_the_task_map_tests_the_differences_of_the_pairs(planted):
    """Its p-values and median differences are of those differences that pairwise.csv is made of."""
    results = load(planted.folder)
    found = ManyTasks(results, planted.folder).makers()["task_map"]().set_index(["objective", "algorithm"])
    for task in TASKS:
        pairs = paired_differences(results, task)
        for other in ("local", "crashed"):
            cell, values = found.loc[(task, other)], -pairs["random", other]
            assert cell["p"] == wilcoxon(values[np.newaxis])[0]
            assert cell["n_paired"] == len(values)
            assert cell["difference"] == pytest.approx(np.median(values) / 0.9)
    assert found.loc[("two", "crashed"), "n"] == REPETITIONS - 1
    last = results.evaluations.query("objective == 'one' and algorithm == 'local' and completed == 4")["test_error"]
    assert found.loc[("one", "local"), "median_regret"] == pytest.approx(np.median(last) / 0.9)


def test_tables_of_a_suite(planted):
    """Every table is made, and blocks that one has not finished are left out of ranks."""
    study = Study(load(planted.folder), planted.folder)
    names = list(ManyTasks(study.results, planted.folder).makers())
    assert set(names) <= set(study.tables)
    tables = {name: study.tables[name] for name in names}
    assert all(len(table) for table in tables.values())
    assert set(tables["mean_ranks"]["n"]) == {4 * REPETITIONS - 1}
    assert math.isclose(tables["mean_ranks"]["mean_rank"].sum(), 6)
    assert set(tables["advice"]["tasks"]) == {"dimension <= 4, with curves", "with curves", "all tasks"}


def test_few_objectives_have_none(suite, planted):
    """Fewer than four say nothing about tasks, nor does a single algorithm."""
    assert has_many_tasks(load(planted.folder))
    planted.plan["objectives"].pop()
    planted.set()
    results = load(planted.folder)
    assert not has_many_tasks(results)
    assert "task_map" not in Study(results, planted.folder).tables
