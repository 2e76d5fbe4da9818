"""Which of two algorithms is ahead, and from when to when: their mean difference with a band over all times."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np

from analysis.statistics.anytime import Array, Curve, exponents, mean_and_std
from analysis.statistics.bands import changes, values
from analysis.statistics.bootstrap import LEVEL, SEED

RESAMPLES = 2000
FEWEST = 6
"""Repetitions in which a and b must differ for a band: 5 signs have 16 patterns up to reflection, and 1/16 > 5 %.

It also keeps out the moment after a common start, when the first few of 50 pairs begin to differ and their spread
says little: with fewer allowed the band covered 82 % there instead of 94 %."""
OF_HYPERVOLUMES = 0.97
"""Nominal level of bands of hypervolumes. At 95 % they held the truth in 93.5 to 94.1 % of 1000 planted suites of three
kinds, and 5.9 to 6.5 % of those without a difference made a claim. At this one it is 96.0 to 98.3 % of five kinds, and
1.7 to 3.9 % make one (`tests/planted/fronts.py`)."""
CHUNK = 128
"""Times taken at once: 1 MB for each number of their resamples, which stays in the cache."""
TINY = np.float32(1e-6)
"""Least variance of values with mean square 1; with less they are alike but for rounding, and t as good as infinite."""
ROUNDING = 1e-12
"""Spread, relative to the values, below which differences are tied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Mean of a - b over repetitions with a simultaneous band; negative: a has the smaller error.

    Attributes:
        t: (g,) times at which the difference of some repetition changes, within the common range.
        n: (g,) integers, repetitions in which both are defined.
        mean: (g,) NaN unless both are defined in every repetition.
        lo, hi: (g,) the band; NaN where the mean is, and where a and b differ in 1 to `FEWEST` - 1
            repetitions, or there are no more in all. Without width where all repetitions are tied.
    """

    t: Array
    n: Array
    mean: Array
    lo: Array
    hi: Array


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A stretch of time over which the band excludes 0, from `start` until before `end` (or the last time).

    Attributes:
        better: "a" or "b", the one with the smaller error.
    """

    better: str
    start: float
    end: float


def difference(a: Sequence[Curve], b: Sequence[Curve], error: str, level: float = LEVEL) -> Difference:
    """The difference of two algorithms' incumbents, repetition by repetition.

    It begins when the last of all runs has its first incumbent, and ends with the last event of the
    algorithm that ends first. With a run that never has an incumbent there is no such time, and no row.

    Args:
        a: curves of the one, one a repetition.
        b: curves of the other in the same repetitions.
        error: "valid" or "test".
        level: nominal one of the band.
    """
    grid = common_grid(a, b, error)
    ours, theirs = values(a, grid, error), values(b, grid, error)
    # Times are scaled by powers of two, each by its own, so that no difference, square or cube leaves the doubles.
    exponent = exponents(np.concatenate([ours, theirs]))
    paired = np.ldexp(ours, -exponent) - np.ldexp(theirs, -exponent)
    mean, _ = mean_and_std(paired)
    with np.errstate(over="ignore"):
        mean, lo, hi = np.ldexp([mean, *simultaneous_band(paired, mean, level)], exponent)
    return Difference(t=grid, n=np.count_nonzero(~np.isnan(paired), axis=0), mean=mean, lo=lo, hi=hi)


def simultaneous_band(paired: Array, mean: Array, level: float = LEVEL) -> tuple[Array, Array]:
    """A band that holds the true means of all columns at once, with a probability of 95 %.

    At each time the t-statistic of the mean is freed of its skewness (Hall's cubic transformation: "On the
    Removal of Skewness by Transformation", J. R. Stat. Soc. B 54, 1992). The band takes what then lies
    within c, and c is the 95 % quantile of the largest |transformed t| over all times when residuals get
    random signs, one a repetition for all times and both algorithms, and t and skewness are taken anew
    (multiplier-t bootstrap with Rademacher weights: Telschow & Schwartzman, J. Stat. Plan. Inference 216,
    2022; Chang, Lin & Ogden, ibid. 188, 2017).

    In 1000 planted suites of 50 repetitions it held the truth at all times in 93.8 to 95.9 % of them, and in
    91 % where errors are cubed uniform numbers, whose minima are far more skewed than errors of networks
    (`tests/planted/trajectories.py`). In 200 to 1000 such suites, drawing repetitions with replacement,
    c = quantile of max |mean* - mean| / se, held it in 85 to 97 %; signs without Hall's transformation in 91
    to 95 %; and dividing by each resample's own se in 95 to 100 %, with bands of any width, for resamples
    without the one outlier have almost no spread.

    Args:
        paired: (n, g) differences, NaN where undefined.
        mean: (g,) their means.
        level: nominal one.

    Returns:
        (g,) lower and upper ends.
    """
    n = len(paired)
    lo, hi = mean.copy(), mean.copy()
    differing = np.count_nonzero(paired, axis=0)
    few = (n < FEWEST) | ((differing > 0) & (differing < FEWEST))
    lo[few], hi[few] = np.nan, np.nan
    size = np.abs(paired).max(axis=0, initial=0.0)
    residuals = paired - mean
    norm = np.sqrt((residuals**2).sum(axis=0))
    open_ = np.flatnonzero(~few & (norm > ROUNDING * np.sqrt(n) * size))  # NaN: not open, lo and hi are NaN
    if len(open_):
        unit = residuals[:, open_] / norm[open_]
        error = norm[open_] / np.sqrt(n * (n - 1))
        t_lo, t_hi = _back(critical(unit, level), (unit**3).sum(axis=0))
        lo[open_], hi[open_] = mean[open_] - error * t_hi, mean[open_] - error * t_lo
    return lo, hi


