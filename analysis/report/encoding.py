"""Numbers on their way into the page: few digits, no NaN, nothing that could end a script element."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from analysis import value_format

DASH, MINUS = "\u2013", "\u2212"
DIGITS = 5
"""Significant digits of what is drawn: finer than a screen, and half the size of exact floats."""
MOST_DIGITS = 17
"""Significant digits that tell any two doubles apart."""


def compact(values: Iterable[Any], digits: int = DIGITS) -> list[float | int | None]:
    """Round numbers to significant digits, more where they differ by little; what is not finite becomes null."""
    numbers = [float(value) for value in values]
    finite = [value for value in numbers if math.isfinite(value)]
    largest, extent = max(map(abs, finite), default=0.0), max(finite, default=0.0) / 2 - min(finite, default=0.0) / 2
    if 0.0 < extent < largest:
        digits = min(digits + math.floor(math.log10(largest) - math.log10(extent)), MOST_DIGITS)
    return [_compact(value, digits) for value in numbers]


def _compact(value: float, digits: int) -> float | int | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
    if math.isinf(short):  # The largest doubles, rounded up.
        return value
    return int(short) if short.is_integer() and abs(short) < 1e15 else short


def as_script(payload: Any) -> str:
    """JSON that may stand inside a script element whatever texts it holds.

    Escaped are the letters by which HTML could leave the element or begin a comment in it, and the two
    line separators that older JavaScript does not allow in strings.

    Raises:
        ValueError: a NaN or an infinity is left in it.
    """
    text = json.dumps(payload, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def joined_scripts(parts: Mapping[str, str]) -> str:
    """A JSON object of values that `as_script` has written."""
    return "{" + ",".join(f"{as_script(name)}:{text}" for name, text in parts.items()) + "}"


def error_text(value: float, place: int | None = None) -> str:
    """Write an error or a score: to a decimal place, or with four significant digits; a dash where it is undefined."""
    return _typeset(value_format.number_text(value, place))


def number_text(value: Any, form: str = "{:.3g}") -> str:
    """A number to read, a dash where it is undefined, a word where it is infinite."""
    if value is None or math.isnan(value):
        return DASH
    if math.isinf(value):
        return "∞" if value > 0 else f"{MINUS}∞"
    return form.format(value).replace("-", MINUS)


def p_text(value: float) -> str:
    """A p-value to read: `< 0.0001` where four decimals would show zero."""
    return "< 0.0001" if value < 0.0001 else number_text(value, "{:.4f}" if value < 0.01 else "{:.3f}")


def interval_text(low: float, high: float, form: str | None = None) -> str:
    """Write `0.031 to 0.042`, in a form or with two digits of the half width; a dash where either end is undefined."""
    if math.isnan(low) or math.isnan(high):
        return DASH
    if form is not None:
        return f"{number_text(low, form)} to {number_text(high, form)}"
    return " to ".join(map(_typeset, value_format.interval_texts(low, high)))


def _typeset(text: str) -> str:
    """A plain number with the letters that are read best."""
    return DASH if text == value_format.UNDEFINED else text.replace("inf", "∞").replace("-", MINUS)


def count_text(count: int, one: str, many: str | None = None) -> str:
    """`1 run`, `12 runs`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
