"""The anytime score against worked examples and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.statistics.anytime import curve
from analysis.statistics.score import score

SCALE = {"best": 0.0, "chance": 1.0, "horizon": 8.0}


def run(*events, carried=True):
    """A curve of (time, error) events; inf: nothing came of it."""
    t, errors = (
        (np.array(column, dtype=float) for column in zip(*events, strict=True)) if events else (np.empty(0),) * 2
    )
    return curve(t, errors, errors, carried=carried)


events = st.lists(
    st.tuples(st.integers(0, 100).map(lambda k: k / 10), st.sampled_from([0.05, 0.2, 0.4, 0.9, 1.5, math.inf])),
    max_size=12,
).map(sorted)


def riemann(curve, best, chance, horizon, steps):
    """Midpoints, looked up one by one; times are multiples of 0.1 and so are the edges of the steps."""
    total = 0.0
    for k in range(steps):
        t = (k + 0.5) * horizon / steps
        seen = [error for time, error in zip(curve.t, curve.valid, strict=True) if time <= t]
        ended = not curve.carried and (not len(curve.t) or t > curve.t[-1])
        if seen and not math.isnan(seen[-1]) and not ended:
            total += 1 - min(max((seen[-1] - best) / (chance - best), 0), 1)
    return total / steps


@settings(deadline=None)
@given(events, st.booleans())
def test_it_is_the_riemann_sum(events, carried):
    """Steps that end where the events are add up to the exact area."""
    found = run(*events, carried=carried)
    expected = riemann(found, 0.1, 0.9, 8.0, 80)
    assert score(found, best=0.1, chance=0.9, horizon=8.0) == pytest.approx(expected, abs=1e-12)


def test_a_worked_example():
    """Nothing for 2, half for 2, three quarters for 4: (0 + 1 + 3) / 8."""
    assert score(run((2, 0.5), (3, 0.7), (4, 0.25)), **SCALE) == 0.5


def test_a_failed_run_is_worth_nothing_after_its_last_event():
    """The same events count less when nothing carries the last of them on."""
    assert score(run((2, 0.5), (4, 0.25), carried=False), **SCALE) == 0.125


@pytest.mark.parametrize("carried", [True, False])
def test_a_run_without_incumbent_is_worth_nothing(carried):
    """No event, or only crashes: 0, not NaN."""
    assert score(run(carried=carried), **SCALE) == 0.0
    assert score(run((1, math.inf), (2, math.inf), carried=carried), **SCALE) == 0.0


def test_events_after_the_horizon_do_not_count():
    """What happens at B or later changes nothing."""
    early = run((2, 0.5))
    assert score(run((2, 0.5), (8, 0.0), (9, 0.0)), **SCALE) == score(early, **SCALE)


def test_errors_beyond_the_constants_are_clipped():
    """Worse than chance is worth 0, better than the best 1."""
    assert score(run((0, 3.0)), **SCALE) == 0.0
    assert score(run((0, -3.0)), **SCALE) == 1.0


def test_shifting_errors_and_constants_changes_nothing():
    """Only the distance to the constants counts."""
    plain = score(run((2, 0.5), (4, 0.25)), **SCALE)
    shifted = score(run((2, 1.5), (4, 1.25)), best=1.0, chance=2.0, horizon=8.0)
    assert shifted == pytest.approx(plain, rel=1e-15)


def test_an_event_without_improvement_changes_nothing():
    """More events of the same incumbent are the same step function."""
    assert score(run((2, 0.5), (3, 0.5), (5, 0.8)), **SCALE) == score(run((2, 0.5)), **SCALE)


@pytest.mark.parametrize(
    "constants", [{"best": 1.0}, {"chance": math.inf}, {"horizon": 0.0}, {"horizon": math.inf}, {"best": math.nan}]
)
def test_constants_that_leave_nothing_to_measure_are_refused(constants):
    """A scale without width or a horizon without length is a mistake."""
    with pytest.raises(ValueError, match="need"):
        score(run((2, 0.5)), **{**SCALE, **constants})
