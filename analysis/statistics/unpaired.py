"""Two algorithms compared whose repetitions are no pairs: every run is a draw of its own."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from analysis.statistics.anytime import Array, Curve, mean_and_std
from analysis.statistics.bands import values
from analysis.statistics.bootstrap import LEAST, LEVEL, RESAMPLES, SEED, Statistic, expanded, iqm, mean
from analysis.statistics.difference import CHUNK, FEWEST, ROUNDING, Difference, common_grid
from analysis.statistics.difference import RESAMPLES as SIGNS
from analysis.statistics.ranks import MeanRanks

TEST = "Mann-Whitney"


def compare_unpaired(a: Array, b: Array) -> dict[str, Any]:
    """Compare two samples of any sizes.

    Fields are those of `analysis.statistics.pairwise.Comparisons`, and n_a, n_b and test besides. mean, median and iqm
    are differences of the two samples' own; intervals of mean and iqm are BCa at the expanded level of the smaller
    sample, resampled independently (`scipy.stats.bootstrap`), and NaN with fewer than `LEAST` runs of either. std: of
    the difference of two runs drawn independently. p_better: the probability that a run of a is better than one of b,
    ties counted half. p: two-sided Mann-Whitney test (`scipy.stats.mannwhitneyu`).

    Args:
        a: (n,) no NaN; less is better; infinite: failed.
        b: (m,) likewise.
    """
    sizes = {"n": min(len(a), len(b)), "n_a": len(a), "n_b": len(b), "test": TEST}
    if not len(a) or not len(b):
        return sizes
    test = stats.mannwhitneyu(a, b, alternative="two-sided")
    better = 1.0 - float(test.statistic) / (len(a) * len(b))
    spread = math.sqrt(_variance(a) + _variance(b))
    middle = float(_difference(mean, a, b))
    mean_lo, mean_hi = _interval(mean, a, b)
    iqm_lo, iqm_hi = _interval(iqm, a, b)
    return sizes | {
        "mean": middle,
        "mean_lo": mean_lo,
        "mean_hi": mean_hi,
        "median": float(_difference(_median, a, b)),
        "iqm": float(_difference(iqm, a, b)),
        "iqm_lo": iqm_lo,
        "iqm_hi": iqm_hi,
        "std": spread,
        "effect": 0.0 if middle == 0.0 else middle / spread if spread else math.copysign(math.inf, middle),
        "p_better": better,
        "p": 1.0 if math.isnan(float(test.pvalue)) else float(test.pvalue),
        "balance": 0.5 - better,
    }


def unpaired_difference(a: Sequence[Curve], b: Sequence[Curve], error: str, level: float = LEVEL) -> Difference:
    """The difference of two algorithms' mean incumbents with a simultaneous band.

    At each time the t-statistic has the variance of the difference of two independent means (Welch). The band takes
    what lies within c, the quantile of the largest |t| over all times when the residuals of every run get a random
    sign for all times, and t is taken anew. It is NaN with fewer than `FEWEST` runs of either.

    Args:
        a: curves of the one.
        b: curves of the other; their number may differ.
        error: "valid" or "test".
        level: nominal one of the band.
    """
    grid = common_grid(a, b, error)
    ours, theirs = values(a, grid, error), values(b, grid, error)
    middle = mean_and_std(ours)[0] - mean_and_std(theirs)[0]
    lo, hi = np.full((2, len(grid)), np.nan)
    defined = np.flatnonzero(~np.isnan(middle))
    if min(len(a), len(b)) >= FEWEST and len(defined):
        half = _half_widths([ours[:, defined], theirs[:, defined]], level)
        lo[defined], hi[defined] = middle[defined] - half, middle[defined] + half
    n = np.minimum(*(np.count_nonzero(~np.isnan(side), axis=0) for side in (ours, theirs)))
    return Difference(t=grid, n=n, mean=middle, lo=lo, hi=hi)


def expected_ranks(samples: Sequence[Array]) -> MeanRanks:
    """The rank to expect of each algorithm when one run of every algorithm is drawn, each by itself.

    1 and, for every other algorithm, the probability that its run is better, ties counted half. Intervals are
    percentiles of independent resamples of all algorithms' runs; NaN with fewer than `LEAST` runs of any.

    Args:
        samples: the runs of each algorithm, less is better, no NaN; an algorithm without any takes no part.
    """
    there = [place for place, sample in enumerate(samples) if len(sample)]
    counts = np.array([len(sample) for sample in samples], dtype=np.int64)
    means, limits = np.full(len(samples), np.nan), np.full((len(samples), 2), np.nan)
    several = bool(there) and int(counts[there].min()) >= LEAST
    drawn = {place: _weights(len(samples[place]), place) for place in there}
    for place in there:
        better = {other: _better(samples[other], samples[place]) for other in there if other != place}
        means[place] = 1.0 + sum(float(matrix.mean()) for matrix in better.values())
        if several:
            products = (np.einsum("ri,ij,rj->r", drawn[o], matrix, drawn[place]) for o, matrix in better.items())
            resampled = 1.0 + sum(products, start=np.zeros(RESAMPLES))
            limits[place] = np.quantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return MeanRanks(n=counts, mean=means, lo=limits[:, 0], hi=limits[:, 1])


def _better(one: Array, other: Array) -> Array:
    """(n, m): 1 where a run of the one is better, 0.5 where they are tied."""
    return np.asarray((one[:, np.newaxis] < other) + 0.5 * (one[:, np.newaxis] == other))


def _weights(n: int, place: int) -> Array:
    """(`RESAMPLES`, n) shares of each run in each resample, which sum to 1; other ones for every algorithm."""
    generator = np.random.default_rng([SEED, place])
    return np.asarray(generator.multinomial(n, np.full(n, 1 / n), size=RESAMPLES) / n)


def _variance(sample: Array) -> float:
    return float(np.var(sample, ddof=1)) if len(sample) > 1 and np.isfinite(sample).all() else math.nan


def _median(values: Array, *, axis: int) -> Array:
    """The median, NaN between two infinities of both signs."""
    with np.errstate(invalid="ignore"):
        return np.asarray(np.median(values, axis=axis))


def _difference(statistic: Statistic, a: Array, b: Array, axis: int = -1) -> Array:
    with np.errstate(invalid="ignore"):
        return np.asarray(statistic(a, axis=axis) - statistic(b, axis=axis))


def _interval(statistic: Statistic, a: Array, b: Array) -> tuple[float, float]:
    if min(len(a), len(b)) < LEAST or not (np.isfinite(a).all() and np.isfinite(b).all()):
        return math.nan, math.nan
    if np.ptp(a) == np.ptp(b) == 0.0:
        return float(a[0] - b[0]), float(a[0] - b[0])

    def of(one: Array, other: Array, axis: int) -> Array:
        return _difference(statistic, one, other, axis)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)  # Told by NaN.
        found = stats.bootstrap(
            (a, b),
            of,
            n_resamples=RESAMPLES,
            vectorized=True,
            axis=-1,
            confidence_level=expanded(min(len(a), len(b))),
            method="BCa",
            rng=np.random.default_rng(SEED),
        )
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def _half_widths(sides: Sequence[Array], level: float) -> Array:
    """(g,) what the band takes to either side of the difference of the means of two samples (n, g)."""
    residuals = [side - side.mean(axis=0) for side in sides]
    scale = np.max([np.abs(side).max(axis=0) for side in sides], axis=0)
    counts = [len(side) for side in sides]
    error = np.sqrt(sum(_squared_errors(rest, 0.0, len(rest)) for rest in residuals))
    open_ = error > ROUNDING * scale
    half = np.zeros(len(error))
    if open_.any():
        largest = np.zeros(SIGNS)
        signs = [_random_signs(count, place) for place, count in enumerate(counts)]
        for columns in np.array_split(np.flatnonzero(open_), max(1, int(open_.sum()) // CHUNK)):
            np.maximum(largest, _largest_t([rest[:, columns] for rest in residuals], signs), out=largest)
        half[open_] = round(float(np.quantile(largest, level, method="higher")), 4) * error[open_]
    return half


def _largest_t(residuals: Sequence[Array], signs: Sequence[Array]) -> Array:
    """(resamples,) the largest |t| over columns when residuals get signs."""
    means = [signs_ @ rest / len(rest) for signs_, rest in zip(signs, residuals, strict=True)]
    squares = sum(_squared_errors(rest, middle, len(rest)) for rest, middle in zip(residuals, means, strict=True))
    with np.errstate(divide="ignore", invalid="ignore"):
        t = np.abs(means[0] - means[1]) / np.sqrt(squares)
    return np.asarray(np.nan_to_num(t, nan=0.0, posinf=np.finfo(np.float64).max).max(axis=1))


def _squared_errors(residuals: Array, middle: Array | float, n: int) -> Any:
    """The squared standard error of the mean of n residuals, whose signs leave their squares as they are."""
    return np.maximum((residuals**2).sum(axis=0) - n * np.square(middle), 0.0) / (n * (n - 1))


def _random_signs(n: int, side: int) -> Array:
    """(resamples, n) of -1 and 1."""
    return np.random.default_rng([SEED, side]).integers(0, 2, size=(SIGNS, n)) * 2.0 - 1.0
