"""The anytime curve: incumbents of runs as step functions, and their mean and std over runs.

A run's curve at t is its incumbent among the evaluations completed at or before t. It is undefined
before the first of them, and never interpolated, looked ahead or filled back.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

Array = np.ndarray
"""One-dimensional float64 unless a comment says otherwise."""

_FAR = 2.0**64
"""As many of the largest doubles have a sum that is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """The incumbent of one run at each of its events.

    Attributes:
        t: (n,) event times in ascending order, ties allowed.
        valid: (n,) the incumbent's validation error, NaN while there is none.
        test: (n,) the test error of the same evaluation; it may rise.
        carried: whether the last value holds after the last event (the run stopped by itself).
    """

    t: Array
    valid: Array
    test: Array
    carried: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Trajectory:
    """Mean and std over the runs of a cell at each time of its grid; NaN unless all runs are defined.

    Attributes:
        t: (g,) every event time of every run, once.
        n_defined: (g,) integers, runs whose curve is defined at t.
        n_active: (g,) integers, runs with an event at or after t.
        valid_mean, valid_std, test_mean, test_std: (g,); std with ddof = 1, NaN for a single run.
    """

    t: Array
    n_defined: Array
    valid_mean: Array
    valid_std: Array
    test_mean: Array
    test_std: Array
    n_active: Array


def incumbents(valid: Array) -> Array:
    """Where the incumbent is after each evaluation.

    Args:
        valid: (n,) validation errors in the order of completion, +inf for what came to nothing.

    Returns:
        (n,) integers: the place of the least error so far, the earliest of ties; -1 while all are +inf.
    """
    best = np.minimum.accumulate(valid)
    improved = np.append(True, valid[1:] < best[:-1])[: len(valid)]
    place = np.maximum.accumulate(np.where(improved, np.arange(len(valid)), 0))
    return np.where(np.isfinite(best), place, -1)


def curve(t: Array, valid: Array, test: Array, *, carried: bool) -> Curve:
    """The curve of a run from its evaluations in the order of completion, all of shape (n,)."""
    place = incumbents(valid)
    return Curve(
        t=t,
        valid=np.where(place >= 0, valid[place], np.nan),
        test=np.where(place >= 0, test[place], np.nan),
        carried=carried,
    )


def aggregate(curves: Sequence[Curve]) -> Trajectory:
    """Mean and std of the curves on the union of their event times."""
    grid = np.unique(np.concatenate([np.empty(0), *(curve.t for curve in curves)]))
    valid, test = np.empty((2, len(curves), len(grid)))
    n_active = np.zeros(len(grid), dtype=np.int64)
    for row, curve in enumerate(curves):
        valid[row], test[row] = _at(curve, grid)
        if len(curve.t):
            n_active += curve.t[-1] >= grid
    n_defined = np.count_nonzero(~np.isnan(valid), axis=0)
    valid_mean, valid_std = mean_and_std(valid)
    test_mean, test_std = mean_and_std(test)
    return Trajectory(
        t=grid,
        n_defined=n_defined,
        valid_mean=valid_mean,
        valid_std=valid_std,
        test_mean=test_mean,
        test_std=test_std,
        n_active=n_active,
    )


def mean_and_std(values: Array) -> tuple[Array, Array]:
    """Mean and std (ddof = 1) over runs; an undefined run leaves no mean, not one of the others.

    Args:
        values: (runs, g), NaN where undefined.

    Returns:
        Two arrays (g,). Both are NaN where a run is undefined, std also for a single run; it is infinite where it is
        beyond the largest double.
    """
    runs, size = values.shape
    if runs == 0:
        return np.full(size, np.nan), np.full(size, np.nan)
    exponent = exponents(values)
    scaled = np.ldexp(values, -exponent)
    # Differences from the first run make tied runs exact: their std is 0, not 1e-17.
    difference = scaled - scaled[0]
    mean = scaled[0] + difference.mean(axis=0)
    std = difference.std(axis=0, ddof=1) if runs > 1 else np.full(size, np.nan)
    with np.errstate(over="ignore"):
        return np.ldexp(mean, exponent), np.ldexp(std, exponent)


def exponents(values: Array) -> Array:
    """(g,) integers: powers of two that bring the largest finite value of each column to between 1/2 and 1.

    Sums, squares and cubes of values that are divided by them stay within the doubles, and no digit changes.
    """
    sizes = np.abs(np.where(np.isfinite(values), values, 0.0))
    return np.asarray(np.frexp(sizes.max(axis=0, initial=0.0))[1])


def total(values: Iterable[float], divisor: int = 1) -> float:
    """The sum of finite numbers, rounded once, divided by a count; infinite only where that is beyond all doubles."""
    numbers = list(values)
    try:
        return math.fsum(numbers) / divisor
    except OverflowError:
        return math.fsum(number / _FAR for number in numbers) / divisor * _FAR


def _at(curve: Curve, grid: Array) -> tuple[Array, Array]:
    """The curve's errors at the times of a grid, NaN where undefined."""
    place = np.searchsorted(curve.t, grid, side="right")  # 0: before the first event
    if not curve.carried:
        stop = curve.t[-1] if len(curve.t) else -np.inf
        place = np.where(grid > stop, 0, place)
    return np.append(np.nan, curve.valid)[place], np.append(np.nan, curve.test)[place]
