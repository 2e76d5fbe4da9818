"""What a sample of repetitions is summarised by: moments, quantiles, interquartile mean, and their intervals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.statistics.anytime import Array, mean_and_std
from analysis.statistics.bootstrap import LEAST, LEVEL, interval, iqm, mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Summaries:
    """Summaries of k samples, all of shape (k,), in the units of the values; limits are of 95 % intervals.

    Attributes:
        n: how many values.
        mean: NaN where a value is infinite.
        mean_lo, mean_hi: BCa at the expanded level (`analysis.statistics.bootstrap`).
        std: ddof = 1; NaN where the mean is, and for a single value.
        median: the middle value, or the mean of the middle two.
        median_lo, median_hi: interpolated order statistics (`median_interval`).
        q25, q75: quartiles, linear between order statistics (NumPy's default).
        iqm: interquartile mean.
        iqm_lo, iqm_hi: BCa at the expanded level.
    """

    n: Array
    mean: Array
    mean_lo: Array
    mean_hi: Array
    std: Array
    median: Array
    median_lo: Array
    median_hi: Array
    q25: Array
    q75: Array
    iqm: Array
    iqm_lo: Array
    iqm_hi: Array


def summaries(samples: Array) -> Summaries:
    """Summarise samples, each by itself.

    Args:
        samples: (k, n); infinite values are failures and count in everything that stays defined.

    Raises:
        ValueError: NaN among the values.
    """
    if np.isnan(samples).any():
        raise ValueError("samples hold NaN: leave repetitions without a result out before")
    means, std = moments(samples)
    mean_lo, mean_hi = interval(samples, mean).T
    median_lo, median_hi = median_interval(samples).T
    iqm_lo, iqm_hi = interval(samples, iqm).T
    q25, median, q75 = quartiles(samples)
    return Summaries(
        n=np.full(len(samples), samples.shape[1]),
        mean=means,
        mean_lo=mean_lo,
        mean_hi=mean_hi,
        std=std,
        median=median,
        median_lo=median_lo,
        median_hi=median_hi,
        q25=q25,
        q75=q75,
        iqm=middle(samples),
        iqm_lo=iqm_lo,
        iqm_hi=iqm_hi,
    )


def moments(samples: Array) -> tuple[Array, Array]:
    """Mean and std (ddof = 1) of each sample; both NaN where a value is infinite or there is none."""
    return mean_and_std(np.where(np.isfinite(samples).all(axis=1, keepdims=True), samples, np.nan).T)


def middle(samples: Array) -> Array:
    """The interquartile mean of each sample; tied values give exactly themselves. NaN without values."""
    if not samples.shape[1]:
        return np.full(len(samples), np.nan)
    lowest = samples.min(axis=1, keepdims=True)
    base = np.where(np.isfinite(lowest), lowest, 0.0)
    return np.asarray(base[:, 0] + iqm(samples - base, axis=-1))


def quartiles(samples: Array) -> tuple[Array, Array, Array]:
    """Lower quartile, median and upper quartile of each sample, linear between order statistics.

    Where infinite values lie next to each other, so does what is between them; between opposite ones it is NaN.
    """
    n = samples.shape[1]
    if not n:
        empty = np.full(len(samples), np.nan)
        return empty, empty, empty
    ordered = np.sort(samples, axis=1)
    at = [(n - 1) * share for share in (0.25, 0.5, 0.75)]
    first, second, third = (_between(ordered, int(place), place - int(place)) for place in at)
    return first, second, third


def median_interval(samples: Array) -> Array:
    """95 % intervals of the median from interpolated order statistics, whatever the distribution.

    Between the two pairs of order statistics whose exact (binomial) levels enclose 95 %, by the weight of
    Hettmansperger & Sheather 1986, "Confidence Intervals Based on Interpolated Order Statistics" (Statistics
    & Probability Letters 4). The bootstrap of a median has few distinct values, and its jackknife (so BCa) fails.
    `scipy.stats.quantile_test` does not interpolate: at n = 50 its level is 96.7 %.

    Returns:
        (k, 2), limits may be infinite; NaN for n < 6. Of discrete values it covers more than 95 %: closed
        limits fall on possible values, and the truth is one of them.
    """
    n = samples.shape[1]
    if n < LEAST:
        return np.full((len(samples), 2), np.nan)
    ordered = np.sort(samples, axis=1)
    # The k-th smallest and largest value enclose the median with probability 1 - 2 P(Bin(n, 1/2) < k).
    levels = 1 - 2 * stats.binom.cdf(np.arange(n // 2 + 1) - 1, n, 0.5)
    k = int(np.flatnonzero(levels >= LEVEL)[-1])
    share = (levels[k] - LEVEL) / (levels[k] - levels[k + 1])
    weight = (n - k) * share / (k + (n - 2 * k) * share)
    return np.stack([_between(ordered, k - 1, weight), -_between(-ordered[:, ::-1], k - 1, weight)], axis=1)


def _between(ordered: Array, place: int, weight: float) -> Array:
    """The value at a place of each row, or a share of the way to the next; inf where both are that."""
    low, high = ordered[:, place], ordered[:, min(place + 1, ordered.shape[1] - 1)]
    with np.errstate(invalid="ignore"):
        between = low + weight * (high - low)
    return np.asarray(np.where((low == high) | (weight == 0), low, between))
