"""Bands against brute force, and the wrong rules of aggregation against bands."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.anytime import Curve, aggregate, curve
from analysis.statistics.bands import QUANTILES, SLOTS, band, changes, thinned, values
from tests.analysis.statistics.hand_made_curves import run


def at(curve, t, error):
    """The curve at one time, by a loop."""
    found = math.nan
    for time, value in zip(curve.t, getattr(curve, error), strict=True):
        if time <= t:
            found = value
    ended = not curve.carried and (not len(curve.t) or t > max(curve.t))
    return math.nan if ended else found


events = st.lists(
    st.tuples(st.integers(0, 12).map(float), st.sampled_from([0.1, 0.2, 0.3, 0.4, math.inf])), max_size=8
).map(sorted)
cells = st.lists(st.tuples(events, st.sampled_from([True, True, True, False])), min_size=1, max_size=5).map(
    lambda runs: [run(*events, carried=carried) for events, carried in runs]
)


@settings(max_examples=40)
@given(cells, st.sampled_from(["valid", "test"]))
def test_every_number_is_that_of_a_loop(curves, error):
    """Values, moments, quantiles and interval agree with plain loops at all events and between them."""
    grid = np.arange(-0.5, 14.0, 0.5)
    found = band(curves, grid, error)
    for place, t in enumerate(grid):
        column = [value for value in (at(curve, t, error) for curve in curves) if not math.isnan(value)]
        assert found.n[place] == len(column)
        if len(column) < len(curves):
            assert np.isnan([found.mean[place], found.iqm[place], found.lo[place], *found.quantiles[:, place]]).all()
            continue
        assert found.mean[place] == pytest.approx(statistics.fmean(column))
        assert found.iqm[place] == pytest.approx(stats.trim_mean(column, 0.25))
        np.testing.assert_allclose(
            found.quantiles[:, place], np.quantile(column, [float(share) for share in QUANTILES])
        )
        if len(column) > 1:
            sem = statistics.stdev(column) / math.sqrt(len(column))
            lo, hi = stats.t.interval(0.95, len(column) - 1, loc=statistics.fmean(column), scale=max(sem, 1e-300))
            np.testing.assert_allclose([found.lo[place], found.hi[place]], [lo, hi], atol=1e-12)
        else:
            assert np.isnan([found.std[place], found.lo[place], found.hi[place]]).all()


@settings(deadline=None)
@given(cells, st.sampled_from(["valid", "test"]))
def test_nothing_changes_between_the_changes(curves, error):
    """Each run's value at any time of the union of events is its value at the last change before it."""
    union = np.unique(np.concatenate([curve.t for curve in curves]))
    grid = changes(curves, error)
    assert set(grid) <= set(union)
    if len(union):
        assert (grid[0], grid[-1]) == (union[0], union[-1])
        kept = grid[np.searchsorted(grid, union, side="right") - 1]
        np.testing.assert_array_equal(values(curves, union, error), values(curves, kept, error))


@settings(deadline=None)
@given(cells)
def test_means_are_those_of_the_trajectory(curves):
    """Mean and std are the trajectory's, to the bit."""
    trajectory = aggregate(curves)
    for error in ("valid", "test"):
        found = band(curves, trajectory.t, error)
        np.testing.assert_array_equal(found.mean, getattr(trajectory, f"{error}_mean"))
        np.testing.assert_array_equal(found.std, getattr(trajectory, f"{error}_std"))
        np.testing.assert_array_equal(found.n, trajectory.n_defined)


FIRST = run((1, 0.6), (3, 0.2), (4, 0.1))
SECOND = run((2, 0.5), (2.5, 0.3), (2.75, 0.05))


def look_ahead(curve, t):
    """The value of the next event."""
    return curve.valid[min(np.searchsorted(curve.t, t, side="left"), len(curve.t) - 1)]


def ramp(curve, t):
    """Linear between the steps."""
    return np.interp(t, curve.t, curve.valid)


def nearest(curve, t):
    """The closest event, past or future."""
    return curve.valid[np.argmin(np.abs(curve.t - t))]


def back_filled(curve, t):
    """The first value before it was there."""
    return curve.valid[max(np.searchsorted(curve.t, t, side="right") - 1, 0)]


@pytest.mark.parametrize(("rule", "t"), [(look_ahead, 2.6), (ramp, 2.9), (nearest, 2.9), (back_filled, 1.5)])
def test_wrong_rules_give_other_bands(rule, t):
    """Values read by a wrong rule differ in median and mean at the time where the rule is wrong."""
    found = band([FIRST, SECOND], np.array([t]), "valid")
    wrong = [rule(curve, t) for curve in (FIRST, SECOND)]
    assert np.isfinite(wrong).all()
    assert not abs(found.quantiles[2, 0] - np.median(wrong)) < 0.02
    assert not abs(found.mean[0] - np.mean(wrong)) < 0.02


