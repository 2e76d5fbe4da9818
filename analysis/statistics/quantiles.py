"""Quantiles of values of which some are infinite: failed runs, and differences to them."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

Array = np.ndarray


def quantile(ordered: Array, share: Fraction) -> Array:
    """The quantile between order statistics at (n - 1) share, NumPy's "linear" (type 7 of Hyndman & Fan 1996).

    Args:
        ordered: (..., n), ascending along the last axis, n >= 1, without NaN.
        share: exact, from 0 to 1, so that the place is exact too.

    Returns:
        (...), infinite or NaN as `between` says.
    """
    last = ordered.shape[-1] - 1
    place, weight = divmod(last * share, 1)
    return between(ordered[..., place], ordered[..., min(place + 1, last)], float(weight))


def between(low: Array, high: Array, weight: float) -> Array:
    """The value a share of the way from low to high, which is not below it.

    Infinite values stand for numbers beyond every bound: whatever lies strictly between an infinite value and a
    number is infinite, and what lies between -inf and inf is undefined, NaN. A weight of 0 gives low, whatever
    high is.
    """
    with np.errstate(invalid="ignore", over="ignore"):
        value = low + weight * (high - low)
        # Of numbers so far apart that their difference overflows; of an infinite one and another their sum.
        far = (1.0 - weight) * low + weight * high
    value = np.where(np.isfinite(value), value, far)
    return np.asarray(np.where((low == high) | (weight == 0), low, value))
