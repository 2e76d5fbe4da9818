"""Win rates of every two methods over tasks."""

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.proportion import proportion_confint

from analysis.many_tasks.resampling import resampled
from analysis.many_tasks.tasks import read_tasks
from analysis.many_tasks.win_rates import WIN_RATES, win_interval, win_rates
from tests.analysis.many_tasks.fields import finals, planted


def interval_of(wins):
    """The interval of outcomes of repetitions, task by task."""
    shares, variances = np.array([(of_task.mean(), of_task.var() / len(of_task)) for of_task in wins]).T
    return win_interval(shares, variances, sum(map(len, wins)))


def test_win_rates_by_brute_force():
    """The mean over tasks of the share of repetitions with the smaller error, ties counted half."""
    tasks = read_tasks(*planted(tasks=6))
    table = win_rates(tasks).set_index(["algorithm", "other"])
    assert len(table) == 5 * 4
    for a in range(5):
        for b in {*range(5)} - {a}:
            shares = [
                np.mean([(x < y) + (x == y) / 2 for x, y in zip(task.finals[a], task.finals[b], strict=True)])
                for task in tasks
            ]
            row = table.loc[(f"m{a}", f"m{b}")]
            assert row["win_rate"] == pytest.approx(np.mean(shares))
            assert row["low"] < row["win_rate"] < row["high"]
            assert row["n"] == 36


def test_both_sides_of_a_pair():
    """The rates add up to 1, and so do a lower and the other's upper limit."""
    table = win_rates(read_tasks(*planted())).set_index(["algorithm", "other"])
    for (a, b), row in table.iterrows():
        other = table.loc[(b, a)]
        assert row["win_rate"] + other["win_rate"] == pytest.approx(1)
        assert row["low"] + other["high"] == pytest.approx(1)


def test_interval_of_single_repetitions_is_wilsons():
    """With Student's quantile, for the tasks are few."""
    for wins in (0, 3, 10, 12):
        outcomes = [np.array([1.0 if place < wins else 0.0]) for place in range(12)]
        alpha = 2 * stats.norm.sf(stats.t.ppf(0.975, 11))
        wanted = proportion_confint(wins, 12, alpha=alpha, method="wilson")
        assert interval_of(outcomes) == pytest.approx(np.clip(wanted, 0, 1), abs=1e-12)


def test_winning_always_is_not_certain():
    """Thirty wins on each of eight tasks say of the next task what eight wins do."""
    assert interval_of([np.ones(30)] * 8) == pytest.approx(interval_of([np.ones(1)] * 8))
    assert 0.5 < interval_of([np.ones(30)] * 8)[0] < 0.8


def test_the_effective_number_has_the_variance_of_the_bootstrap():
    """Where it lies between the number of tasks and that of repetitions, Wilson's formula with it is the interval."""
    rng = np.random.default_rng(5)
    wins = [(rng.random(20) < rate).astype(float) for rate in (0.2, 0.5, 0.9, 0.6, 0.7, 0.4, 0.8, 0.3)]
    share = np.mean([of_task.mean() for of_task in wins])
    variance = resampled(np.concatenate(wins)[:, np.newaxis], (20,) * 8)[1:].var()
    number = share * (1 - share) / variance
    assert 8 < number < 160
    alpha = 2 * stats.norm.sf(stats.t.ppf(0.975, 7))
    wanted = proportion_confint(share * number, number, alpha=alpha, method="wilson")
    assert interval_of(wins) == pytest.approx(wanted, abs=0.01)


def test_few_tasks_have_no_interval():
    """Nor has a pair that never finished the same repetition a row."""
    frame, of_tasks = finals([[[0.1, np.nan], [np.nan, 0.2], [0.2, 0.1]]] * 5)
    table = win_rates(read_tasks(frame, of_tasks))
    assert tuple(table.columns) == WIN_RATES
    assert [*zip(table["algorithm"], table["other"], strict=True)] == [
        *(("m0", "m2"), ("m1", "m2"), ("m2", "m0"), ("m2", "m1"))
    ]
    assert table["win_rate"].tolist() == [1.0, 0.0, 0.0, 1.0]
    assert table["low"].isna().all()
    assert win_rates([]).empty