def test_survivors_alone_have_no_band():
    """Where one run is not defined yet, or no more, nothing but n is given."""
    ended = run((1, 0.4), (3, 0.2), carried=False)
    found = band([SECOND, ended, run((1, 0.3))], np.array([1.5, 2.0, 3.0, 3.5]), "valid")
    assert found.n.tolist() == [2, 3, 3, 2]
    assert np.isnan(found.quantiles).any(axis=0).tolist() == [True, False, False, True]
    assert np.isnan(found.hi).tolist() == [True, False, False, True]


def test_the_mean_of_minima_is_not_the_minimum_of_means():
    """The sixth wrong rule: averaging raw errors first gives more than the mean incumbent."""
    t = np.array([1.0, 2.0])
    raw = np.array([[0.1, 0.9], [0.9, 0.1]])
    found = band([curve(t, errors, errors, carried=True) for errors in raw], t, "valid")
    assert found.mean[-1] == 0.1
    assert np.minimum.accumulate(raw.mean(axis=0))[-1] == 0.5


def test_the_test_error_may_rise():
    """Bands of the test error follow the validation incumbent upwards."""
    rising = curve(np.array([1.0, 2.0]), np.array([0.5, 0.4]), np.array([0.1, 0.3]), carried=True)
    assert band([rising, rising], rising.t, "test").mean.tolist() == [0.1, 0.3]


@settings(deadline=None)
@given(cells, st.integers(-4, 4).map(lambda k: k / 8))
def test_a_constant_shifts_location_and_no_spread(curves, shift):
    """Mean, quantiles and interval move by what is added to all errors; n and std stay."""
    moved = [Curve(t=one.t, valid=one.valid + shift, test=one.test + shift, carried=one.carried) for one in curves]
    grid = np.arange(14.0)
    before, after = band(curves, grid, "valid"), band(moved, grid, "valid")
    for name in ("mean", "iqm", "quantiles", "lo", "hi"):
        np.testing.assert_allclose(getattr(after, name), getattr(before, name) + shift, atol=1e-12)
    np.testing.assert_allclose(after.std, before.std, atol=1e-12)
    assert after.n.tolist() == before.n.tolist()


@settings(deadline=None)
@given(cells)
def test_the_order_of_runs_does_not_matter(curves):
    """Turned around, a cell has the same band."""
    grid = np.arange(14.0)
    before, after = band(curves, grid, "valid"), band(curves[::-1], grid, "valid")
    np.testing.assert_allclose(after.mean, before.mean, rtol=1e-12)
    np.testing.assert_array_equal(after.quantiles, before.quantiles)


def test_tied_runs_have_an_interval_without_width():
    """Seven runs at 0.1 have std 0 and an interval of that one number."""
    found = band([run((1, 0.1))] * 7, np.array([1.0]), "valid")
    assert (found.std[0], found.lo[0], found.hi[0]) == (0.0, 0.1, 0.1)


def test_no_run_and_no_event_have_no_rows():
    """Cells without anything give empty bands."""
    assert changes([], "valid").tolist() == []
    assert changes([run(), run(carried=False)], "test").tolist() == []
    assert band([], np.empty(0), "valid").mean.tolist() == []


def test_a_thinned_grid_draws_the_same_picture():
    """At most 402 places; the function drawn is exact at all looks of both axes, and at both ends."""
    rng = np.random.default_rng(1)
    grid = np.unique(np.exp(rng.uniform(-4, 6, size=20_000)))
    steps = -np.sort(-rng.random(len(grid)))
    places = thinned(grid)
    assert len(places) <= 2 * (SLOTS + 1)
    assert (places[0], places[-1]) == (0, len(grid) - 1)
    looks = np.concatenate([np.linspace(grid[0], grid[-1], 201), np.geomspace(grid[0], grid[-1], 201)])
    looks = np.clip(looks, grid[0], grid[-1])
    drawn = steps[places][np.searchsorted(grid[places], looks, side="right") - 1]
    true = steps[np.searchsorted(grid, looks, side="right") - 1]
    assert np.mean(drawn == true) > 0.99  # a look may sit on an event, to the last bit
    assert np.abs(drawn - true).max() < 1e-3


def test_a_short_grid_is_kept_whole():
    """402 times or fewer stay, also such that begin with 0."""
    assert thinned(np.arange(402.0)).tolist() == list(range(402))
    assert thinned(np.empty(0)).tolist() == []
    many = thinned(np.arange(5000.0))
    assert (many[0], many[-1]) == (0, 4999)
