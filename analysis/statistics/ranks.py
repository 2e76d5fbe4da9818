"""Ranks within each repetition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from analysis.statistics.anytime import Array
from analysis.statistics.bootstrap import interval, mean


@dataclass(frozen=True, slots=True, kw_only=True)
class MeanRanks:
    """Mean ranks of k algorithms.

    Attributes:
        n: (k,) repetitions over which ranks were averaged, the same for all that take part; 0 for those that do not.
        mean: (k,) 1 is best, NaN where n is 0.
        lo, hi: (k,) 95 % BCa interval at the expanded level, repetitions drawn jointly; NaN for n < 6.
    """

    n: Array
    mean: Array
    lo: Array
    hi: Array


def ranks(losses: Array) -> Array:
    """Ranks of algorithms within each repetition (`scipy.stats.rankdata`).

    Args:
        losses: (n, k), lower is better; repetitions x algorithms without NaN.

    Returns:
        (n, k): 1 is best, ties share their average rank, and so do failures (+inf) the worst ones.
    """
    return np.asarray(stats.rankdata(losses, method="average", axis=1), dtype=np.float64)


def mean_ranks(losses: Array) -> MeanRanks:
    """Rank in each repetition, then average: the mean of ranks, not the rank of means.

    Args:
        losses: (n, k), lower is better, +inf: failed, NaN: no finished run. An algorithm without any takes no part;
            of the others those repetitions count that all of them have finished, for a run that is not
            there has not lost.
    """
    there = ~np.isnan(losses).all(axis=0)
    complete = losses[:, there]
    complete = complete[~np.isnan(complete).any(axis=1)]
    n, means = np.zeros(len(there), dtype=np.int64), np.full(len(there), np.nan)
    limits = np.full((len(there), 2), np.nan)
    if len(complete) and there.any():
        ranked = np.ascontiguousarray(ranks(complete).T)
        n[there], means[there], limits[there] = len(complete), ranked.mean(axis=1), interval(ranked, mean)
    return MeanRanks(n=n, mean=means, lo=limits[:, 0], hi=limits[:, 1])
