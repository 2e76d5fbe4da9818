"""Numbers are written with the digits that their uncertainty supports."""

import math
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.value_format import interval_texts, last_place, number_text, pair_texts, spread_text

FINITE = st.floats(allow_nan=False, allow_infinity=False)
UNCERTAINTY = st.floats(min_value=0.0, allow_infinity=False)
WRITTEN = {
    (0.0312, 0.004): "0.0312 ± 0.0040",
    (0.0312, 0.0996): "0.03 ± 0.10",
    (9.96, 0.1): "9.96 ± 0.10",
    (0.9996, 0.00995): "1.000 ± 0.010",
    (-0.0312, 0.0123): "-0.031 ± 0.012",
    (-1e-9, 0.004): "0.0000 ± 0.0040",
    (0.003, 12.0): "0 ± 12",
    (1234.0, 567.0): "1230 ± 570",
    (3.43e6, 190_000.0): "3.43e+6 ± 1.9e+5",
    (1e-18, 3e-19): "1.00e-18 ± 3.0e-19",
    (1.6e308, 1e307): "1.60e+308 ± 1.0e+307",
    (5e-324, 0.0): "4.94066e-324 ± 0",
    (1.0, 1e-12): "1.0000000000000 ± 1.0e-12",
    (1.0, 1e-300): "1.00000000000000 ± 1.0e-300",
    (0.0, 0.0): "0 ± 0",
    (-0.0, 1.0): "0.0 ± 1.0",
    (0.3, 0.0): "0.3 ± 0",
    (1200.0, 0.0): "1200 ± 0",
    (0.25, math.nan): "0.2500",
    (math.nan, math.nan): "-",
    (math.nan, 0.1): "-",
    (math.inf, math.nan): "inf",
    (1.5, math.inf): "1.500 ± inf",
}


@pytest.mark.parametrize(("pair", "written"), WRITTEN.items(), ids=WRITTEN.values())
def test_a_number_and_its_uncertainty(pair, written):
    """Two digits of the uncertainty, and the number to the same place; an exponent where zeros would fill a line."""
    assert spread_text(*pair) == written


@given(FINITE, UNCERTAINTY)
def test_the_number_written_is_the_number(value, uncertainty):
    """It reads back to within half a unit of its last digit, is never minus zero, and keeps two digits of its error."""
    text, spread = pair_texts(value, uncertainty)
    assert not text.startswith("-") or float(text) != 0.0 or abs(value) < 5e-324
    place = last_place([uncertainty])
    unit = unit_of(text) if place is None else max(unit_of(text), Fraction(10) ** place)
    assert abs(Fraction(text) - Fraction(value)) <= unit / 2 or Fraction(text) == 0
    assert abs(Fraction(text) - Fraction(value)) <= max(Fraction(uncertainty), Fraction(abs(value)) / 10**5)
    assert abs(Fraction(spread) - Fraction(uncertainty)) <= Fraction(uncertainty) / 20


@given(FINITE)
def test_a_number_alone_has_four_digits(value):
    """Whatever its size, it reads back to within four significant digits; only zero is written as zero."""
    written = Fraction(number_text(value))
    assert abs(written - Fraction(value)) <= Fraction(abs(value)) / 1999
    assert (written == 0) == (value == 0.0)


@given(FINITE, FINITE)
def test_ends_of_an_interval_are_told_apart(one, other):
    """Two ends that differ by more than what a double carries are written differently, in their order."""
    low, high = sorted((one, other))
    texts = [Fraction(text) for text in interval_texts(low, high)]
    if Fraction(high) - Fraction(low) > Fraction(max(abs(low), abs(high))) / 10**13:
        assert texts[0] < texts[1]
    assert texts[0] <= texts[1]


@pytest.mark.parametrize(
    ("uncertainties", "place"),
    [([0.004], -4), ([0.0996], -2), ([3.0, 0.02], -3), ([0.0, math.nan, math.inf], None), ([], None), ([1e308], 307)],
)
def test_the_last_place_is_the_second_digit_of_the_least_uncertainty(uncertainties, place):
    """What is zero, infinite or undefined says nothing about digits."""
    assert last_place(uncertainties) == place


def unit_of(text):
    """One unit of the last digit of a written number."""
    digits, _, exponent = text.partition("e")
    decimals = len(digits.partition(".")[2])
    return Fraction(10) ** (int(exponent or 0) - decimals)
