"""The win-rate matrix: how often one method beats another, over the repetitions of all tasks."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pandas as pd
from scipy import stats

from analysis.many_tasks.tasks import Task
from analysis.many_tasks.unpaired import win_share
from analysis.statistics.anytime import Array
from analysis.statistics.bootstrap import LEAST, LEVEL

WIN_RATES = ("algorithm", "other", "win_rate", "low", "high", "n_tasks", "n")
"""Columns of `win_rates.csv`: two rows a pair. n counts the repetitions, of n_tasks tasks, that both finished;
where they are no pairs, of each task the smaller number of finished runs."""


def win_rates(tasks: Sequence[Task]) -> pd.DataFrame:
    """How often each method has the smaller error at the horizon, ties counted half; columns `WIN_RATES`.

    The rate is the mean over tasks of the shares of their repetitions, or, where these are no pairs, of all pairs of
    runs. No pair of methods depends on any other.
    """
    finals = [(task.paired, task.finals) for task in tasks]
    rows = []
    for a, b in combinations(range(len(tasks[0].algorithms)) if tasks else (), 2):
        found = [_share(errors[a], errors[b], paired=paired) for paired, errors in finals]
        shares, variances, numbers = np.array([of_task for of_task in found if of_task[2]]).reshape(-1, 3).T
        if len(shares):
            first, second = tasks[0].algorithms[a], tasks[0].algorithms[b]
            rate, n = float(np.mean(shares)), int(numbers.sum())
            low, high = win_interval(shares, variances, n)
            counts = {"n_tasks": len(shares), "n": n}
            ours = {"win_rate": rate, "low": low, "high": high}
            theirs = {"win_rate": 1 - rate, "low": 1 - high, "high": 1 - low}
            rows.append((a, {"algorithm": first, "other": second, **ours, **counts}))
            rows.append((b, {"algorithm": second, "other": first, **theirs, **counts}))
    rows.sort(key=lambda row: row[0])  # Stable: the others stay in order.
    return pd.DataFrame([row for _, row in rows], columns=list(WIN_RATES))


def win_interval(shares: Array, variances: Array, n: int) -> tuple[float, float]:
    """A 95 % interval of the mean over tasks of a share, for tasks like these.

    Wilson's score interval with Student's quantile and an effective number of observations: that with which a
    share would have the variance of the two-level bootstrap, which is known without drawing,

        [ mean of (m_t - m)^2 + mean of v_t ] / T

    with m_t the share of task t and v_t its variance. It lies between the number of tasks T and that of all
    repetitions, so that a method which wins everywhere is not certain to do so on the next task.

    Args:
        shares: (T,) of each task.
        variances: (T,) of the shares, from the repetitions of each task.
        n: repetitions of all tasks.

    Returns:
        Lower and upper limit; NaN for fewer than `LEAST` tasks.
    """
    tasks = len(shares)
    if tasks < LEAST:
        return np.nan, np.nan
    share = float(shares.mean())
    variance = (shares.var() + variances.mean()) / tasks
    effective = share * (1 - share) / variance if variance > 0 else 0.0
    c = stats.t.ppf((1 + LEVEL) / 2, tasks - 1) ** 2 / min(max(effective, tasks), n)
    root = np.sqrt(c * (share * (1 - share) + c / 4))
    low, high = (share + c / 2 - root) / (1 + c), (share + c / 2 + root) / (1 + c)
    return max(float(low), 0.0), min(float(high), 1.0)


def _share(ours: Array, theirs: Array, *, paired: bool) -> tuple[float, float, int]:
    """The share of wins on a task, its variance, and the number of repetitions; both without a result is a tie."""
    if not paired:
        ours, theirs = ours[~np.isnan(ours)], theirs[~np.isnan(theirs)]
        n = min(len(ours), len(theirs))
        return (*win_share(ours, theirs), n) if n else (0.0, 0.0, 0)
    both = ~np.isnan(ours) & ~np.isnan(theirs)
    wins = (ours[both] < theirs[both]) + (ours[both] == theirs[both]) / 2
    return (float(wins.mean()), float(wins.var() / len(wins)), len(wins)) if len(wins) else (0.0, 0.0, 0)
