"""How well the advice does on a task that it has not seen, beside one method for all tasks and beside the oracle."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.many_tasks.advice import BUDGETS, advised, groups, merged, task_ranks
from analysis.many_tasks.mean_ranks import rank_blocks
from analysis.many_tasks.tasks import Task, taking_part
from analysis.statistics.anytime import Array
from analysis.statistics.bootstrap import interval, mean
from analysis.statistics.pairwise import difference
from analysis.statistics.summaries import quartiles

ADVICE_HELD_OUT = (
    *("objective", "fraction", "tasks", "n_tasks", "advised", "always", "oracle"),
    *("advised_regret", "always_regret", "oracle_regret", "advised_rank", "always_rank", "oracle_rank"),
)
"""Columns of `advice_held_out.csv`: one row for each task and budget. advised and always are chosen on other tasks: the
best mean rank on the n_tasks like this one, and on all of them. oracle has the least median error on the task itself.
`_regret` is the median normalised regret there, `_rank` the mean rank."""

ADVICE_SUMMARY = (
    *("fraction", "n_tasks", "advised_regret", "always_regret", "oracle_regret", "difference", "low", "high"),
    *("n_better", "n_worse", "best_single", "best_single_regret"),
)
"""Columns of `advice_summary.csv`: means over the tasks with ends of those regrets. difference: advised less always,
negative where the advice helps, with its 95 % interval over tasks, and empty where one of them is infinite; n_better
and n_worse count tasks. best_single is the one method with the least mean regret over all tasks, chosen with hindsight.
"""


def advice_held_out(tasks: Sequence[Task], features: pd.DataFrame) -> pd.DataFrame:
    """Leave out one task at a time, and follow the advice of the others on it; columns `ADVICE_HELD_OUT`.

    Args:
        tasks: of a field.
        features: columns `FEATURES`, one row for each task at least.
    """
    rows = [row for fraction in BUDGETS for row in _at(tasks, features, fraction)]
    return pd.DataFrame(rows, columns=list(ADVICE_HELD_OUT))


def advice_summary(tasks: Sequence[Task], held_out: pd.DataFrame) -> pd.DataFrame:
    """Take the means over tasks of what `advice_held_out` found; columns `ADVICE_SUMMARY`."""
    rows = []
    for fraction in sorted(set(held_out["fraction"])):
        known = held_out[held_out["fraction"] == fraction].dropna(subset=["oracle_regret"])
        if len(known):
            rows.append({"fraction": fraction, **_summary(known), **_best_single(tasks, known["objective"], fraction)})
    return pd.DataFrame(rows, columns=list(ADVICE_SUMMARY))


def _at(tasks: Sequence[Task], features: pd.DataFrame, fraction: float) -> Iterator[dict[str, Any]]:
    blocks = rank_blocks(tasks, fraction)
    known, ranked = groups(features), task_ranks(blocks)
    for task in tasks:
        others = {label: known[label] for label in ranked if label != task.label}
        if task.label not in ranked or not others:
            continue
        group, labels = merged(known[task.label], others)
        errors = _medians(task.errors_after(fraction)[taking_part(tasks)])
        chosen = {"advised": advised(ranked, labels), "always": advised(ranked, list(others))}
        chosen["oracle"] = int(errors.argmin())
        regrets = task.regrets(errors)
        yield {
            "objective": task.label,
            "fraction": fraction,
            "tasks": str(group),
            "n_tasks": len(labels),
            **{name: blocks.algorithms[place] for name, place in chosen.items()},
            **{f"{name}_regret": regrets[place] for name, place in chosen.items()},
            **{f"{name}_rank": ranked[task.label][place] for name, place in chosen.items()},
        }


def _medians(errors: Array) -> Array:
    """(k,) medians over the finished runs of each method."""
    return np.array([quartiles(own[~np.isnan(own)][np.newaxis])[1][0] for own in errors])


def _summary(known: pd.DataFrame) -> dict[str, Any]:
    regrets = {name: known[f"{name}_regret"].to_numpy() for name in ("advised", "always", "oracle")}
    differences = difference(regrets["advised"], regrets["always"])
    [(low, high)] = interval(differences[np.newaxis], mean)
    return {
        "n_tasks": len(known),
        **{f"{name}_regret": values.mean() for name, values in regrets.items()},
        "difference": mean(differences, axis=0),
        "low": low,
        "high": high,
        "n_better": int((differences < 0).sum()),
        "n_worse": int((differences > 0).sum()),
    }


def _best_single(tasks: Sequence[Task], labels: pd.Series, fraction: float) -> dict[str, Any]:
    used = [task for task in tasks if task.label in set(labels)]
    regrets = np.array([task.regrets(_medians(task.errors_after(fraction))) for task in used]).mean(axis=0)
    best = int(np.where(np.isnan(regrets), np.inf, regrets).argmin())
    return {"best_single": used[0].algorithms[best], "best_single_regret": regrets[best]}
