"""Quantiles against the definition in fractions, with failures at either end."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.quantiles import between, quantile
from analysis.statistics.summaries import median_interval, quartiles, summaries

INF, NAN = math.inf, math.nan
MOST = float(np.finfo(np.float64).max)

values = st.lists(
    st.sampled_from([-INF, INF, 0.0, 0.1, -0.3, 1e-300, MOST, -MOST]) | st.floats(allow_nan=False),
    min_size=1,
    max_size=30,
)


def defined(values, share):
    """The quantile of type 7, its place and weight exact; None where it lies between -inf and inf."""
    ordered = sorted(values)
    place, weight = divmod((len(values) - 1) * share, 1)
    low, high = ordered[place], ordered[min(place + 1, len(values) - 1)]
    if weight == 0 or low == high:
        return low
    if math.isinf(low) or math.isinf(high):
        return None if low == -high else low + high
    return float(Fraction(low) + weight * (Fraction(high) - Fraction(low)))


@given(values, st.fractions(0, 1, max_denominator=20))
def test_a_quantile_is_that_of_its_definition(values, share):
    """Finite ones to the last digits, infinite ones exactly, and nothing is blank but what is undefined."""
    found = float(quantile(np.sort(np.array(values)), share))
    wanted = defined(values, share)
    if wanted is None:
        assert math.isnan(found)
    else:
        spread = max((abs(value) for value in values if math.isfinite(value)), default=0.0)
        assert found == pytest.approx(wanted, rel=1e-12, abs=1e-15 * spread)
        assert math.isinf(found) == math.isinf(wanted)


@pytest.mark.parametrize(
    ("low", "high", "weight", "value"),
    [
        (0.1, INF, 0.0, 0.1),
        (0.1, INF, 1e-9, INF),
        (-INF, 0.1, 0.999, -INF),
        (-INF, -INF, 0.5, -INF),
        (-INF, INF, 0.0, -INF),
        (-INF, INF, 0.5, NAN),
        (-MOST, MOST, 0.5, 0.0),
    ],
)
def test_between(low, high, weight, value):
    """The rules next to infinity, one by one."""
    assert float(between(np.float64(low), np.float64(high), weight)) == pytest.approx(value, nan_ok=True)


@pytest.mark.parametrize("n", [6, 12, 25, 50])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_no_count_of_failures_leaves_a_blank(n, sign):
    """With 0 to all runs failed, to either side, median, quartiles, IQM and their limits are numbers or infinite."""
    failures = np.arange(n + 1)[:, np.newaxis] > np.arange(n)
    found = summaries(np.where(failures, sign * INF, np.linspace(0.1, 0.9, n)))
    for name in ("median", "median_lo", "median_hi", "q25", "q75", "iqm", "iqm_lo", "iqm_hi"):
        assert not np.isnan(getattr(found, name)).any(), name
    for name in ("median", "iqm"):
        low, middle, high = (getattr(found, name + limit) for limit in ("_lo", "", "_hi"))
        assert (low <= middle).all()
        assert (middle <= high).all()
    assert np.isnan(found.mean[1:]).all()  # a failure leaves no mean
    assert np.isnan(found.mean_hi[1:]).all()


def test_between_opposite_failures():
    """Half won and half lost by a failure: the median is undefined, and its interval is everything."""
    rows = np.array([[-INF] * 6 + [INF] * 6])
    assert np.isnan(quartiles(rows)[1][0])
    assert median_interval(rows)[0].tolist() == [-INF, INF]
    assert quartiles(rows)[0][0] == -INF
