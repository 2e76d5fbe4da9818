"""Numbers on their way into the page: few digits, no NaN, nothing that could end a script element."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from typing import Any

DASH, MINUS = "\u2013", "\u2212"
DIGITS = 5
"""Significant digits of what is drawn: finer than a screen, and half the size of exact floats."""


def compact(values: Iterable[Any], digits: int = DIGITS) -> list[float | int | None]:
    """Numbers as JSON has them: rounded to significant digits; what is not finite becomes null."""
    return [_compact(float(value), digits) for value in values]


def _compact(value: float, digits: int) -> float | int | None:
    if not math.isfinite(value):
        return None
    short = float(f"{value:.{digits}g}")
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


def error_text(value: float) -> str:
    """An error or a score to read: four decimals; a dash where it is undefined."""
    return number_text(value, "{:.4f}")


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


def interval_text(low: float, high: float, form: str = "{:.4f}") -> str:
    """`0.0312 to 0.0420`; a dash where either end is undefined."""
    if math.isnan(low) or math.isnan(high):
        return DASH
    return f"{number_text(low, form)} to {number_text(high, form)}"


def count_text(count: int, one: str, many: str | None = None) -> str:
    """`1 run`, `12 runs`."""
    return f"{count} {one if count == 1 else many or one + 's'}"
