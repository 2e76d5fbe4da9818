"""Turns values of any number type into Python's own: numpy's scalars, arrays and tensors without axes, and others."""

from __future__ import annotations

import math
import numbers
from typing import Any

ROUNDING = 1e-12
"""Relative: a number this near to a bound or to a whole number missed it by rounding, as exp(log(bound)) does."""


def native_scalar(value: Any) -> Any:
    """Convert a scalar to Python's own type; whatever is no scalar is returned as it is."""
    if type(value) in (float, int, str, bool):  # All but always, and ten times as fast.
        return value
    if getattr(value, "shape", None) == () and callable(getattr(value, "item", None)):
        try:
            value = value.item()
        except (RuntimeError, TypeError, ValueError):  # A tensor without data.
            return value
    if isinstance(value, bool):  # Of numpy's.
        return value
    if isinstance(value, numbers.Integral):
        return int(value)
    if isinstance(value, numbers.Real):
        return double(value)
    return str.__str__(value) if isinstance(value, str) else value


def single_value(value: Any) -> Any:
    """The value in an array or tensor that holds one, whatever its axes; anything else as it is."""
    item = getattr(value, "item", None)
    try:
        return item() if callable(item) else value
    except (RuntimeError, TypeError, ValueError):  # It holds several, or none, or a tensor without data.
        return value


def native_number(value: Any) -> int | float | None:
    """Convert a number to an int or a float; None where it is no number, as a boolean is none."""
    native = native_scalar(value)
    return native if type(native) in (int, float) else None


def double(number: Any) -> float:
    """The nearest double; an infinity for an integer or fraction that is greater than any."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def require_int(field: str, value: object, low: int, high: int) -> None:
    """Refuse an option that is not an integer in low..high; a boolean is refused too.

    Raises:
        ValueError: naming field, value and range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{field} = {value!r}: need a whole number in {low}..{high}")
