"""The map of tasks and methods."""

import numpy as np
import pytest
from scipy import stats

from analysis.many_tasks.task_map import TASK_MAP, task_map
from analysis.many_tasks.tasks import read_tasks
from analysis.statistics.pairwise import holm
from tests.analysis.many_tasks.fields import finals

N = 12


@pytest.fixture(scope="module")
def errors():
    """(tasks, methods, repetitions): m1 is better than m0 on the first task and worse on the second, m2 is like m0."""
    drawn = np.random.default_rng(1).normal(0.5, 0.05, size=(2, 3, N))
    drawn[0, 1] -= 0.3
    drawn[1, 1] += 0.3
    return drawn


def test_cells(errors):
    """Medians of regrets, paired differences, SciPy's p and Holm over the two methods of each task."""
    table = task_map(read_tasks(*finals(errors, best=0.1, typical=0.6)), "m0")
    assert tuple(table.columns) == TASK_MAP
    assert table["verdict"].tolist() == [
        *("control", "better", "no difference shown"),
        *("control", "worse", "no difference shown"),
    ]
    regrets = (errors - 0.1) / 0.5
    assert table["median_regret"].to_numpy() == pytest.approx(np.median(regrets, axis=2).ravel())
    assert (table["low"] < table["median_regret"]).all()
    assert (table["median_regret"] < table["high"]).all()
    for place, of_task in enumerate(regrets):
        mine = table.iloc[3 * place : 3 * place + 3]
        p = [stats.wilcoxon(of_task[method] - of_task[0]).pvalue for method in (1, 2)]
        assert np.isnan(mine["p"].iloc[0])
        assert mine["p"].iloc[1:].to_numpy() == pytest.approx(p)
        assert mine["p_holm"].iloc[1:].to_numpy() == pytest.approx(holm(np.array(p)))
        assert mine["difference"].tolist() == pytest.approx(np.median(of_task - of_task[0], axis=1))


def test_a_task_without_ends_has_verdicts(errors):
    """Regrets and their differences are empty; tests are of errors, and the same."""
    frame, ends = finals(errors)
    with_ends = task_map(read_tasks(frame, ends), "m0")
    table = task_map(read_tasks(frame, ends.assign(best=np.nan)), "m0")
    assert table[["median_regret", "low", "high", "difference"]].isna().all(axis=None)
    for name in ("p", "p_holm", "verdict", "n"):
        assert table[name].equals(with_ends[name])


def test_failures_and_runs_that_are_not_finished():
    """Both failed is a tie, one is infinitely worse; what is not finished is in no number."""
    failed, tied = [[0.5] * 8, [np.inf] * 8], [[np.inf, 0.5, 0.5], [np.inf, 0.5, np.nan]]
    table = task_map(read_tasks(*finals([failed, tied])), "m0")
    worse, same = table.iloc[1], table.iloc[3]
    assert (worse["median_regret"], worse["difference"], worse["verdict"]) == (np.inf, np.inf, "worse")
    assert (same["n"], same["n_paired"], same["difference"], same["p"]) == (2, 2, 0.0, 1.0)
    nothing = task_map(read_tasks(*finals([[[0.5, 0.5], [np.nan, np.nan]]])), "m0").iloc[1]
    assert (nothing["n"], nothing["n_paired"], nothing["verdict"]) == (0, 0, "no difference shown")
    assert np.isnan([nothing["median_regret"], nothing["p"], nothing["p_holm"]]).all()


def test_an_unknown_control_is_refused(errors):
    """By the names that there are."""
    with pytest.raises(ValueError, match="control = 'random': need one of m0, m1, m2"):
        task_map(read_tasks(*finals(errors)), "random")
