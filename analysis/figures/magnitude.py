"""Axes for any numbers: matplotlib's overflow near the ends of the double range, so powers of ten are taken out."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from itertools import product

import numpy as np

from analysis.statistics.anytime import Array

LARGE, LEAST = 1e100, 1e-100
"""Numbers between these are drawn as they are."""
MOST_DECADES, STEPS = 6, (1, 2, 5, 10, 20, 50, 100, 200)
"""Labelled decades of a logarithmic axis, and what may lie between them: a double's range has 632."""
FEW_DECADES = 2.0
"""On an axis of fewer of them 2 and 5 are labelled too."""
NEAR = (-4, 5)
"""Powers of ten from and below which numbers are written out."""
MOST_DIGITS = 12
"""Of a label on an axis of less than a decade."""
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


@dataclass(frozen=True, slots=True, kw_only=True)
class Magnitude:
    """The power of ten in which the numbers of an axis are drawn; 0 unless they are very large or very small."""

    power: int = 0

    def of(self, values: Iterable[float]) -> Array:
        """Numbers as they are drawn."""
        numbers: Array = np.asarray(values, dtype=np.float64)
        if not self.power:
            return numbers
        half = self.power // 2  # 10 to the power itself may be no double.
        shrunk: Array = numbers / 10.0**half / 10.0 ** (self.power - half)
        return shrunk

    def label(self, text: str) -> str:
        """A label of an axis, or numbers of it, with the power that they are in."""
        return f"{text} [\u00d7 {power_text(self.power)}]" if self.power else text


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """The part of an axis that is shown, in units of its magnitude; numbers may be far outside of it."""

    size: Magnitude
    low: float
    high: float

    def of(self, values: Iterable[float]) -> Array:
        """Numbers as they are drawn; those far outside are brought near, for what is drawn overflows too."""
        with np.errstate(over="ignore"):  # To infinity, and from there near the edge.
            return self.near(self.size.of(values))

    def near(self, numbers: Array) -> Array:
        """Numbers in units of the magnitude; those far outside are brought near."""
        room = 9.0 * (self.high - self.low)
        near: Array = np.clip(numbers, self.low - room, self.high + room)
        return near


def magnitude_of(*values: Iterable[float]) -> Magnitude:
    """The power of ten for numbers that share an axis; what is not finite is left out."""
    numbers = np.abs(np.concatenate([np.asarray(some, dtype=np.float64).ravel() for some in values] or [np.empty(0)]))
    most = float(numbers[np.isfinite(numbers)].max(initial=0.0))
    return Magnitude() if most == 0.0 or LEAST <= most < LARGE else Magnitude(power=math.floor(math.log10(most)))


def power_text(power: int) -> str:
    """`10³`, in letters that every text may hold."""
    return f"10{str(power).translate(SUPERSCRIPTS)}"


def logarithms(values: Array) -> Array:
    """Decimal logarithms for an axis of `logarithmic_marks`; NaN for what is not above 0."""
    logs: Array = np.log10(values, where=values > 0.0, out=np.full(len(values), np.nan))
    return logs


def logarithmic_marks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Where an axis of decimal logarithms is labelled, and how: decades, between few of them 2 and 5 too.

    matplotlib's own logarithmic axes overflow near the ends of the double range.

    Args:
        low: the logarithm where the axis begins.
        high: where it ends.
    """
    decades = range(math.ceil(low), math.floor(high) + 1)
    step = next(step for step in STEPS if len(decades) <= MOST_DECADES * step)
    marks = [float(power) for power in decades if power % step == 0]
    if high - low < FEW_DECADES:
        between = range(math.floor(low), math.ceil(high))
        marks = sorted(marks + [power + math.log10(digit) for power in between for digit in (2, 5)])
    marks = [mark for mark in marks if low <= mark <= high]
    if len(marks) < 2:
        return _round_marks(low, high)
    return marks, [_decade_text(mark) for mark in marks]


def _round_marks(low: float, high: float) -> tuple[list[float], list[str]]:
    """Labels of less than a decade: multiples of one, two or five of the largest unit of which there are two."""
    power = math.floor(low)  # In units of which numbers are drawn up, for they may be beyond the doubles.
    first, last = 10.0 ** (low - power), 10.0 ** (high - power)
    for unit, digit in product(range(MOST_DIGITS), (5, 2, 1)):
        step = digit * 10.0**-unit
        digits = [digit * number for number in range(math.ceil(first / step), math.floor(last / step) + 1)]
        if len(digits) >= 2:
            if not NEAR[0] <= low <= high < NEAR[1]:  # Powers are long: more than two would lie on each other.
                digits = [digits[0], digits[-1]]
            marks = [power + math.log10(number) - unit for number in digits]
            return marks, [_number_text(number, power - unit) for number in digits]
    return [low, high], [_decade_text(mark) for mark in (low, high)]


def _decade_text(mark: float) -> str:
    """One, two or five of a power of ten, by the logarithm."""
    if NEAR[0] <= mark < NEAR[1]:
        return f"{10.0**mark:.5g}"
    power = math.floor(mark + 1e-9)
    digit = round(10.0 ** (mark - power))
    return power_text(power) if digit == 1 else f"{digit}\u00b7{power_text(power)}"


def _number_text(number: int, power: int) -> str:
    """So many units of a power of ten, which are at least one and less than 100 of the highest digit."""
    digits = str(number)
    highest = power + len(digits) - 1
    if NEAR[0] <= highest < NEAR[1]:
        return f"{Decimal(number).scaleb(power).normalize():f}"
    return f"{Decimal(number).scaleb(1 - len(digits)).normalize():f}\u00b7{power_text(highest)}"


def span(low: float, high: float, margin: float = 0.05) -> tuple[float, float]:
    """The ends of an axis, never the same: wider by a share of the range, or of the number where there is one alone."""
    room = margin * (high - low)
    least = 1e-9 * max(abs(low), abs(high))
    if room <= least:
        room = 0.05 * max(abs(low), abs(high)) or 0.05
    return low - room, high + room
