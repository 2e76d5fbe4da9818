"""Spread of a cell's incumbents: moments, quantiles and the interval of the mean at every time.

Step functions are kept as their values at the times at which one of them changes. This loses nothing,
for all that is computed from them is constant in between, and it makes grids small: of 50 runs with 1000
events each, some 7 change a run's incumbent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import stats

from analysis.statistics.anytime import Array, Curve, exponents, mean_and_std
from analysis.statistics.quantiles import quantile

ERRORS = ("valid", "test")
"""The two errors of an incumbent: of validation, by which it was selected, and of test, which judges it."""
QUANTILES = tuple(Fraction(percent, 100) for percent in (10, 25, 50, 75, 90))
CONFIDENCE = 0.95
SLOTS = 200
"""Into how many parts `thinned` divides the range of times, once on the linear and once on the log scale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The runs of a cell at each time of a grid; all but `n` NaN unless every run is defined there.

    Attributes:
        t: (g,) ascending.
        n: (g,) integers, runs whose curve is defined at t.
        mean, std: (g,) as in `analysis.statistics.anytime`; std with ddof = 1, NaN for a single run.
        iqm: (g,) interquartile mean, `scipy.stats.trim_mean(x, 0.25)`.
        quantiles: (5, g) at `QUANTILES`, linear between order statistics (`analysis.statistics.quantiles`).
        lo, hi: (g,) pointwise 95 % t-interval of the mean; NaN for a single run.
    """

    t: Array
    n: Array
    mean: Array
    std: Array
    iqm: Array
    quantiles: Array
    lo: Array
    hi: Array


def band(curves: Sequence[Curve], grid: Array, error: str) -> Band:
    """Moments, quantiles and interval of the mean of curves at the times of a grid.

    The interval is Student's, at each time by itself: it says nothing of the curve as a whole, for which
    see `analysis.statistics.difference`.

    Args:
        curves: those of all runs of the cell, also of those that failed.
        grid: (g,) times.
        error: one of `ERRORS`.
    """
    runs = values(curves, grid, error)
    mean, std = mean_and_std(runs)
    defined = ~np.isnan(mean)
    iqm, quantiles = np.full(len(grid), np.nan), np.full((len(QUANTILES), len(grid)), np.nan)
    if defined.any():
        exponent = np.maximum(exponents(runs[:, defined]) - 1000, 0)  # Sums of values near the largest double overflow.
        iqm[defined] = np.ldexp(stats.trim_mean(np.ldexp(runs[:, defined], -exponent), 0.25, axis=0), exponent)
        ordered = np.sort(runs[:, defined].T, axis=1)
        quantiles[:, defined] = [quantile(ordered, share) for share in QUANTILES]
    lo, hi = _limits(mean, std, len(curves))
    n = np.count_nonzero(~np.isnan(runs), axis=0)
    return Band(t=grid, n=n, mean=mean, std=std, iqm=iqm, quantiles=quantiles, lo=lo, hi=hi)


def changes(curves: Sequence[Curve], error: str) -> Array:
    """The times at which one of the curves takes another value, begins or ends, and the first and last event.

    On these times lies all that the union of the event times shows; a failed run ends at the first event of
    another run after its last one.

    Returns:
        Ascending times, each once; none where there is no event.
    """
    events = np.unique(np.concatenate([np.empty(0), *(curve.t for curve in curves)]))
    steps = [events[:1], events[-1:]]
    for curve in curves:
        errors = getattr(curve, error)
        steps.append(curve.t[np.append(True, errors[1:] != errors[:-1])[: len(errors)] & ~np.isnan(errors)])
        if not curve.carried and len(curve.t):
            after = np.searchsorted(events, curve.t[-1], side="right")
            steps.append(events[after : after + 1])
    return np.unique(np.concatenate(steps))


def values(curves: Sequence[Curve], grid: Array, error: str) -> Array:
    """The errors of curves at the times of a grid.

    Returns:
        (curves, g), NaN where a curve is undefined: before its first incumbent, and after the last event of
        a run that did not stop by itself.
    """
    found = np.full((len(curves), len(grid)), np.nan)
    for row, curve in enumerate(curves):
        place = np.searchsorted(curve.t, grid, side="right")  # 0: before the first event
        if not curve.carried:
            place = np.where(grid > np.append(-np.inf, curve.t)[-1], 0, place)
        found[row] = np.append(np.nan, getattr(curve, error))[place]
    return found


def thinned(grid: Array) -> Array:
    """Places of at most 2 (`SLOTS` + 1) times of a grid that draw the same picture of a step function.

    All of them where there are no more. Otherwise the step function drawn through the places kept is exact at
    `SLOTS` + 1 evenly spaced times on a linear and as many on a logarithmic axis, first and last time
    included. In between it is late by less than one slot, 0.5 % of the width of either axis.
    """
    if len(grid) <= 2 * (SLOTS + 1):
        return np.arange(len(grid))
    first, last = grid[grid > 0][0], grid[-1]
    looks = np.concatenate([np.linspace(grid[0], last, SLOTS + 1), np.geomspace(first, last, SLOTS + 1)])
    places = np.searchsorted(grid, looks, side="right") - 1
    return np.unique(places[places >= 0])


def _limits(mean: Array, std: Array, n: int) -> tuple[Array, Array]:
    if n < 2:
        return np.full(len(std), np.nan), np.full(len(std), np.nan)
    # Divided by a power of two before: of errors near the largest double only the limits may lie beyond it.
    half = stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.ldexp(std, -8) / np.sqrt(n)
    with np.errstate(over="ignore"):
        return mean - np.ldexp(half, 8), mean + np.ldexp(half, 8)
