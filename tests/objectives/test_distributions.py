"""Distributions over the whole range of doubles, and integers on a logarithmic scale."""

import math
import pickle
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from objectives.space import Categorical, Integer, Space

MODEST = settings(derandomize=True, deadline=None, max_examples=80)
GREATEST = sys.float_info.max
UNITS = [0.0, 5e-324, 1e-300, 1e-9, 0.25, 0.5, 0.75, 1 - 1e-9, math.nextafter(1, 0), 1.0]
positive = st.floats(5e-324, GREATEST) | st.integers(-1074, 1023).map(lambda exponent: math.ldexp(1, exponent))
numbers = st.floats(allow_nan=False, allow_infinity=False)
units = st.lists(st.floats(0, 1), min_size=1, max_size=5).map(lambda more: sorted([*UNITS, *more]))


def axis_of(distribution):
    return Space({"x": distribution}).axes["x"]


def assert_maps(axis, units):
    """Values are finite, in bounds and do not fall; places are in [0, 1]."""
    values = [axis.decode(unit) for unit in units]
    assert all(axis.low <= value <= axis.high and math.isfinite(value) for value in values)
    assert values == sorted(values)
    assert all(0 <= axis.encode(value) <= 1 for value in (*values, axis.low, axis.high))
    return values


class _Squares(stats.rv_continuous):
    """The square root of a uniform number."""

    def _cdf(self, x):
        return x**2


MADE_OF_DATA = {
    "histogram": (stats.rv_histogram(([1, 3], [0.0, 1.0, 2.0])), [(0.25, 1.0), (1.0, 2.0)]),
    "listed": (stats.rv_discrete(values=([1, 2, 7], [0.25, 0.25, 0.5])), [(0.1, 1), (0.4, 2), (0.9, 7)]),
    "a class of its own": (_Squares(a=0, b=1, name="squares"), [(0.25, 0.5), (1.0, 1.0)]),
}


@pytest.mark.parametrize("case", MADE_OF_DATA)
def test_what_was_made_of_data_needs_no_parameters(case):
    """And draws from the generator that a space is bound to, as a frozen distribution does."""
    distribution, expected = MADE_OF_DATA[case]
    space = pickle.loads(pickle.dumps(Space({"x": distribution})))
    assert [space.axes["x"].decode(unit) for unit, _ in expected] == pytest.approx([value for _, value in expected])
    first, again = (space.bound_to(np.random.default_rng(3))["x"].rvs() for _ in range(2))
    assert first == again


@given(positive, positive, units)
@MODEST
def test_log_uniform_over_all_doubles(one, other, units):
    """Any positive bounds, subnormal ones too: in bounds, monotone, and back to the rounding of a logarithm."""
    low, high = sorted((one, other))
    if low == high:
        return
    axis = axis_of(stats.loguniform(low, high))
    for value in assert_maps(axis, units):
        room = 4 * sys.float_info.epsilon * (1 + abs(axis.log_low) + abs(axis.log_range))
        assert math.isclose(axis.decode(axis.encode(value)), value, rel_tol=room, abs_tol=math.ulp(value))


@given(numbers, numbers, units)
@MODEST
def test_uniform_over_all_doubles(low, high, units):
    """Any width that is a double: in bounds, monotone, and back to the rounding of the greater bound."""
    width = high - low
    if not 0 < width < math.inf or not low < low + width < math.inf:
        return
    axis = axis_of(stats.uniform(low, width))
    for value in assert_maps(axis, units):
        room = 4 * max(math.ulp(axis.low), math.ulp(axis.high))
        assert abs(axis.decode(axis.encode(value)) - value) <= room


def test_a_range_of_400_decades_is_sampled_by_its_logarithm():
    """Decades are equally likely, where the ratio of the bounds is no double."""
    space, rng = Space({"x": stats.loguniform(1e-200, 1e200)}), np.random.default_rng(0)
    decades = [math.log10(space.sample(rng)["x"]) for _ in range(500)]
    assert stats.kstest(decades, stats.uniform(-200, 400).cdf).pvalue > 1e-3
    assert space.levels("x", 4) == pytest.approx([1e-150, 1e-50, 1e50, 1e150], rel=1e-10)
    assert space.discretised(4)["x"].choices == tuple(space.levels("x", 4))