def critical(unit: Array, level: float = LEVEL) -> float:
    """A quantile over random signs of the largest |transformed t| over columns.

    Signs leave the squares as they are, so both sums that t and skewness need are matrix products.

    Args:
        unit: (n, g) residuals, columns of length 1; n >= 2.
        level: which quantile.
    """
    n, signs = len(unit), _signs(len(unit))
    scaled = (unit * np.sqrt(n)).astype(np.float32)  # mean square 1
    largest = np.zeros(len(signs), dtype=np.float32)
    for place in range(0, scaled.shape[1], CHUNK):
        columns = scaled[:, place : place + CHUNK]
        size = _sizes(signs @ columns / np.float32(n), signs @ columns**3 / np.float32(n), n)
        np.maximum(largest, size.max(axis=1), out=largest)
    # Another processor's float32 products differ in the seventh digit; the band shall not.
    return round(float(np.quantile(largest, level, method="higher")), 4)


def _sizes(mean: Array, cubes: Array, n: int) -> Array:
    """|Transformed t| of n values with mean square 1, by their means and mean cubes. Float32, as are these."""
    # In place: with a new array for each step it takes eight times as long.
    variance = np.maximum(1 - mean * mean, TINY)
    a = cubes - (3 - 2 * mean * mean) * mean
    a /= variance * np.sqrt(variance) * np.float32(np.sqrt(n))
    t = mean / np.sqrt(variance)
    t *= np.float32(np.sqrt(n - 1))
    bend = a * t
    bend += 9
    bend *= a * t
    bend += 27
    t *= bend
    t /= 27
    a /= 6
    t += a
    return np.asarray(np.abs(t, out=t))


def claims(curve: Difference) -> Iterator[Claim]:
    """The maximal stretches over which the band excludes 0, in order of time."""
    ahead = np.where(curve.hi < 0, -1, np.where(curve.lo > 0, 1, 0))  # NaN: neither
    edges = np.flatnonzero(np.diff(ahead, prepend=0, append=0))
    for begin, end in pairwise(edges):
        if ahead[begin]:
            stop = min(int(end), len(curve.t) - 1)
            better = "a" if ahead[begin] < 0 else "b"
            yield Claim(better=better, start=float(curve.t[begin]), end=float(curve.t[stop]))


def _back(c: float, third: Array) -> tuple[Array, Array]:
    """The t-statistics that Hall's transformation takes to -c and c: (g,) each.

    Args:
        c: the critical value.
        third: (g,) sums of the cubes of unit residuals, which are their skewness / sqrt(n).
    """
    a = np.where(np.abs(third) < 1e-6, 1e-6, third)  # as good as straight, and no division by 0
    low, high = (3 / a * (np.cbrt(1 + a * (end - a / 6)) - 1) for end in (-c, c))
    return low, high


def common_grid(a: Sequence[Curve], b: Sequence[Curve], error: str) -> Array:
    """All times at which something changes from the common start to the common end, both included."""
    both = [*a, *b]
    firsts = [curve.t[~np.isnan(curve.valid)][:1] for curve in both]
    if not both or not all(map(len, firsts)):
        return np.empty(0)
    start = max(float(first[0]) for first in firsts)
    end = min(max(float(curve.t[-1]) for curve in side) for side in (a, b))
    times = changes(both, error)
    inside = times[(times >= start) & (times <= end)]
    return np.unique(np.append(inside, [start, end])) if start <= end else np.empty(0)


@lru_cache(maxsize=4)
def _signs(n: int) -> Array:
    """(resamples, n) of -1 and 1: all patterns up to reflection where they are no more than `RESAMPLES`."""
    if 2 ** (n - 1) <= RESAMPLES:
        bits = np.arange(2 ** (n - 1))[:, np.newaxis] >> np.arange(n) & 1
    else:
        bits = np.random.default_rng(SEED).integers(0, 2, size=(RESAMPLES, n))
    return (2.0 * bits - 1.0).astype(np.float32)
