"""Searches for the fewest repetitions that have a wanted power, for any test."""

from __future__ import annotations

from collections.abc import Callable

ALPHA = 0.05
POWER = 0.80
MOST = 10**9
"""Where the search for a number of repetitions ends."""


def find_repetitions(power: Callable[[int], float], effect: float, wanted: float, fewest: int, exact: int) -> int:
    """Find the fewest repetitions that find an effect with the wanted power.

    Args:
        power: of so many repetitions, for that effect.
        effect: in standard deviations.
        wanted: power.
        fewest: with which the test can ever say anything.
        exact: up to so many repetitions the attained level goes up and down with their number, so that each is tried;
            beyond them the search is by bisection.

    Raises:
        ValueError: an effect that is not > 0.
        OverflowError: more than `MOST` repetitions.
    """
    if not effect > 0:
        raise ValueError(f"effect = {effect}: need a number > 0")
    for n in range(fewest, exact + 1):
        if power(n) >= wanted:
            return n
    low, high = exact, 2 * exact
    while power(high) < wanted:
        low, high = high, 2 * high
        if high > MOST:
            raise OverflowError(f"effect = {effect:g} standard deviations: needs more than {MOST} repetitions")
    while high - low > 1:
        half = (low + high) // 2
        low, high = (low, half) if power(half) >= wanted else (half, high)
    return high


def check_levels(alpha: float, wanted: float) -> None:
    """Refuse a level of a test that is none, and a power that is not above it.

    Raises:
        ValueError: alpha or power out of range.
    """
    if not 0 < alpha < 1:
        raise ValueError(f"alpha = {alpha}: need a number between 0 and 1")
    if not alpha < wanted < 1:
        raise ValueError(f"power = {wanted}: need a number between alpha = {alpha} and 1")
