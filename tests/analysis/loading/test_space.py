"""Positions on an axis are exact over the whole range of doubles and of whole numbers."""

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from analysis.loading.space import Hyperparameter

FINITE = st.floats(allow_nan=False, allow_infinity=False)
POSITIVE = st.floats(min_value=5e-324, allow_nan=False, allow_infinity=False)
WHOLE = st.integers(-(2**63), 2**63)


def check(axis, first, second):
    """Both are within the unit interval, in order, and the bounds are equally far from its ends."""
    places = [axis.position(value) for value in (axis.low, first, second, axis.high)]
    assert places == sorted(places)
    assert places[0] >= 0.0
    assert places[-1] <= 1.0
    return places


@given(st.lists(FINITE, min_size=4, max_size=4))
@example([-1.7e308, -1e308, 1e308, 1.7e308])
@example([0.0, 0.0, 5e-324, 5e-324])
def test_a_float_axis(values):
    """The bounds are 0 and 1, and values between them keep their order, whatever the range is."""
    low, first, second, high = sorted(values)
    places = check(Hyperparameter(name="x", kind="float", low=low, high=high), first, second)
    assert (places[0], places[-1]) == ((0.0, 1.0) if low < high else (0.5, 0.5))


@given(st.lists(POSITIVE, min_size=4, max_size=4))
@example([1e-200, 1.0, 1.0, 1e200])
@example([1e6, 1e6 + 1e-7, 1e6 + 5e-7, 1e6 + 1e-6])
def test_a_logarithmic_axis(values):
    """Likewise by logarithms, also where the quotient of the bounds overflows or is next to 1."""
    low, first, second, high = sorted(values)
    places = check(Hyperparameter(name="x", kind="float", low=low, high=high, log=True), first, second)
    assert (places[0], places[-1]) == ((0.0, 1.0) if low < high else (0.5, 0.5))


@given(st.lists(WHOLE, min_size=4, max_size=4))
def test_an_axis_of_whole_numbers(values):
    """The ends are half a step inside, exactly."""
    low, first, second, high = sorted(values)
    places = check(Hyperparameter(name="x", kind="int", low=low, high=high), first, second)
    assert places[0] == 1 / (2 * (high - low + 1))


@pytest.mark.parametrize("low", [0, 1_700_000_000, 10**18, -(10**18), 2**63 - 64])
@pytest.mark.parametrize("log", [False, True])
def test_neighbours_far_from_zero_are_told_apart(low, log):
    """64 whole numbers lie in the middle of 64 equal parts, wherever they begin."""
    if log and low <= 0:
        return
    axis = Hyperparameter(name="x", kind="int", low=low, high=low + 63, log=log)
    places = [axis.position(low + step) for step in range(64)]
    assert places == pytest.approx([(step + 0.5) / 64 for step in range(64)], abs=1e-7)


def test_choices_and_values_beyond_the_bounds():
    """Choices share an axis evenly; an ulp outside a bound is the bound."""
    assert [Hyperparameter(name="x", kind="ordinal", choices=(8, 16)).position(value) for value in (8, 16)] == [
        0.25,
        0.75,
    ]
    assert Hyperparameter(name="x", kind="float", low=0.0, high=0.1).position(math.nextafter(0.1, 1)) == 1.0
