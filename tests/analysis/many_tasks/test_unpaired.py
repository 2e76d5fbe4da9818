"""Ranks, win rates and verdicts of repetitions that are no pairs, against enumeration, SciPy and plain resampling."""

import itertools

import numpy as np
import pytest
from scipy import stats

from analysis.many_tasks.mean_ranks import mean_ranks, rank_field, rank_over_budget
from analysis.many_tasks.ratings import ratings
from analysis.many_tasks.task_map import task_map
from analysis.many_tasks.tasks import read_tasks
from analysis.many_tasks.unpaired import win_share
from analysis.many_tasks.win_rates import win_rates
from analysis.statistics.bootstrap import expanded
from tests.analysis.many_tasks.fields import finals, planted

SIZES = (4, 6, 3)


def field(tasks=7, seed=0, sizes=SIZES):
    """Errors with ties and failures; methods have different numbers of runs, the others NaN."""
    rng = np.random.default_rng(seed)
    errors = rng.integers(0, 5, (tasks, len(sizes), max(sizes))) / 4.0
    errors[rng.random(errors.shape) < 0.1] = np.inf
    for method, size in enumerate(sizes):
        errors[:, method, size:] = np.nan
    return errors


def tasks_of(errors):
    return read_tasks(*finals(errors), paired=False)


def expected_ranks(samples):
    """Mean ranks over all ways to draw one run of every method."""
    return np.mean([stats.rankdata(drawn) for drawn in itertools.product(*samples)], axis=0)


def samples_of(task):
    return [method[~np.isnan(method)] for method in task]


def test_mean_ranks_are_those_of_all_ways_to_draw_a_run_of_each():
    """On every task, then over tasks of the same weight; n counts each method's own runs."""
    errors = field()
    table = mean_ranks(tasks_of(errors))
    wanted = np.mean([expected_ranks(samples_of(task)) for task in errors], axis=0)
    assert table["mean_rank"].to_numpy() == pytest.approx(wanted)
    assert table["n"].tolist() == [7 * size for size in SIZES]
    assert ratings(tasks_of(errors)).sort_values("elo")["algorithm"].tolist() == [
        f"m{place}" for place in np.argsort(-wanted)
    ]


@pytest.mark.slow
def test_resampled_ranks_are_those_of_the_runs_that_were_drawn():
    """Each method's runs are drawn by themselves: mean and sd over resamples are those of plain loops, within 8 %."""
    errors = field(seed=1)
    drawn = rank_field(tasks_of(errors)).resampled()[1:]
    rng, naive = np.random.default_rng(0), []
    for _ in range(1000):
        chosen = [samples_of(task) for task in errors[rng.integers(0, len(errors), len(errors))]]
        naive.append(np.mean([expected_of(samples, rng) for samples in chosen], axis=0))
    assert drawn.mean(axis=0) == pytest.approx(np.mean(naive, axis=0), abs=0.02)
    assert drawn.std(axis=0) == pytest.approx(np.std(naive, axis=0), rel=0.08)
    table, tail = mean_ranks(tasks_of(errors)), (1 - expanded(len(errors))) / 2
    assert table["low"].to_numpy() == pytest.approx(np.quantile(naive, tail, axis=0), abs=0.08)


def expected_of(samples, rng):
    """Expected ranks of resampled runs, by comparing all of them."""
    drawn = [rng.choice(sample, len(sample)) for sample in samples]
    ranks = np.ones(len(drawn))
    for one, other in itertools.permutations(range(len(drawn)), 2):
        ranks[one] += 1 - win_share(drawn[one], drawn[other])[0]
    return ranks


def test_the_order_of_repetitions_makes_no_difference():
    """Which run is called first says nothing: ranks, win rates and verdicts of shuffled runs are the same."""
    errors = field(seed=2)
    shuffled = errors.copy()
    shuffled[:, 1, : SIZES[1]] = shuffled[:, 1, SIZES[1] - 1 :: -1]
    for make in (lambda tasks: mean_ranks(tasks)["mean_rank"], lambda tasks: win_rates(tasks)["win_rate"]):
        assert make(tasks_of(errors)).tolist() == pytest.approx(make(tasks_of(shuffled)).tolist())
    assert task_map(tasks_of(errors), "m0").equals(task_map(tasks_of(shuffled), "m0"))


