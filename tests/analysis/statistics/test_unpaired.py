"""Statistics of repetitions that are no pairs, held against SciPy and against brute force."""

import math
from itertools import product

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.anytime import Curve
from analysis.statistics.unpaired import compare_unpaired, expected_ranks, unpaired_difference


@pytest.fixture
def samples():
    """Two samples of different sizes."""
    generator = np.random.default_rng(7)
    return generator.normal(size=20), generator.normal(0.8, size=15)


def test_a_comparison_is_what_scipy_says(samples):
    """The p is that of Mann and Whitney, the difference that of the means, its interval near that of Welch."""
    found = compare_unpaired(*samples)
    a, b = samples
    assert found["p"] == stats.mannwhitneyu(a, b).pvalue
    assert found["mean"] == a.mean() - b.mean()
    assert found["p_better"] == pytest.approx(np.mean([x < y for x, y in product(a, b)]))
    welch = stats.ttest_ind(a, b, equal_var=False).confidence_interval()
    assert (found["mean_lo"], found["mean_hi"]) == pytest.approx(tuple(welch), abs=0.15)
    assert (found["n"], found["n_a"], found["n_b"]) == (15, 20, 15)


def test_the_order_of_runs_makes_no_difference(samples):
    """Repetitions are no pairs: shuffling one side leaves what does not rest on resamples as it is."""
    a, b = samples
    names = ("mean", "median", "iqm", "p", "p_better", "std")
    found, shuffled = (compare_unpaired(side, b) for side in (a, a[::-1]))
    assert [found[name] for name in names] == pytest.approx([shuffled[name] for name in names])


def test_failures_are_worst_and_ties_are_ties():
    """An infinite loss leaves no mean and counts as worse; equal samples have no difference."""
    found = compare_unpaired(np.array([1.0, 2.0]), np.array([3.0, math.inf]))
    assert math.isnan(found["mean"])
    assert found["p_better"] == 1.0
    same = compare_unpaired(np.ones(7), np.ones(8))
    assert (same["p"], same["mean"], same["mean_lo"], same["mean_hi"], same["balance"]) == (1.0, 0.0, 0.0, 0.0, 0.0)
    assert compare_unpaired(np.ones(0), np.ones(2)) == {"n": 0, "n_a": 0, "n_b": 2, "test": "Mann-Whitney"}


def test_expected_ranks_are_the_mean_over_all_draws(samples):
    """One run of every algorithm is drawn in every way, and ranked with ties halved."""
    losses = [*(np.round(side, 1) for side in samples), np.array([0.1, 0.1, 0.5, 0.9, 1.0, 2.0])]
    ranked = [stats.rankdata(draw) for draw in product(*losses)]
    found = expected_ranks(losses)
    assert found.mean == pytest.approx(np.mean(ranked, axis=0))
    assert (found.lo < found.mean).all()
    assert (found.mean < found.hi).all()
    assert np.isnan(expected_ranks([np.ones(5), np.zeros(7)]).lo).all()


def curves(generator, n, shift=0.0):
    """Incumbents of n runs of 30 trials."""
    found = []
    for _ in range(n):
        valid = np.minimum.accumulate(generator.random(30)) + shift
        found.append(Curve(t=np.cumsum(generator.random(30)), valid=valid, test=np.full(30, np.nan), carried=True))
    return found


def test_a_band_is_around_the_difference_of_means():
    """The mean is that of each side by itself; with few runs there is no band."""
    generator = np.random.default_rng(3)
    a, b = curves(generator, 9), curves(generator, 7, shift=0.5)
    found = unpaired_difference(a, b, "valid")
    last = [
        np.mean([curve.valid[np.searchsorted(curve.t, found.t[-1], side="right") - 1] for curve in side])
        for side in (a, b)
    ]
    assert found.mean[-1] == pytest.approx(last[0] - last[1])
    assert (found.lo <= found.mean).all()
    assert (found.mean <= found.hi).all()
    assert found.hi[-1] < 0.0
    assert np.isnan(unpaired_difference(a[:5], b, "valid").lo).all()


@pytest.mark.slow
def test_a_band_holds_nothing_nearly_always_where_there_is_nothing():
    """Of two algorithms that are the same, the band holds 0 at all times in at least 88 % of 150 suites."""
    generator = np.random.default_rng(11)
    bands = [unpaired_difference(curves(generator, 15), curves(generator, 10), "valid") for _ in range(150)]
    held = [bool(((band.lo <= 0) & (band.hi >= 0)).all()) for band in bands]
    assert 0.88 <= np.mean(held) < 1.0
