"""Friedman's test over tasks, and Nemenyi's critical difference of mean ranks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

from analysis.many_tasks.tasks import Task
from analysis.statistics.anytime import Array
from analysis.statistics.ranks import ranks
from analysis.statistics.summaries import quartiles

ALPHA = 0.05

CRITICAL_DIFFERENCE = ("algorithm", "mean_rank", "n_tasks", "critical_difference", "chi2", "f", "p")
"""Columns of `critical_difference.csv`: ranks of each task's medians. Two methods whose mean ranks differ by less than
the critical difference are not told apart by Nemenyi's test at 5 %; chi2 is Friedman's statistic, f and p are of Iman
and Davenport's, for all methods at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Friedman:
    """Friedman's test of k methods on n tasks (Demšar, JMLR 7, 2006, section 3.2.2).

    Attributes:
        n: tasks.
        mean_ranks: (k,) of each task's losses, 1 is best.
        chi2, p_chi2: Friedman's statistic corrected for ties, and its p with k - 1 degrees of freedom.
        f, p: Iman and Davenport's, which is less conservative, with k - 1 and (k - 1)(n - 1) degrees of freedom.
        critical_difference: of two mean ranks, by Nemenyi at 5 %.
        p_nemenyi: (k, k) for every two, 1 on the diagonal.
    """

    n: int
    mean_ranks: Array
    chi2: float
    p_chi2: float
    f: float
    p: float
    critical_difference: float
    p_nemenyi: Array


def friedman(losses: Array) -> Friedman:
    """Test whether methods differ over tasks, which are the blocks: never repetitions of one task.

    Args:
        losses: (n, k) one number a task and method, less is better, +inf allowed and no NaN; n >= 2, k >= 2.
    """
    n, k = losses.shape
    ranked = ranks(losses)
    means = ranked.mean(axis=0)
    spread = float(((ranked - (k + 1) / 2) ** 2).sum())  # Without ties n k (k^2 - 1) / 12.
    chi2 = (k - 1) * n**2 * float(((means - (k + 1) / 2) ** 2).sum()) / spread if spread else 0.0
    rest = n * (k - 1) - chi2
    f = (n - 1) * chi2 / rest if rest > 1e-9 * n * (k - 1) else math.inf
    unit = math.sqrt(k * (k + 1) / (6 * n))
    distances = np.abs(means[:, np.newaxis] - means) / unit * math.sqrt(2)
    return Friedman(
        n=n,
        mean_ranks=means,
        chi2=chi2,
        p_chi2=float(stats.chi2.sf(chi2, k - 1)),
        f=f,
        p=float(stats.f.sf(f, k - 1, (k - 1) * (n - 1))),
        critical_difference=float(stats.studentized_range.ppf(1 - ALPHA, k, np.inf)) / math.sqrt(2) * unit,
        p_nemenyi=np.asarray(stats.studentized_range.sf(distances, k, np.inf)),
    )


def median_losses(tasks: Sequence[Task]) -> pd.DataFrame:
    """Tasks x methods: the median error at the horizon over finished runs; tasks that every method has finished."""
    medians = {
        task.label: [float(quartiles(own[~np.isnan(own)][np.newaxis])[1][0]) for own in task.finals] for task in tasks
    }
    columns = list(tasks[0].algorithms) if tasks else []
    return pd.DataFrame.from_dict(medians, orient="index", columns=columns).dropna()


def critical_difference(tasks: Sequence[Task]) -> pd.DataFrame:
    """The mean rank over tasks of each method's median, with Friedman's test; columns `CRITICAL_DIFFERENCE`.

    Empty with fewer than two tasks that all methods have finished, or fewer than two methods.
    """
    losses = median_losses(tasks)
    if min(losses.shape) < 2:
        return pd.DataFrame(columns=list(CRITICAL_DIFFERENCE))
    test = friedman(losses.to_numpy(dtype=np.float64))
    columns = {"algorithm": losses.columns, "mean_rank": test.mean_ranks, "n_tasks": test.n}
    columns |= {"critical_difference": test.critical_difference, "chi2": test.chi2, "f": test.f, "p": test.p}
    return pd.DataFrame(columns, columns=list(CRITICAL_DIFFERENCE))
