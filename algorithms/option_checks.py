"""Checks of option values; a refusal names the option, its value and the rule."""

from __future__ import annotations


def require_int(name: str, value: object, low: int, high: int | None = None) -> None:
    """Refuse an option that is not an integer in low..high; a boolean is refused too.

    Raises:
        ValueError: says name, value and range.
    """
    if isinstance(value, bool) or not isinstance(value, int) or value < low or (high is not None and value > high):
        rule = f">= {low}" if high is None else f"in {low}..{high}"
        raise ValueError(f"{name} = {value!r}: need a whole number {rule}")


def require_fraction(name: str, value: object) -> None:
    """Refuse an option that is not a number in [0, 1].

    Raises:
        ValueError: says name and value.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError(f"{name} = {value!r}: need a number in [0, 1]")
