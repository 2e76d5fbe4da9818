"""Performance and data profiles against loops over all runs."""

import numpy as np
import pytest

from analysis.many_tasks.profiles import DATA_PROFILES, PERFORMANCE_PROFILES, data_profiles, performance_profiles
from analysis.many_tasks.tasks import read_tasks
from tests.analysis.many_tasks.fields import ends, finals, improvements, planted

TARGET = 0.25


def step(table, algorithm, column, at):
    """The share that holds at a place: that of the last row up to it."""
    rows = table[(table["algorithm"] == algorithm) & (table[column] <= at)]
    return rows["share"].iloc[-1]


def places(table, column):
    """Every corner, and places between and behind them."""
    corners = np.unique(table[column])
    return np.unique([*corners, *(corners[1:] + corners[:-1]) / 2, corners[-1] + 1])


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_performance_profiles_by_brute_force(seed):
    """The share of (task, repetition) solved at no more than tau times the least cost of any method."""
    tasks = read_tasks(*planted(tasks=4, algorithms=3, repetitions=5, seed=seed))
    table = performance_profiles(tasks, TARGET)
    assert tuple(table.columns) == PERFORMANCE_PROFILES
    costs = [
        [task.reached(TARGET)[method, repetition] for method in range(3)] for task in tasks for repetition in range(5)
    ]
    assert np.isinf(costs).any()
    for tau in places(table, "tau"):
        for method in range(3):
            solved = [cost[method] <= tau * min(cost) for cost in costs if np.isfinite(cost[method])]
            assert step(table, f"m{method}", "tau", tau) == pytest.approx(sum(solved) / len(costs))


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_data_profiles_by_brute_force(seed):
    """The share of runs that have solved their task within so many typical trainings."""
    frame, of_tasks = planted(tasks=4, algorithms=3, repetitions=5, seed=seed)
    of_tasks["typical_seconds"] = [1.0, 2.0, 4.0, np.nan]
    tasks = read_tasks(frame, of_tasks)
    table = data_profiles(tasks, TARGET)
    assert tuple(table.columns) == DATA_PROFILES
    for trainings in places(table, "trainings"):
        for method in range(3):
            hits = [task.reached(TARGET)[method] <= trainings * task.typical_seconds for task in tasks[:3]]
            assert step(table, f"m{method}", "trainings", trainings) == pytest.approx(np.mean(hits))


def test_profiles_rise_from_their_first_row():
    """Corners ascend, shares too, the first row is at 1 or 0, and a share is at most that of all."""
    tasks = read_tasks(*planted())
    for table, column, first in (
        (performance_profiles(tasks, TARGET), "tau", 1.0),
        (data_profiles(tasks, TARGET), "trainings", 0.0),
    ):
        for _, rows in table.groupby("algorithm"):
            assert rows[column].iloc[0] == first
            assert (np.diff(rows[column]) > 0).all()
            assert (np.diff(rows["share"]) > 0).all()
            assert rows["share"].between(0, 1).all()


def test_a_fastest_method_starts_at_its_share_of_wins():
    """Ties are fastest both, solved at once is a ratio of 1, and what nobody solves is unsolved by all."""
    rows = [("a", "x", 0, 2.0, 0.0), ("a", "y", 0, 6.0, 0.0), ("a", "x", 1, 3.0, 0.0), ("a", "y", 1, 3.0, 0.0)]
    rows += [("a", "x", 2, 0.0, 0.0), ("a", "y", 2, 1.0, 0.0), ("a", "x", 3, 0.0, 1.0), ("a", "y", 3, 1.0, 1.0)]
    table = performance_profiles(read_tasks(improvements(rows), ends(["a"])))
    assert table.to_numpy().tolist() == [["x", 1.0, 0.75, 4], ["y", 1.0, 0.25, 4], ["y", 3.0, 0.5, 4]]


def test_tasks_without_ends_have_no_profile():
    """Nor unfinished runs: a performance profile leaves the repetition out, a data profile the run."""
    frame, of_tasks = finals([[[0.0, 0.0, np.nan], [0.0, 0.5, 0.0]], [[0.0], [0.0]]], typical_seconds=1.0)
    of_tasks.loc[1, "typical"] = np.nan
    tasks = read_tasks(frame, of_tasks)
    assert performance_profiles(tasks).to_numpy().tolist() == [["m0", 1.0, 1.0, 2], ["m1", 1.0, 0.5, 2]]
    found = data_profiles(tasks).to_numpy().tolist()
    assert found == [["m0", 0.0, 0.0, 2], ["m0", 1.0, 1.0, 2], ["m1", 0.0, 0.0, 3], ["m1", 1.0, 2 / 3, 3]]
    assert performance_profiles([]).empty
    assert data_profiles([]).empty
