"""Axes for any numbers: what is drawn is within reach of matplotlib, in the right order, and labelled."""

import math
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.figures.magnitude import Window, logarithmic_marks, logarithms, magnitude_of, power_text, span

NUMBERS = st.lists(st.floats(), min_size=1, max_size=6)
POSITIVE = st.floats(5e-324, allow_infinity=False)


@given(NUMBERS)
def test_drawn_numbers_are_neither_huge_nor_tiny(numbers):
    """The largest is drawn between 1e-100 and 1e100, signs and order stay, and what is not finite is left out."""
    size = magnitude_of(numbers)
    drawn = size.of(numbers)
    finite = np.isfinite(numbers)
    assert (np.isfinite(drawn) == finite).all()
    most = np.abs(drawn[finite]).max(initial=0.0)
    assert most == 0.0 or 1e-100 <= most < 1e100
    order = np.argsort(np.array(numbers)[finite], kind="stable")
    assert (np.diff(drawn[finite][order]) >= 0.0).all()
    if size.power == 0:
        np.testing.assert_array_equal(drawn, numbers)
    else:
        assert power_text(size.power) in size.label("error")


@given(POSITIVE, POSITIVE)
def test_a_logarithmic_axis_has_marks_within_it(first, second):
    """Over all of the double range an axis has a few labels of different texts, each between its ends."""
    low, high = sorted(logarithms(np.array([first, second])))
    low, high = low - 0.1, high + 0.1
    marks, labels = logarithmic_marks(low, high)
    assert 2 <= len(marks) == len(set(labels)) <= 8
    assert all(low <= mark <= high for mark in marks)
    assert marks == sorted(marks)


@pytest.mark.parametrize(
    ("ends", "labels"),
    [
        ((-2.0, 1.0), ["0.01", "0.1", "1", "10"]),
        ((0.0, 1.0), ["1", "2", "5", "10"]),
        ((-300.0, 300.0), ["10⁻²⁰⁰", "1", "10²⁰⁰"]),
        ((100.0, 100.8), ["10¹⁰⁰", "2·10¹⁰⁰", "5·10¹⁰⁰"]),
        ((-0.95, -0.62), ["0.15", "0.2"]),
        ((2.95, 3.05), ["900", "1000", "1100"]),
        ((-200.9, -200.75), ["1.4·10⁻²⁰¹", "1.6·10⁻²⁰¹"]),
    ],
)
def test_marks_read_as_numbers(ends, labels):
    """Near 1 numbers are written out, far from it as powers; of less than a decade there are round ones."""
    assert logarithmic_marks(*ends)[1] == labels


def test_what_is_not_above_zero_has_no_logarithm():
    """NaN, and no warning."""
    np.testing.assert_array_equal(logarithms(np.array([-1.0, 0.0, 10.0, math.nan])), [math.nan, math.nan, 1, math.nan])


@given(st.floats(-1e90, 1e90), st.floats(-1e90, 1e90))
def test_the_ends_of_an_axis_are_never_the_same(first, second):
    """However near to each other, or equal, the numbers lie, they are inside."""
    low, high = span(min(first, second), max(first, second))
    assert low < min(first, second) <= max(first, second) < high


def test_a_window_keeps_what_is_far_outside_near():
    """What overflows in the units of the part that is shown lies beyond its edge, on the right side."""
    shown = Window(size=magnitude_of([3e-200]), low=0.0, high=4.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_allclose(
            shown.of([3e-200, 1e308, -1e308, math.inf, math.nan]), [3.0, 40.0, -36.0, 40.0, math.nan]
        )
