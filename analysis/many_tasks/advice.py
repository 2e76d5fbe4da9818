"""Which method for a task: the best mean rank on tasks like it, at several budgets."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pandas as pd

from analysis.many_tasks.mean_ranks import Blocks, rank_blocks
from analysis.many_tasks.resampling import limits
from analysis.many_tasks.tasks import Task
from analysis.statistics.anytime import Array

FEATURES = ("objective", "dimension", "fidelity", "n_workers")
"""Columns of a frame of features, one row a task: number of hyperparameters, whether it has learning curves, so that a
trial may train for a part of its epochs, and how many simulated workers a run had."""

ADVICE = (
    *("dimension", "fidelity", "n_workers", "fraction", "tasks", "n_tasks"),
    *("algorithm", "mean_rank", "low", "high", "not_worse"),
)
"""Columns of `advice.csv`. The first three say which tasks a row is for, fraction which share of the budget. tasks says
whose ranks decided, n_tasks how many they are: a group of fewer than 3 is merged with those beside it. not_worse lists
the methods whose mean rank is not shown to be worse: the interval of the difference has 0 in it, or there is none."""

BUDGETS = (0.125, 0.25, 0.5, 1.0)
DIMENSIONS = ((4, "<= 4"), (7, "5 to 7"), (math.inf, "> 7"))
CURVES = {True: "with curves", False: "without curves"}
FEWEST = 3
"""Tasks below which a group is merged upward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """Tasks that are alike; what is None may be anything.

    Attributes:
        dimension: one of the names in `DIMENSIONS`.
        fidelity: whether there are learning curves.
        n_workers: simulated workers of a run.
    """

    n_workers: int | None = None
    fidelity: bool | None = None
    dimension: str | None = None

    def holds(self, other: Group) -> bool:
        """Whether tasks with the features of another group are in this one."""
        return (
            self.n_workers in (None, other.n_workers)
            and self.fidelity in (None, other.fidelity)
            and self.dimension in (None, other.dimension)
        )

    def wider(self) -> Iterator[Group]:
        """This group, and what it is merged into: any dimension, with or without curves too, and at last all tasks."""
        yield self
        yield Group(n_workers=self.n_workers, fidelity=self.fidelity)
        yield Group(n_workers=self.n_workers)
        yield Group()

    def __str__(self) -> str:
        named = [f"dimension {self.dimension}"] if self.dimension is not None else []
        named += [CURVES[self.fidelity]] if self.fidelity is not None else []
        named += [f"{self.n_workers} workers"] if self.n_workers not in (None, 1) else []
        return ", ".join(named) or "all tasks"


def groups(features: pd.DataFrame) -> dict[str, Group]:
    """The narrowest group of each task, by its label.

    Raises:
        ValueError: a column is missing.
    """
    missing = [name for name in FEATURES if name not in features]
    if missing:
        raise ValueError(f"features: no column {', '.join(missing)}: need {', '.join(FEATURES)}")
    return {
        row["objective"]: Group(
            n_workers=int(row["n_workers"]),
            fidelity=bool(row["fidelity"]),
            dimension=next(name for most, name in DIMENSIONS if row["dimension"] <= most),
        )
        for row in features.to_dict("records")
    }


def merged(group: Group, known: Mapping[str, Group], fewest: int = FEWEST) -> tuple[Group, list[str]]:
    """The narrowest group around one that has enough tasks, and the labels of these; all tasks where none has."""
    for wider in group.wider():
        labels = [label for label, other in known.items() if wider.holds(other)]
        if len(labels) >= fewest:
            return wider, labels
    return Group(), list(known)


def advice(tasks: Sequence[Task], features: pd.DataFrame) -> pd.DataFrame:
    """For every kind of task and `BUDGETS` the method with the best mean rank; columns `ADVICE`.

    Args:
        tasks: of a field.
        features: columns `FEATURES`, one row for each task at least.
    """
    known = _known(tasks, groups(features))
    workers = sorted({group.n_workers for group in known.values() if group.n_workers is not None})
    kinds = [
        Group(n_workers=number, fidelity=fidelity, dimension=dimension)
        for number, fidelity, (_, dimension) in product(workers, (True, False), DIMENSIONS)
    ]
    rows = [row for fraction in BUDGETS for row in _at(rank_blocks(tasks, fraction), fraction, kinds, known)]
    return pd.DataFrame(rows, columns=list(ADVICE))


def _known(tasks: Sequence[Task], known: Mapping[str, Group]) -> dict[str, Group]:
    """The groups of the tasks.

    Raises:
        ValueError: a task without features.
    """
    for task in tasks:
        if task.label not in known:
            raise ValueError(f"features: no row for {task.label}")
    return {task.label: known[task.label] for task in tasks}


def _at(
    blocks: Blocks, fraction: float, kinds: Sequence[Group], known: Mapping[str, Group]
) -> Iterator[dict[str, Any]]:
    ranked = {label: group for label, group in known.items() if label in blocks.by_task}
    found: dict[Group, dict[str, Any]] = {}
    for kind in kinds if ranked else ():
        group, labels = merged(kind, ranked)
        if group not in found:
            found[group] = {"tasks": str(group), "n_tasks": len(labels), **_best(blocks.of(labels))}
        asked = {"dimension": kind.dimension, "fidelity": kind.fidelity, "n_workers": kind.n_workers}
        yield {**asked, "fraction": fraction, **found[group]}


def _best(blocks: Blocks) -> dict[str, Any]:
    drawn, n_tasks = blocks.resampled(), len(blocks.sizes)
    best = int(drawn[0].argmin())
    low, high = limits(drawn[1:, best], n_tasks)
    least = limits(drawn[1:] - drawn[1:, [best]], n_tasks)[:, 0]
    rivals = [name for name, worse in zip(blocks.algorithms, least > 0, strict=True) if not worse]
    name = blocks.algorithms[best]
    rivals.remove(name)
    return {"algorithm": name, "mean_rank": drawn[0, best], "low": low, "high": high, "not_worse": "; ".join(rivals)}


def task_ranks(blocks: Blocks) -> dict[str, Array]:
    """(k,) mean ranks over the repetitions of each task."""
    return {label: ranked.mean(axis=0) for label, ranked in blocks.by_task.items()}


def advised(mean_ranks: Mapping[str, Array], labels: Sequence[str]) -> int:
    """The place of the method with the best mean rank over some tasks, the first of equals."""
    return int(np.mean([mean_ranks[label] for label in labels], axis=0).argmin())
