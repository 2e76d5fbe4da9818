"""Writes numbers with as many digits as their uncertainty supports."""

from __future__ import annotations

import math
from collections.abc import Iterable
from decimal import ROUND_HALF_EVEN, Decimal

DIGITS = 4
"""Significant digits of a number without uncertainty."""
EXACT_DIGITS = 6
"""Significant digits of a number whose uncertainty is zero; zeros at the end are left out."""
MOST_DIGITS = 15
"""Significant digits that a double always carries."""
UNDEFINED = "-"
"""What is written for a number that is not defined."""
FIXED = range(-4, 6)
"""Decimal exponents of the first digit for which a number is written without an exponent."""


def last_place(uncertainties: Iterable[float]) -> int | None:
    """Find the decimal exponent of the last digit worth writing: the second digit of the least uncertainty.

    Two digits are what the Guide to the Expression of Uncertainty in Measurement asks for (JCGM 100:2008, 7.2.6).

    Args:
        uncertainties: standard deviations, half widths of intervals or differences that must be seen, in one unit.

    Returns:
        For instance -4 for 0.0040; None where no uncertainty is a finite number > 0.
    """
    known = [value for value in map(float, uncertainties) if 0.0 < value < math.inf]
    return Decimal(f"{min(known):.1e}").adjusted() - 1 if known else None


def number_text(value: float, place: int | None = None) -> str:
    """Write a number: `0.0312`, `1.2e-18`, `inf`, or a dash where it is undefined.

    Args:
        value: any double.
        place: decimal exponent of the last digit, see `last_place`; None: four significant digits. A number never
            gets more than the 15 digits that a double carries.
    """
    value = float(value)
    if math.isnan(value):
        return UNDEFINED
    if math.isinf(value):
        return "inf" if value > 0 else "-inf"
    exact = Decimal(value)
    if exact.is_zero():
        return _zero(place)
    if place is None:
        place = Decimal(f"{exact:.{DIGITS - 1}e}").adjusted() - DIGITS + 1
    rounded = _rounded(exact, max(place, exact.adjusted() - MOST_DIGITS + 1))
    return _zero(place) if rounded.is_zero() else _written(rounded)


def pair_texts(value: float, uncertainty: float) -> tuple[str, str]:
    """Write a number and its uncertainty to the same decimal place, with two digits of the uncertainty.

    Returns:
        Both texts; the second is empty where the uncertainty is undefined.
    """
    value, uncertainty = float(value), float(uncertainty)
    if math.isnan(uncertainty) or math.isnan(value):
        return number_text(value), ""
    if uncertainty == 0.0 and math.isfinite(value):
        return _exact(value), "0"
    place = last_place([uncertainty])
    texts = number_text(value, place), number_text(uncertainty, place)
    if "e" in texts[0] and texts[1].isdigit() and texts[1] != "0":  # 3.43e+6 ± 1.9e+5, and not ± 190000.
        return texts[0], f"{Decimal(texts[1]):.1e}"
    return texts


def spread_text(value: float, uncertainty: float) -> str:
    """Write `0.0312 ± 0.0040`; the number alone without uncertainty, a dash where it is undefined."""
    texts = pair_texts(value, uncertainty)
    return " ± ".join(text for text in texts if text)


def interval_texts(low: float, high: float) -> tuple[str, str]:
    """Write both ends of an interval with two digits of its half width."""
    low, high = float(low), float(high)
    place = last_place([high / 2 - low / 2])
    return number_text(low, place), number_text(high, place)


def _exact(value: float) -> str:
    """A number without uncertainty, as short as six significant digits allow."""
    rounded = Decimal(f"{value:.{EXACT_DIGITS - 1}e}")
    if rounded.is_zero():
        return "0"
    return _written(rounded.normalize() if rounded.adjusted() not in FIXED else _integral(rounded.normalize()))


def _integral(number: Decimal) -> Decimal:
    """A number without an exponent above zero: 1200, not 1.2E+3."""
    exponent = number.as_tuple().exponent
    return number.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else number


def _rounded(exact: Decimal, place: int) -> Decimal:
    """A number as a multiple of 10**place."""
    if exact.adjusted() < place - 1:
        return Decimal(0)
    return exact.quantize(Decimal((0, (1,), place)), rounding=ROUND_HALF_EVEN)


def _written(number: Decimal) -> str:
    """A number that is not zero, with all its digits and, outside of `FIXED`, an exponent."""
    exponent = number.as_tuple().exponent
    assert isinstance(exponent, int)
    if number.adjusted() in FIXED:
        return f"{number:f}"
    return f"{number:.{number.adjusted() - exponent}e}"


def _zero(place: int | None) -> str:
    """Zero, with decimals where its neighbours have them."""
    return f"{0.0:.{-place}f}" if place is not None and -place in range(1, 7) else "0"
