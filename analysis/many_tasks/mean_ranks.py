"""Mean ranks over tasks: methods are ranked within each repetition of each task, at any share of the budget."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from analysis.many_tasks.resampling import limits, resampled
from analysis.many_tasks.tasks import Task, taking_part
from analysis.many_tasks.unpaired import Samples, independent_samples
from analysis.statistics.anytime import Array
from analysis.statistics.ranks import ranks

FRACTIONS = tuple(step / 20 for step in range(1, 21))
"""Shares of the budget at which ranks are taken over it."""

MEAN_RANKS = ("algorithm", "mean_rank", "low", "high", "n_tasks", "n")
"""Columns of `mean_ranks.csv`: n counts (task, repetition), the blocks within which ranks are taken;
where repetitions are no pairs, the runs of the algorithm."""

RANK_OVER_BUDGET = ("algorithm", "fraction", "mean_rank", "low", "high", "n_tasks", "n", "n_defined")
"""Columns of `rank_over_budget.csv`: n_defined counts those of the n runs that have a result by then; the others share
the last ranks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Ranks in every block that all methods finished which take part: those with any finished run.

    Attributes:
        algorithms: k labels.
        by_task: for each task with such a block (repetitions, k) ranks: 1 is best, ties share their mean rank, and so
            do runs without a result the last ones.
        n_defined: (k,) integers, how many of the runs have a result.
    """

    algorithms: tuple[str, ...]
    by_task: Mapping[str, Array]
    n_defined: Array

    @property
    def sizes(self) -> tuple[int, ...]:
        """How many blocks each task has."""
        return tuple(map(len, self.by_task.values()))

    @property
    def runs(self) -> Array:
        """(k,) integers, the runs of each algorithm."""
        return np.full(len(self.algorithms), sum(self.sizes))

    def resampled(self) -> Array:
        """(1 + resamples, k) mean ranks, every task having the same weight: of the sample, and of each resample."""
        return resampled(np.concatenate(list(self.by_task.values())), self.sizes)

    def of(self, labels: Collection[str]) -> Blocks:
        """Those of some tasks."""
        return replace(self, by_task={label: ranked for label, ranked in self.by_task.items() if label in labels})


def rank_blocks(tasks: Sequence[Task], fraction: float = 1.0) -> Blocks:
    """Rank the runs of every repetition of every task by their errors at a share of the budget.

    An algorithm without any finished run takes no part; a block that another one has not finished is left out.
    """
    there = taking_part(tasks)
    errors = {task.label: _complete(task.errors_after(fraction)[there]) for task in tasks}
    return Blocks(
        algorithms=tuple(np.array(tasks[0].algorithms, dtype=object)[there]) if tasks else (),
        by_task={label: ranks(rows) for label, rows in errors.items() if rows.size},
        n_defined=np.sum([np.isfinite(rows).sum(axis=0) for rows in errors.values()], axis=0),
    )


def rank_field(tasks: Sequence[Task], fraction: float = 1.0) -> Blocks | Samples:
    """Rank within repetitions where they are pairs, else what rank to expect of runs that are drawn independently."""
    if all(task.paired for task in tasks):
        return rank_blocks(tasks, fraction)
    return independent_samples(tasks, fraction)


def mean_ranks(tasks: Sequence[Task]) -> pd.DataFrame:
    """Mean ranks at the horizon, every task having the same weight; columns `MEAN_RANKS`.

    Limits are by the two-level bootstrap, NaN for fewer than 6 tasks. Ranks depend on who takes part.
    """
    return pd.DataFrame(_rows(rank_field(tasks)), columns=list(MEAN_RANKS))


def rank_over_budget(tasks: Sequence[Task]) -> pd.DataFrame:
    """Mean ranks at `FRACTIONS` of the horizon, one method after the other; columns `RANK_OVER_BUDGET`."""
    rows = []
    for fraction in FRACTIONS:
        blocks = rank_field(tasks, fraction)
        for place, row in enumerate(_rows(blocks)):
            rows.append((place, {**row, "fraction": fraction, "n_defined": int(blocks.n_defined[place])}))
    rows.sort(key=lambda row: row[0])
    return pd.DataFrame([row for _, row in rows], columns=list(RANK_OVER_BUDGET))


def _complete(errors: Array) -> Array:
    """(blocks, k) the errors of those repetitions that all k algorithms have finished."""
    return np.asarray(errors.T[~np.isnan(errors).any(axis=0)])


def _rows(blocks: Blocks | Samples) -> list[dict[str, Any]]:
    if not blocks.by_task:
        return []
    drawn = blocks.resampled()
    n_tasks = len(blocks.sizes)
    return [
        {"algorithm": name, "mean_rank": mean, "low": low, "high": high, "n_tasks": n_tasks, "n": n}
        for name, mean, (low, high), n in zip(
            *(blocks.algorithms, drawn[0].tolist(), limits(drawn[1:], n_tasks).tolist(), blocks.runs.tolist()),
            strict=True,
        )
    ]