def test_win_rates_are_the_shares_of_all_pairs_of_runs():
    """SciPy's U over the number of pairs, on every task; an interval has the rate in it."""
    errors = field(seed=3)
    table = win_rates(tasks_of(errors)).set_index(["algorithm", "other"])
    for a, b in itertools.permutations(range(3), 2):
        shares = []
        for task in errors:
            ours, theirs = samples_of(task)[a], samples_of(task)[b]
            shares.append(1 - stats.mannwhitneyu(ours, theirs).statistic / (len(ours) * len(theirs)))
        row = table.loc[(f"m{a}", f"m{b}")]
        assert row["win_rate"] == pytest.approx(np.mean(shares))
        assert row["low"] < row["win_rate"] < row["high"]
        assert row["n"] == 7 * min(SIZES[a], SIZES[b])


def test_the_variance_of_a_share_is_that_of_resamples():
    """Both samples are drawn by themselves, 2000 times; the formula leaves out a term of the order 1 / (n m)."""
    rng = np.random.default_rng(4)
    ours, theirs = rng.normal(0, 1, 25), rng.normal(0.4, 2, 40)
    drawn = [win_share(rng.choice(ours, 25), rng.choice(theirs, 40))[0] for _ in range(2000)]
    assert np.sqrt(win_share(ours, theirs)[1]) == pytest.approx(np.std(drawn), rel=0.06)


def test_verdicts_are_of_the_mann_whitney_test():
    """A method that is better on a task, one that is not; differences are of medians, and nothing is paired."""
    rng = np.random.default_rng(5)
    errors = rng.normal(0.5, 0.05, (2, 3, 12))
    errors[0, 1] -= 0.3
    errors[1, 2] += 0.3
    errors[:, 1, 9:] = np.nan
    table = task_map(tasks_of(errors), "m0").set_index(["objective", "algorithm"])
    assert table["verdict"].tolist() == [
        *("control", "better", "no difference shown"),
        *("control", "no difference shown", "worse"),
    ]
    cell = table.loc[("task00", "m1")]
    assert cell["p"] == pytest.approx(stats.mannwhitneyu(errors[0, 1, :9], errors[0, 0]).pvalue)
    assert cell["difference"] == pytest.approx(np.median(errors[0, 1, :9]) - np.median(errors[0, 0]))
    assert (table["n_paired"] == 0).all()


def test_ranks_over_the_budget_end_at_the_mean_ranks():
    """The last share of the budget is the horizon; a task on which a method has no finished run is in none."""
    tasks = read_tasks(*planted(tasks=3, algorithms=3), paired=False)
    table = rank_over_budget(tasks)
    last = table[table["fraction"] == 1.0].reset_index(drop=True)
    wanted = mean_ranks(tasks)
    assert last[["algorithm", "mean_rank", "n"]].equals(wanted[["algorithm", "mean_rank", "n"]])
    errors = field(tasks=3)
    errors[0, 2] = np.nan
    assert mean_ranks(tasks_of(errors))["n_tasks"].tolist() == [2, 2, 2]


@pytest.mark.slow
def test_intervals_cover_the_truth():
    """Tasks drawn from a population, 12 of them with few runs each: 95 % within 3 sd (3.4 points) of 40 fields."""
    rng, covered = np.random.default_rng(6), []
    for _ in range(40):
        shift = rng.normal(0.2, 0.5, (12, 1, 1))
        errors = rng.normal(0, 1, (12, 2, 5))
        errors[:, 1:] += shift
        row = mean_ranks(tasks_of(errors)).iloc[1]
        truth = 1 + stats.norm.cdf(0.2 / np.sqrt(0.5**2 + 2))
        covered.append(row["low"] <= truth <= row["high"])
    assert np.mean(covered) >= 0.95 - 3 * 0.034