@pytest.mark.parametrize("log", [False, True])
@given(low=st.integers(1, 10**12), width=st.integers(0, 10**12), units=units)
@MODEST
def test_integers_come_back_exactly(log, low, width, units):
    """decode(encode(k)) == k for integers on either scale, both ends included."""
    axis = axis_of(Integer(low, low + width, log=log))
    for value in {axis.low, axis.high, *assert_maps(axis, units)}:
        assert type(value) is int
        assert axis.decode(axis.encode(value)) == value
    assert [axis.decode(0.0), axis.decode(1.0)] == [low, low + width]


@pytest.mark.parametrize("bounds", [(1, 1), (1, 2), (3, 8), (16, 1024)])
def test_cells_of_log_integers(bounds):
    """An integer is as likely as its neighbourhood of half a step under the log-uniform distribution."""
    low, high = bounds
    law, around = Integer(low, high, log=True), stats.loguniform(low - 0.5, high + 0.5)
    for value in (low, low + 1, high - 1, high):
        if low <= value <= high:
            cell = around.cdf([value - 0.5, value + 0.5])
            assert [law.cdf(value - 1), law.cdf(value)] == pytest.approx(cell, abs=1e-12)
            assert axis_of(law).encode(value) == pytest.approx(cell.mean(), abs=1e-12)
    assert [law.cdf(edge) for edge in (low - 7, low - 1, high, high + 7)] == pytest.approx([0, 0, 1, 1], abs=1e-12)


def test_log_integers_are_drawn_by_their_law():
    """A chi-square test finds no difference between draws and cells, by a space and by a bound copy."""
    law = Integer(1, 64, log=True)
    space = Space({"x": law})
    rng, bound = np.random.default_rng(1), space.bound_to(np.random.default_rng(2))
    edges = [0, 1, 2, 4, 8, 16, 32, 64]
    expected = np.diff([law.cdf(edge) for edge in edges]) * 1000
    for draws in ([space.sample(rng)["x"] for _ in range(1000)], [bound["x"].rvs() for _ in range(1000)]):
        assert stats.chisquare(np.histogram(draws, np.array(edges) + 0.5)[0], expected).pvalue > 1e-3


def test_log_integers_in_a_space():
    """They have a description, levels and a pickle, and are plain; linear ones are those of randint."""
    space = Space({"n": Integer(1, 1024, log=True), "k": Integer(3, 9), "r": stats.randint(3, 10)})
    assert space.describe()["n"] == {"kind": "int", "low": 1, "high": 1024, "log": True}
    assert space.describe()["k"] == space.describe()["r"] == {"kind": "int", "low": 3, "high": 9, "log": False}
    assert space.levels("n", 4) == [1, 9, 59, 395]
    assert pickle.loads(pickle.dumps(space)).describe() == space.describe()
    assert all(space.axes["k"].decode(unit) == space.axes["r"].decode(unit) for unit in UNITS)
    assert repr(space["n"]) == "Integer(1, 1024, log=True)"


def test_large_integers_are_exact():
    """Bounds beyond 2**53 are the ones given, with scipy's distribution too."""
    for distribution in (Integer(0, 2**60), stats.randint(0, 2**60 + 1)):
        axis = axis_of(distribution)
        assert (axis.low, axis.high, axis.decode(1.0)) == (0, 2**60, 2**60)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"low": 0, "high": 4, "log": True}, r"Integer\(0, 4, log=True\): a logarithmic scale needs low >= 1"),
        ({"low": 4, "high": 3}, r"Integer\(4, 3\): need low <= high"),
        ({"low": 1.5, "high": 3}, r"Integer\(1.5, 3\): 1.5 is not an integer"),
        ({"low": 1, "high": math.inf}, "inf is not an integer"),
        ({"low": 1, "high": math.nan}, "nan is not an integer"),
        ({"low": True, "high": 3}, "True is not an integer"),
        ({"low": 1, "high": 2**63}, "is not an integer of 64 bits"),
        ({"low": "1", "high": 3}, "'1' is not an integer"),
    ],
)
def test_unusable_integers(arguments, says):
    """Bounds that give no integers are refused by value and rule."""
    with pytest.raises(ValueError, match=says):
        Integer(**arguments)


def test_none_is_a_choice():
    """None comes back from the unit cube, is described as null, and is no missing value."""
    space = Space({"penalty": Categorical([None, "l1", True, 2])})
    for choice in (None, "l1", True, 2):
        assert space.decode(space.encode({"penalty": choice}))["penalty"] is choice
        assert space.check({"penalty": choice}) == {"penalty": choice}
    assert space.describe()["penalty"]["choices"] == [None, "l1", True, 2]
    with pytest.raises(ValueError, match="penalty: missing"):
        space.check({})
