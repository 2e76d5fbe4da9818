"""Bootstrap intervals: SciPy's, drawn jointly, and defined where SciPy's are not."""

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.bootstrap import RESAMPLES, SEED, expanded, interval, iqm, mean, resamples

DRAWN = np.random.default_rng(1).normal(0.1, 0.02, size=(5, 20))


def test_expanded_level_is_that_of_hesterberg():
    """At n = 50 a t-interval's 2.0096 standard errors, widened by sqrt(50/49), are 2.030 normal ones."""
    assert expanded(50) == pytest.approx(1 - 2 * stats.norm.cdf(-np.sqrt(50 / 49) * stats.t.ppf(0.975, 49)))
    assert expanded(50) == pytest.approx(0.95764, abs=1e-4)
    assert expanded(10**6) == pytest.approx(0.95, abs=1e-5)


@pytest.mark.parametrize("statistic", [mean, iqm])
def test_is_scipys_bca_interval(statistic):
    """The limits are what scipy.stats.bootstrap gives when called plainly with the same seed and level.

    But for resamples that have exactly the sample's IQM, which SciPy tells from it by rounding: 2e-6 here, where
    another seed makes 1e-4.
    """
    plain = stats.bootstrap(
        (DRAWN,),
        (lambda x, axis: stats.trim_mean(x, 0.25, axis=axis)) if statistic is iqm else np.mean,
        vectorized=True,
        axis=-1,
        n_resamples=RESAMPLES,
        confidence_level=expanded(20),
        method="BCa",
        rng=np.random.default_rng(SEED),
    ).confidence_interval
    assert interval(DRAWN, statistic) == pytest.approx(np.stack(plain, axis=1), abs=1e-5)


def test_iqm_is_scipys_trimmed_mean():
    """For every number of values, along any axis."""
    for n in range(1, 30):
        values = np.random.default_rng(n).normal(size=(3, n))
        assert iqm(values, axis=1) == pytest.approx(stats.trim_mean(values, 0.25, axis=1))
        assert iqm(values.T, axis=0) == pytest.approx(stats.trim_mean(values, 0.25, axis=1))


@pytest.mark.parametrize("statistic", [mean, iqm])
def test_a_sample_does_not_depend_on_its_neighbours(statistic):
    """Alone, with others and in another order an interval has the same bits."""
    many = np.random.default_rng(2).normal(size=(40, 50))
    together = interval(many, statistic)
    assert (interval(many[::-1], statistic)[::-1] == together).all()
    assert all((interval(many[row : row + 1], statistic)[0] == together[row]).all() for row in (0, 7, 39))


@pytest.mark.parametrize("statistic", [mean, iqm])
def test_shift_and_scale(statistic):
    """Shifted and scaled values have shifted and scaled limits, discrete ones too; mirrored ones nearly mirrored."""
    counts = np.random.default_rng(3).integers(10, 30, size=(4, 30)) / 360
    before = interval(counts, statistic)
    assert interval(counts + 0.3, statistic) == pytest.approx(before + 0.3, abs=1e-9)
    assert interval(100 * counts, statistic) == pytest.approx(100 * before, abs=1e-7)
    assert interval(-counts, statistic)[:, ::-1] == pytest.approx(-before, abs=2e-3)


def test_same_repetitions_are_drawn_for_all():
    """Two algorithms that differ by a constant have intervals that do, which separate draws would not give."""
    limits = interval(np.stack([DRAWN[0], DRAWN[0] + 1.0]), mean)
    assert limits[1] == pytest.approx(limits[0] + 1.0, abs=1e-9)
    assert (resamples(20) == np.random.default_rng(SEED).integers(0, 20, size=(RESAMPLES, 20))).all()
    assert not resamples(20).flags.writeable


@pytest.mark.parametrize("statistic", [mean, iqm])
def test_all_tied_has_no_width(statistic):
    """Tied values give an interval without width at the very value, beside samples that are not tied."""
    limits = interval(np.stack([np.full(20, 0.1), DRAWN[0]]), statistic)
    assert (limits[0] == 0.1).all()
    assert limits[1, 0] < limits[1, 1]


@pytest.mark.parametrize("n", [0, 1, 2, 5])
def test_too_few_have_none(n):
    """Fewer than six values have no interval, tied or not."""
    assert np.isnan(interval(np.ones((2, n)), mean)).all()


def test_nearly_tied_falls_back_to_percentiles():
    """Where leaving one value out never changes the IQM, BCa is undefined, and percentiles answer."""
    values = np.append(np.zeros(45), np.arange(1.0, 6.0))[np.newaxis]
    low, high = interval(values, iqm)[0]
    drawn = iqm(values[0][resamples(50)], axis=-1)
    tail = (1 - expanded(50)) / 2
    assert [low, high] == pytest.approx(np.quantile(drawn, [tail, 1 - tail]), abs=1e-6)


def test_infinite_values():
    """A failure leaves the mean's interval undefined; the IQM's is infinite where resamples with failures decide it."""
    values = np.append(DRAWN[0], DRAWN[1])[np.newaxis]
    one, many, most = values.copy(), values.copy(), values.copy()
    one[0, 3], many[0, :8], most[0, :25] = np.inf, np.inf, np.inf
    assert np.isnan(interval(one, mean)).all()
    assert np.isfinite(interval(one, iqm)).all()
    assert np.isfinite(interval(many, iqm)).tolist() == [[True, False]]
    assert interval(-many, iqm)[0, 0] == -np.inf
    assert (interval(most, iqm) == np.inf).all()
    assert np.isnan(interval(np.full((1, 20), np.inf), mean)).all()


def test_infinite_limits_are_those_of_very_large_values():
    """Failures count as values beyond all others do: finite limits differ by BCa's acceleration alone."""
    values = np.random.default_rng(6).normal(0.1, 0.02, size=(30, 20))
    failures = np.arange(20) < np.arange(30)[:, np.newaxis] % 6
    found, large = (interval(np.where(failures, worst, values), iqm) for worst in (np.inf, 1e9))
    assert (np.isinf(found) == (large > 1e3)).all()
    assert np.isinf(found).any()
    assert found[np.isfinite(found)] == pytest.approx(large[np.isfinite(found)], abs=2e-3)


@pytest.mark.parametrize("exponent", [1023, 700, -700, -1020])
@pytest.mark.parametrize("statistic", [mean, iqm])
def test_sizes_far_from_one(statistic, exponent):
    """Values near the ends of the doubles have the limits of the same values near 1."""
    values = np.random.default_rng(7).integers(-9, 10, size=(5, 12)) / 16
    limits = interval(values, statistic)
    assert (interval(np.ldexp(values, exponent), statistic) == np.ldexp(limits, exponent)).all()


def test_one_value_far_beyond_the_others():
    """The limit that comes from resamples without it has the digits of the others."""
    values = np.full((1, 12), 0.1) + np.linspace(0, 0.01, 12)
    values[0, 0] = 1e300
    low, high = interval(values, mean)[0]
    assert 0.1 < low < 0.11
    assert 1e298 < high < 1e300
    low, high = interval(np.where(np.arange(20) == 0, 1e300, DRAWN[:1]), iqm)[0]
    assert 0.05 < low < high < 0.15
