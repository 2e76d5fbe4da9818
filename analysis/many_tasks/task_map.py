"""The map of tasks and methods: what regret each method ends with on each task, and whether it beats the control."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd
from scipy import stats

from analysis.many_tasks.tasks import Task
from analysis.statistics.anytime import Array
from analysis.statistics.pairwise import balance, difference, holm, wilcoxon
from analysis.statistics.power.search import ALPHA
from analysis.statistics.summaries import median_interval, quartiles

TASK_MAP = (
    *("objective", "algorithm", "endpoint", "n", "median_regret", "low", "high"),
    *("difference", "n_paired", "p", "p_holm", "verdict"),
)
"""Columns of `task_map.csv`: one row for each task and method.

n finished runs have the median normalised regret median_regret at the horizon, with its 95 % interval. difference: the
median of the paired differences from the control's regrets over n_paired repetitions, negative where the method is
better; where repetitions are no pairs n_paired is 0, and it is the difference of the two medians. p: two-sided Wilcoxon
signed-rank test, or the Mann-Whitney test without pairs; p_holm: adjusted over the methods of the task; the verdict is
at 5 %.
"""

BETTER, WORSE, UNSHOWN, CONTROL = "better", "worse", "no difference shown", "control"


def task_map(tasks: Sequence[Task], control: str) -> pd.DataFrame:
    """One row for each task and method; columns `TASK_MAP`.

    Only p_holm and the verdict depend on the other methods. Tests are of the errors, which need no ends: on a task
    without them the regrets are empty, and the verdicts are there.

    Args:
        tasks: of a field.
        control: the method that the others are compared with.

    Raises:
        ValueError: no method of that name.
    """
    if tasks and control not in tasks[0].algorithms:
        raise ValueError(f"control = {control!r}: need one of {', '.join(tasks[0].algorithms)}")
    return pd.DataFrame([row for task in tasks for row in _of_task(task, control)], columns=list(TASK_MAP))


def _of_task(task: Task, control: str) -> Iterator[dict[str, Any]]:
    errors = task.finals
    against = errors[task.algorithms.index(control)]
    tested = [_test(task, own, against) for own in errors]
    p = [math.nan if name == control else test["p"] for name, test in zip(task.algorithms, tested, strict=True)]
    p_holm = holm(np.array(p))
    for name, own, test, adjusted in zip(task.algorithms, errors, tested, p_holm, strict=True):
        verdict = _verdict(test.pop("balance"), adjusted)
        if name == control:
            test, verdict = test | {"p": math.nan}, CONTROL
        yield {
            "objective": task.label,
            "algorithm": name,
            "endpoint": task.endpoint,
            **_median(task.regrets(own[~np.isnan(own)])),
            **test,
            "p_holm": adjusted,
            "verdict": verdict,
        }


def _median(regrets: Array) -> dict[str, float]:
    sample = regrets[np.newaxis]
    if not len(regrets) or np.isnan(regrets).any():
        return {"n": len(regrets), "median_regret": math.nan, "low": math.nan, "high": math.nan}
    [(low, high)] = median_interval(sample)
    return {"n": len(regrets), "median_regret": quartiles(sample)[1][0], "low": low, "high": high}


def _test(task: Task, own: Array, against: Array) -> dict[str, float]:
    if not task.paired:
        return _test_samples(task, own[~np.isnan(own)], against[~np.isnan(against)])
    differences = difference(own, against)
    there = ~np.isnan(differences)
    paired = differences[np.newaxis, there]
    if not there.any():
        return {"difference": math.nan, "n_paired": 0, "p": math.nan, "balance": 0.0}
    scale = task.typical - task.best if task.has_ends else math.nan
    return {
        "difference": float(quartiles(paired)[1][0]) / scale,
        "n_paired": int(there.sum()),
        "p": float(wilcoxon(paired)[0]),
        "balance": float(balance(paired)[0]),
    }


def _test_samples(task: Task, own: Array, against: Array) -> dict[str, float]:
    if not len(own) or not len(against):
        return {"difference": math.nan, "n_paired": 0, "p": math.nan, "balance": 0.0}
    scale = task.typical - task.best if task.has_ends else math.nan
    medians = [quartiles(sample[np.newaxis])[1][0] for sample in (own, against)]
    test = stats.mannwhitneyu(own, against, alternative="two-sided")
    return {
        "difference": float(difference(*np.array(medians))) / scale,
        "n_paired": 0,
        "p": 1.0 if math.isnan(float(test.pvalue)) else float(test.pvalue),
        "balance": float(test.statistic) / (len(own) * len(against)) - 0.5,
    }


def _verdict(signed_ranks: float, p_holm: float) -> str:
    if not p_holm <= ALPHA:
        return UNSHOWN
    return BETTER if signed_ranks < 0 else WORSE
