"""Mean ranks over tasks, at the horizon and before."""

import numpy as np
import pytest

from analysis.many_tasks.mean_ranks import FRACTIONS, MEAN_RANKS, RANK_OVER_BUDGET, mean_ranks, rank_over_budget
from analysis.many_tasks.tasks import read_tasks
from tests.analysis.many_tasks.fields import ends, finals, improvements, planted


def brute(tasks, fraction):
    """Mean ranks by loops over blocks: one, plus those that are better, plus half of the others that are equal."""
    of_tasks = []
    for task in tasks:
        errors = task.errors_at(fraction * task.horizon).T
        blocks = [block for block in errors if not np.isnan(block).any()]
        ranks = [[1 + sum(block < one) + (sum(block == one) - 1) / 2 for one in block] for block in blocks]
        of_tasks += [np.mean(ranks, axis=0)] if ranks else []
    return np.mean(of_tasks, axis=0)


def test_ranks_at_every_budget_by_brute_force():
    """Every task has the same weight, runs without a result share the last ranks."""
    tasks = read_tasks(*planted(tasks=4, algorithms=4, repetitions=4))
    table = rank_over_budget(tasks)
    assert tuple(table.columns) == RANK_OVER_BUDGET
    for fraction in FRACTIONS:
        at = table[table["fraction"] == fraction]
        assert at["mean_rank"].to_numpy() == pytest.approx(brute(tasks, fraction))
        known = [np.isfinite(task.errors_at(fraction * task.horizon)).sum(axis=1) for task in tasks]
        assert at["n_defined"].tolist() == np.sum(known, axis=0).tolist()
    last = table[table["fraction"] == 1.0]
    assert last["mean_rank"].tolist() == mean_ranks(tasks)["mean_rank"].tolist()
    assert last["low"].isna().all()


def test_runs_without_a_result_rank_last():
    """All of them tied, whatever kept them from one."""
    rows = [("a", "good", 0, 1.0, 0.5), ("a", "failed", 0, 0.0, np.inf), ("a", "late", 0, 60.0, 0.1)]
    table = mean_ranks(read_tasks(improvements(rows), ends(["a"])))
    assert dict(zip(table["algorithm"], table["mean_rank"], strict=True)) == {"failed": 2.5, "good": 1, "late": 2.5}
    assert tuple(table.columns) == MEAN_RANKS


def test_tasks_have_the_same_weight():
    """One with ten repetitions counts as one with two; what one has not finished is no block."""
    frame, of_tasks = finals([[[0.1] * 10, [0.2] * 10], [[0.2] * 2 + [np.nan] * 8, [0.1] * 10]])
    table = mean_ranks(read_tasks(frame, of_tasks))
    assert table["mean_rank"].tolist() == [1.5, 1.5]
    assert table["n"].tolist() == [12, 12]
    assert table["n_tasks"].tolist() == [2, 2]


def test_an_algorithm_without_runs_takes_no_part():
    """Ranks are of the others."""
    frame, of_tasks = finals([[[0.1, 0.2], [0.2, 0.1], [np.nan, np.nan]]] * 2)
    table = mean_ranks(read_tasks(frame, of_tasks))
    assert table["algorithm"].tolist() == ["m0", "m1"]
    assert table["mean_rank"].tolist() == [1.5, 1.5]


def test_nothing_to_rank():
    """No task, and no block that all finished, give empty tables with their columns."""
    frame, of_tasks = finals([[[0.1, np.nan], [np.nan, 0.1]]])
    for tasks in ([], read_tasks(frame, of_tasks)):
        assert mean_ranks(tasks).empty
        assert tuple(rank_over_budget(tasks).columns) == RANK_OVER_BUDGET
