"""Statistics of fractions: what means, quantiles and their like are by definition."""

from __future__ import annotations

import math
from fractions import Fraction

INF = math.inf


def infinite(value):
    """Whether a number is infinite; fractions of any size are not."""
    return isinstance(value, float) and math.isinf(value)


def as_float(value):
    """The nearest double; NaN for None, infinite beyond the doubles."""
    if value is None:
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return INF if value > 0 else -INF


def mean(values):
    """The arithmetic mean; None without values, and with an infinite or undefined one."""
    if not values or any(value is None or infinite(value) for value in values):
        return None
    return Fraction(sum(values)) / len(values)


def variance(values):
    """The variance with ddof = 1; None where the mean is, and for a single value."""
    centre = mean(values)
    if centre is None or len(values) < 2:
        return None
    return sum((value - centre) ** 2 for value in values) / Fraction(len(values) - 1)


def root(value):
    """The square root to 200 bits; None of None."""
    if value is None or value == 0:
        return value
    size = value.numerator.bit_length() - value.denominator.bit_length()
    shift = 200 - size // 2
    scaled = value * Fraction(4) ** shift
    return Fraction(math.isqrt(scaled.numerator // scaled.denominator)) / Fraction(2) ** shift


def std(values):
    """The standard deviation with ddof = 1."""
    return root(variance(values))


def quantile(values, share):
    """The quantile between order statistics, at the place (n - 1) share; the definition next to failures included.

    Strictly between a number and an infinite value it is infinite, between -inf and inf undefined.
    """
    if not values:
        return None
    ordered = sorted(values)
    place, weight = divmod((len(ordered) - 1) * share, 1)
    return between(ordered[place], ordered[min(place + 1, len(ordered) - 1)], weight)


def between(low, high, weight):
    """What lies a share of the way from low to high."""
    if weight == 0 or low == high:
        return low
    if infinite(low) or infinite(high):
        return None if infinite(low) and infinite(high) else low if infinite(low) else high
    return low + weight * (high - low)


def median(values):
    """The middle value, or the mean of the middle two."""
    return quantile(values, Fraction(1, 2))


def iqm(values):
    """The mean of what is left when a quarter of the values, rounded down, is cut off at either end."""
    cut = len(values) // 4
    left = sorted(values)[cut : len(values) - cut]
    if any(infinite(value) for value in left):
        signs = {value for value in left if infinite(value)}
        return signs.pop() if len(signs) == 1 else None
    return mean(left)


def ranks(values):
    """Ranks from 1 for the least; ties share the mean of theirs."""
    return [
        Fraction(sum(other < value for other in values) + sum(other <= value for other in values) + 1, 2)
        for value in values
    ]


def median_limits(values):
    """The 95 % limits of a median by Hettmansperger and Sheather (1986); none for less than 6 values.

    The k-th smallest and largest of n values enclose the median with a probability of 1 - 2 P(Bin(n, 1/2) < k).
    Between the two k that enclose 95 % it is interpolated.
    """
    n = len(values)
    if n < 6:
        return None, None
    levels = [1 - 2 * Fraction(sum(math.comb(n, i) for i in range(k)), 2**n) for k in range(n // 2 + 1)]
    k = max(k for k, level in enumerate(levels) if level >= Fraction(95, 100))
    share = (levels[k] - Fraction(95, 100)) / (levels[k] - levels[k + 1])
    weight = (n - k) * share / (k + (n - 2 * k) * share)
    ordered = sorted(values)
    low = between(ordered[k - 1], ordered[k], weight)
    high = between(ordered[n - k], ordered[n - k - 1], weight)
    return -INF if low is None else low, INF if high is None else high
