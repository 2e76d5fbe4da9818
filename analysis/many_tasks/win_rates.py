"""The win-rate matrix: how often one method beats another, over the repetitions of all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.many_tasks.tasks import Task
from analysis.statistics.anytime import Array
from analysis.statistics.bootstrap import LEAST, LEVEL

WIN_RATES = ("algorithm", "other", "win_rate", "low", "high", "n_tasks", "n")
"""Columns of `win_rates.csv`: two rows a pair. n counts the repetitions, of n_tasks tasks, that both finished."""


def win_rates(tasks: Sequence[Task]) -> pd.DataFrame:
    """How often each method has the smaller error at the horizon, ties counted half; columns `WIN_RATES`.

    The rate is the mean over tasks of the shares of their repetitions. No pair depends on any other.
    """
    finals = [task.finals for task in tasks]
    rows = []
    for a, b in combinations(range(len(tasks[0].algorithms)) if tasks else (), 2):
        wins = [_wins(errors[a], errors[b]) for errors in finals]
        wins = [of_task for of_task in wins if len(of_task)]
        if wins:
            first, second = tasks[0].algorithms[a], tasks[0].algorithms[b]
            rate, (low, high) = float(np.mean([of_task.mean() for of_task in wins])), win_interval(wins)
            counts = {"n_tasks": len(wins), "n": sum(map(len, wins))}
            ours = {"win_rate": rate, "low": low, "high": high}
            theirs = {"win_rate": 1 - rate, "low": 1 - high, "high": 1 - low}
            rows.append((a, {"algorithm": first, "other": second, **ours, **counts}))
            rows.append((b, {"algorithm": second, "other": first, **theirs, **counts}))
    rows.sort(key=lambda row: row[0])  # Stable: the others stay in order.
    return pd.DataFrame([row for _, row in rows], columns=list(WIN_RATES))


def win_interval(wins: Sequence[Array]) -> tuple[float, float]:
    """A 95 % interval of the mean over tasks of a share, for tasks like these.

    Wilson's score interval with Student's quantile and an effective number of observations: that with which a
    share would have the variance of the two-level bootstrap, which is known without drawing,

        [ mean of (m_t - m)^2 + mean of s_t^2 / R_t ] / T

    with m_t and s_t^2 mean and variance (divisor R_t) within task t. It lies between the number of tasks T and that of
    all repetitions, so that a method which wins everywhere is not certain to do so on the next task.

    Args:
        wins: for each task the outcomes of its repetitions: 1, 1/2 or 0.

    Returns:
        Lower and upper limit; NaN for fewer than `LEAST` tasks.
    """
    n = len(wins)
    if n < LEAST:
        return np.nan, np.nan
    means = np.array([of_task.mean() for of_task in wins])
    share = float(means.mean())
    variance = (means.var() + np.mean([of_task.var() / len(of_task) for of_task in wins])) / n
    effective = share * (1 - share) / variance if variance > 0 else 0.0
    c = stats.t.ppf((1 + LEVEL) / 2, n - 1) ** 2 / min(max(effective, n), sum(map(len, wins)))
    root = np.sqrt(c * (share * (1 - share) + c / 4))
    low, high = (share + c / 2 - root) / (1 + c), (share + c / 2 + root) / (1 + c)
    return max(float(low), 0.0), min(float(high), 1.0)


def _wins(ours: Array, theirs: Array) -> Array:
    """The outcomes of those repetitions that both finished; both without a result is a tie."""
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    return np.asarray((ours[both] < theirs[both]) + (ours[both] == theirs[both]) / 2)
