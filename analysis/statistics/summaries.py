"""What a sample of repetitions is summarised by: moments, quantiles, interquartile mean, and their intervals."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from statistics import mean as exact_mean

import numpy as np
from scipy import stats

from analysis.statistics.anytime import Array, mean_and_std
from analysis.statistics.bootstrap import LEAST, LEVEL, TRIMMED, interval, iqm, mean
from analysis.statistics.quantiles import between, quantile


@dataclass(frozen=True, slots=True, kw_only=True)
class Summaries:
    """Summaries of k samples, all of shape (k,), in the units of the values; limits are of 95 % intervals.

    Attributes:
        n: how many values.
        mean: NaN where a value is infinite.
        mean_lo, mean_hi: BCa at the expanded level (`analysis.statistics.bootstrap`).
        std: ddof = 1; NaN where the mean is, and for a single value.
        median: the middle value, or the mean of the middle two; NaN between -inf and inf.
        median_lo, median_hi: interpolated order statistics (`median_interval`).
        q25, q75: quartiles, linear between order statistics (`analysis.statistics.quantiles`).
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
    """The interquartile mean of each sample, rounded correctly. NaN without values, and with both infinities in it."""
    cut = int(TRIMMED * samples.shape[1])
    ordered = np.sort(samples, axis=1)[:, cut : samples.shape[1] - cut]
    return np.array([exact_mean(row) if len(row) else np.nan for row in ordered.tolist()], dtype=np.float64)


def quartiles(samples: Array) -> tuple[Array, Array, Array]:
    """Lower quartile, median and upper quartile of each sample (see `quantile`); NaN without values."""
    if not samples.shape[1]:
        empty = np.full(len(samples), np.nan)
        return empty, empty, empty
    ordered = np.sort(samples, axis=1)
    first, second, third = (quantile(ordered, Fraction(quarters, 4)) for quarters in (1, 2, 3))
    return first, second, third


def median_interval(samples: Array) -> Array:
    """95 % intervals of the median from interpolated order statistics, whatever the distribution.

    Between the two pairs of order statistics whose exact (binomial) levels enclose 95 %, by the weight of
    Hettmansperger & Sheather 1986, "Confidence Intervals Based on Interpolated Order Statistics" (Statistics
    & Probability Letters 4). The bootstrap of a median has few distinct values, and its jackknife (so BCa) fails.
    `scipy.stats.quantile_test` does not interpolate: at n = 50 its level is 96.7 %.

    Returns:
        (k, 2), limits may be infinite, and are where one lies between -inf and inf; NaN for n < 6. Of discrete
        values it covers more than 95 %: closed limits fall on possible values, and the truth is one of them.
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
    ends = (between(values[:, k - 1], values[:, k], weight) for values in (ordered, -ordered[:, ::-1]))
    low, high = (np.where(np.isnan(end), -np.inf, end) for end in ends)
    return np.stack([low, -high], axis=1)
