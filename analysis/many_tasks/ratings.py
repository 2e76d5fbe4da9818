"""Bradley-Terry strengths and Elo ratings of a field."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.special import expit

from analysis.many_tasks.mean_ranks import rank_field
from analysis.many_tasks.resampling import limits
from analysis.many_tasks.tasks import Task
from analysis.statistics.anytime import Array

RATINGS = ("algorithm", "strength", "elo", "low", "high", "n_tasks", "n")
"""Columns of `ratings.csv`: strength has the mean 0 over the field and natural logarithms; low and high are of elo."""

ELO_MEAN = 1500.0
ELO_SCALE = 400 / math.log(10)
"""Elo of one unit of strength: 400 points are odds of 10 to 1."""
MOST_STEPS = 100
ACCURACY = 1e-12


def ratings(tasks: Sequence[Task]) -> pd.DataFrame:
    """Rate the field by Bradley and Terry's model, P(a beats b) = 1 / (1 + exp(s_b - s_a)); columns `RATINGS`.

    Every two methods meet in the same blocks, so that the likelihood depends on each method's share of wins against all
    others alone, which is its mean rank: ratings are mean ranks on the scale of odds, and in the same order.
    Limits are by the two-level bootstrap. Where repetitions are no pairs, every run meets every other, and n is
    the smallest number of runs of any method on each task.
    """
    blocks = rank_field(tasks)
    if not blocks.sizes or len(blocks.algorithms) < 2:
        return pd.DataFrame(columns=list(RATINGS))
    wins = len(blocks.algorithms) - blocks.resampled()
    found = strengths(wins, sum(blocks.sizes))
    elo = ELO_MEAN + ELO_SCALE * found
    low, high = limits(elo[1:], len(blocks.sizes)).T
    return pd.DataFrame(
        {
            "algorithm": blocks.algorithms,
            "strength": found[0],
            "elo": elo[0],
            "low": low,
            "high": high,
            "n_tasks": len(blocks.sizes),
            "n": sum(blocks.sizes),
        },
        columns=list(RATINGS),
    )


def strengths(wins: Array, n: int) -> Array:
    """The maximum-likelihood strengths of Bradley and Terry (1952), by Newton's method.

    Every pair is given one more meeting, a tie, so that a method which always wins has a finite strength too.

    Args:
        wins: (m, k) for each of m fields the sum over the others of the share of meetings won, ties counted half.
        n: how often every two meet.

    Returns:
        (m, k) with mean 0 in every row.
    """
    k = wins.shape[1]
    wanted = (n * wins + (k - 1) / 2) / (n + 1)
    found = np.zeros_like(wanted)
    itself = np.eye(k, dtype=bool)
    for _ in range(MOST_STEPS):
        expected = expit(found[:, :, np.newaxis] - found[:, np.newaxis, :])
        expected[:, itself] = 0.0
        curvature = -expected * expected.swapaxes(1, 2)
        curvature[:, itself] = -curvature.sum(axis=2)
        # A common shift of all strengths changes nothing; 1 / k in every place fixes it at none.
        step = np.linalg.solve(curvature + 1 / k, (wanted - expected.sum(axis=2))[:, :, np.newaxis])[:, :, 0]
        largest = np.abs(step).max(axis=1, keepdims=True)
        found += step / np.maximum(largest, 1.0)  # Never more than 1 at once, for full steps may overshoot.
        if largest.max() <= ACCURACY:
            break
    return np.asarray(found - found.mean(axis=1, keepdims=True))
