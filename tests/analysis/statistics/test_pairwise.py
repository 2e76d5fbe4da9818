"""Paired comparisons against SciPy and statsmodels called plainly and brute force."""

import itertools
import warnings

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from analysis.statistics.pairwise import compare, difference, holm, share_interval, wilcoxon, with_ties
from tests.planted.finals import NOISES, coverage, false_positives


def samples(n):
    """Untied, tied and zero differences."""
    rng = np.random.default_rng(n)
    drawn = rng.normal(0.2, 1, size=(4, n))
    drawn[1:3] = np.round(drawn[1:3] * 2) / 2
    drawn[3, : n // 2] = 0
    return drawn


@pytest.mark.parametrize("n", [2, 6, 9, pytest.param(13, marks=pytest.mark.slow), 14, 50, 51])
def test_wilcoxon_is_scipys(n):
    """Every row has the p-value of a plain call for it alone, whichever null distribution SciPy chooses."""
    rows = samples(n)
    with warnings.catch_warnings():  # SciPy divides by zero where all differences are zero.
        warnings.simplefilter("ignore")
        plain = [stats.wilcoxon(row, zero_method="pratt").pvalue if row.any() else 1.0 for row in rows]
    assert wilcoxon(rows) == pytest.approx(plain, abs=1e-12)


def test_wilcoxon_by_brute_force():
    """The exact p-value with ties and a zero is the share of sign patterns at least as extreme, doubled."""
    row = np.array([0.0, 1, 1, -2, 3, 3, 3, -4])
    ranks = stats.rankdata(np.abs(row)) * (row != 0)
    sums = [np.dot(signs, ranks) for signs in itertools.product((0, 1), repeat=8)]
    seen = np.dot(row > 0, ranks)
    tail = min(np.mean([one >= seen for one in sums]), np.mean([one <= seen for one in sums]))
    assert wilcoxon(row[np.newaxis])[0] == pytest.approx(2 * tail)


def test_wilcoxon_of_nothing_but_ties():
    """Equal algorithms have p = 1 at any number of repetitions."""
    for n in (1, 5, 30, 60):
        assert (wilcoxon(np.zeros((2, n))) == 1).all()


@pytest.mark.parametrize("rows", [7, 150, 360, 10_000])
@pytest.mark.parametrize("n", [8, 30, 60])
def test_ties_of_counts_are_ties(rows, n):
    """Differences of errors that are counts have the ranks, and so the p-value, of the differences of the counts."""
    rng = np.random.default_rng(rows + n)
    ours, theirs = rng.integers(0, rows + 1, (2, 3, n))
    found = compare(difference(ours / rows, theirs / rows))
    wanted = compare((ours - theirs).astype(float))
    assert (found.balance == wanted.balance).all()
    assert found.p == pytest.approx(wanted.p, rel=1e-12)


def test_differences_that_differ_are_no_ties():
    """Eight digits apart is apart, and infinite is tied with infinite alone."""
    apart = np.array([[0.1, -0.1 - 1e-8, 1e308, np.inf, -np.inf, 0.0, 1e-300, -2e-300]])
    assert (with_ties(apart) == apart).all()
    assert stats.rankdata(np.abs(with_ties(np.array([[0.3 - 0.1, 0.1 - 0.3, 0.5 - 0.3]])))).tolist() == [2.0] * 3


def test_a_difference_beyond_the_doubles_is_no_failure():
    """It is the largest double, and infinite differences are worse."""
    found = difference(np.array([1e308, np.inf, -1e308]), np.array([-1e308, 0.0, 1e308]))
    largest = np.finfo(np.float64).max
    assert found.tolist() == [largest, np.inf, -largest]


def test_holm_by_hand():
    """Smallest times 3, next times 2, last times 1, never decreasing; NaN is no member of the family."""
    assert holm(np.array([0.04, np.nan, 0.01, 0.03])) == pytest.approx([0.06, np.nan, 0.03, 0.06], nan_ok=True)
    assert np.isnan(holm(np.full(2, np.nan))).all()
    assert len(holm(np.empty(0))) == 0


def test_holm_is_that_of_statsmodels():
    """With ties, zeros and ones, to the bit."""
    for n in (1, 2, 15):
        p = np.random.default_rng(n).integers(0, 9, n) / 8 * 0.3
        assert (holm(p) == multipletests(p, method="holm")[1]).all()


def test_estimates_are_plain():
    """Mean, median, IQM, sd, effect and share of wins of the differences."""
    rows = samples(30)
    found = compare(rows)
    assert found.mean == pytest.approx(rows.mean(axis=1))
    assert found.median == pytest.approx(np.median(rows, axis=1))
    assert found.iqm == pytest.approx(stats.trim_mean(rows, 0.25, axis=1))
    assert found.effect == pytest.approx(rows.mean(axis=1) / rows.std(axis=1, ddof=1))
    assert found.p_better == pytest.approx([np.mean([(d < 0) + (d == 0) / 2 for d in row]) for row in rows])


def test_swapping_turns_everything_round():
    """B against a mirrors a against b; p and spread stay."""
    rows = samples(20)
    there, back = compare(rows), compare(-rows)
    for name in ("mean", "median", "iqm", "effect", "balance"):
        assert getattr(back, name) == pytest.approx(-getattr(there, name))
    assert back.p == pytest.approx(there.p, abs=1e-12)
    assert back.std == pytest.approx(there.std)
    assert back.median_lo == pytest.approx(-there.median_hi)
    assert back.p_better_lo == pytest.approx(1 - there.p_better_hi)


@pytest.mark.parametrize("n", [9, 50])
def test_adding_a_pair_changes_no_bit_of_another(n):
    """Every row of a comparison is the same alone, with others and in another order."""
    rows = samples(n)
    together, turned = compare(rows), compare(rows[::-1])
    alone = [compare(rows[place : place + 1]) for place in range(len(rows))]
    for name in together.__dataclass_fields__:
        column = getattr(together, name)
        assert np.array_equal(getattr(turned, name)[::-1], column, equal_nan=True)
        assert np.array_equal(np.concatenate([getattr(one, name) for one in alone]), column, equal_nan=True), name


@pytest.mark.parametrize("wins", [0, 1, 25, 49, 50])
def test_share_interval_is_wilsons_without_ties(wins):
    """Without ties it is statsmodels' Wilson interval; fifty wins of fifty do not make it certain."""
    wilson = proportion_confint(wins, 50, method="wilson")
    found = share_interval(np.array([wins / 50]), np.zeros(1), 50)[0]
    assert found == pytest.approx(np.clip(wilson, 0, 1), abs=1e-12)
    assert found[1] > found[0]


def test_share_interval_with_ties():
    """Limits solve the score equation with the variance that ties leave; 50 ties make a tie no certainty."""
    low, high = share_interval(np.array([0.6]), np.array([0.3]), 40)[0]
    z = stats.norm.ppf(0.975)
    ties = 0.3 * 40 / (40 + z**2)
    for limit in (low, high):
        assert 40 * (0.6 - limit) ** 2 == pytest.approx(z**2 * (limit * (1 - limit) - ties / 4))
    low, high = share_interval(np.array([0.5]), np.ones(1), 50)[0]
    assert (low + high) / 2 == pytest.approx(0.5)
    assert 0.4 < low < 0.5


@pytest.mark.parametrize(("wins", "ties"), [(0.4, 0.6), (0.5, 0.3), (0.35, 0.3), (0.85, 0.1)])
def test_share_interval_covers_with_ties(wins, ties):
    """With 20 repetitions and ties it covers 95 % within 1.5 points + 4 sd of 4000 simulations, or more."""
    drawn = np.random.default_rng(1).multinomial(20, [wins, ties, 1 - wins - ties + 1e-12], 4000) / 20
    low, high = share_interval(drawn[:, 0] + drawn[:, 1] / 2, drawn[:, 1], 20).T
    truth = wins + ties / 2
    assert np.mean((low <= truth) & (truth <= high)) > 0.95 - 0.015 - 4 * 0.0034


def test_failures():
    """Both failed is a tie, one failed an infinite difference of the largest rank; means are undefined."""
    a, b = np.array([np.inf, np.inf, 0.1, 0.2, np.nan]), np.array([np.inf, 0.3, np.inf, 0.1, 0.1])
    differences = difference(a, b)
    assert differences == pytest.approx([0, np.inf, -np.inf, 0.1, np.nan], nan_ok=True)
    found = compare(differences[np.newaxis, :4])
    assert np.isnan([found.mean[0], found.std[0], found.effect[0]]).all()
    assert found.p_better[0] == 0.375
    assert found.balance[0] == 2  # ranks 1 (zero, left out), 3.5, -3.5 and 2
    losing = compare(np.full((1, 10), np.inf))
    assert losing.p[0] == pytest.approx(2 / 2**10)
    assert losing.median[0] == np.inf


def test_all_tied():
    """Equal algorithms: no difference, no width, no effect, p = 1."""
    found = compare(np.zeros((1, 20)))
    zero = ("mean", "mean_lo", "mean_hi", "median", "median_hi", "iqm", "iqm_lo", "std", "effect", "balance")
    assert all(getattr(found, name)[0] == 0 for name in zero)
    assert [found.p[0], found.p_better[0]] == [1, 0.5]
    assert found.p_better_lo[0] < 0.5 < found.p_better_hi[0]


def test_undefined_differences_are_refused():
    """NaN, or nothing at all, is for the caller to leave out."""
    with pytest.raises(ValueError, match="NaN"):
        compare(np.array([[np.nan, 1.0]]))
    with pytest.raises(ValueError, match="none: leave repetitions that one did not finish out before"):
        compare(np.empty((1, 0)))


@pytest.mark.slow
@pytest.mark.parametrize("name", NOISES)
def test_intervals_cover_the_truth(name):
    """In 200 simulated suites every interval covers 95 % within what chance allows.

    Averaged over three or four correlated intervals a suite, the sd of a share is at most 1.54 points; four of them
    are allowed. Discrete medians are conservative: their closed ends hold a whole value's probability.
    """
    for label, shares in coverage(NOISES[name], 200).items():
        assert shares["contains"] > 95 - 4 * 1.54, label
        most = 99.9 if name == "discrete" and "median" in label else 98.5
        assert shares["contains"] <= most, label


@pytest.mark.slow
@pytest.mark.parametrize("name", list(NOISES))
def test_equal_algorithms_are_not_told_apart(name):
    """In 400 suites of equal algorithms at most 5 % + 3 sd show any difference after Holm; unadjusted it is 20 %."""
    assert false_positives(NOISES[name], 400) <= 5 + 3 * 1.09
