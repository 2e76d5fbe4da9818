"""Summaries of samples against NumPy and SciPy called plainly, and where they are undefined."""

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.summaries import median_interval, summaries

DRAWN = np.random.default_rng(1).normal(0.1, 0.02, size=(4, 25))


def test_against_plain_calls():
    """Every summary is that of NumPy or SciPy."""
    found = summaries(DRAWN)
    assert (found.n == 25).all()
    assert found.mean == pytest.approx(DRAWN.mean(axis=1))
    assert found.std == pytest.approx(DRAWN.std(axis=1, ddof=1))
    assert found.median == pytest.approx(np.median(DRAWN, axis=1))
    assert np.stack([found.q25, found.q75]) == pytest.approx(np.quantile(DRAWN, [0.25, 0.75], axis=1))
    assert found.iqm == pytest.approx(stats.trim_mean(DRAWN, 0.25, axis=1))
    for name in ("mean", "median", "iqm"):
        low, middle, high = (getattr(found, name + limit) for limit in ("_lo", "", "_hi"))
        assert ((low < middle) & (middle < high)).all()


def test_order_of_repetitions_does_not_matter_beyond_the_draw():
    """Shuffled repetitions change no point estimate; exact intervals stay, bootstrap ones move by the draw only."""
    found, shuffled = summaries(DRAWN), summaries(np.random.default_rng(2).permuted(DRAWN, axis=1))
    for name in ("mean", "std", "median", "q25", "q75", "iqm", "median_lo", "median_hi"):
        assert getattr(shuffled, name) == pytest.approx(getattr(found, name), abs=1e-12)
    assert shuffled.mean_lo == pytest.approx(found.mean_lo, abs=1e-3)


def test_shifted_values():
    """A shift moves locations and limits, and leaves the spread."""
    found, moved = summaries(DRAWN), summaries(DRAWN + 0.5)
    for name in ("mean", "median", "q25", "q75", "iqm", "mean_lo", "mean_hi", "median_lo", "iqm_lo", "iqm_hi"):
        assert getattr(moved, name) == pytest.approx(getattr(found, name) + 0.5, abs=1e-9)
    assert moved.std == pytest.approx(found.std)


@pytest.mark.parametrize("n", [6, 7, 20, 25, 50, 51, 200])
def test_median_interval_lies_between_exact_ones(n):
    """It is inside SciPy's exact interval, whose level is above 95 %, and outside the next smaller one."""
    values = np.random.default_rng(n).exponential(size=n)
    low, high = median_interval(values[np.newaxis])[0]
    exact = stats.quantile_test(values, p=0.5).confidence_interval(0.95)
    ordered = np.sort(values)
    place = int(np.flatnonzero(ordered == exact.low)[0])
    assert ordered[place] <= low < ordered[place + 1]
    assert ordered[n - 2 - place] < high <= ordered[n - 1 - place]


def test_median_interval_of_hettmansperger_and_sheather():
    """At n = 10 the published construction: ranks 2 and 9 have 97.9 %, 3 and 8 have 89.1 %; the weight is 0.66."""
    share = (0.978515625 - 0.95) / (0.978515625 - 0.890625)
    weight = (10 - 2) * share / (2 + (10 - 4) * share)
    assert median_interval(np.arange(1.0, 11.0)[np.newaxis])[0] == pytest.approx([2 + weight, 9 - weight])


def test_tied_values_are_exact():
    """Tied values have no spread, not one of rounding."""
    found = summaries(np.full((1, 50), 0.1))
    for name in ("mean", "mean_lo", "mean_hi", "median", "median_lo", "q25", "q75", "iqm", "iqm_lo", "iqm_hi"):
        assert getattr(found, name)[0] == 0.1
    assert found.std[0] == 0


def test_one_value():
    """A single value is its own location, without spread and intervals."""
    found = summaries(np.array([[0.3]]))
    assert [found.mean[0], found.median[0], found.q25[0], found.iqm[0]] == [0.3] * 4
    assert np.isnan([found.std[0], found.mean_lo[0], found.median_hi[0], found.iqm_lo[0]]).all()


def test_failures_count_as_worst():
    """One failure leaves no mean and no std, and shifts the rest as the worst value would."""
    values = DRAWN[:1].copy()
    values[0, 0] = np.inf
    found, worst = summaries(values), summaries(np.where(np.isinf(values), 9.0, values))
    assert np.isnan([found.mean[0], found.std[0], found.mean_lo[0]]).all()
    for name in ("median", "median_lo", "median_hi", "q25", "q75", "iqm", "iqm_lo", "iqm_hi"):
        assert getattr(found, name) == pytest.approx(getattr(worst, name), abs=1e-9)


def test_only_failures():
    """All failed: quantiles and IQM are infinite, and nothing warns."""
    found = summaries(np.full((1, 10), np.inf))
    assert [found.median[0], found.median_hi[0], found.q25[0], found.iqm[0]] == [np.inf] * 4
    assert np.isnan(found.mean[0])


def test_nan_is_refused():
    """What is not there has to be left out by the caller, who knows how many there are."""
    with pytest.raises(ValueError, match="NaN"):
        summaries(np.array([[0.1, np.nan]]))
