"""Selects what a run has come to: its incumbent, and the front of its trade-offs, by the analysis' rule."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

from benchmark.storage.ledger_format import Record
from benchmark.suite.model import Budget
from benchmark.tuning.record_replay import RecordedOutcomes
from objectives.task import Task, non_dominated

MOST_MEMBERS = 10
"""Members of a front that are trained again for each run, the two ends among them."""


def select_incumbent(evaluations: Iterable[Record], budget: Budget, task: Task) -> Record | None:
    """Select the incumbent at the end of a run.

    The least error in validation of what completed within the budget and is feasible, the earliest of ties; None where
    there is none.
    """
    feasible = [record for record, metrics in _counted(evaluations, budget, task) if task.is_feasible(metrics)]
    return min(feasible, key=lambda record: record["valid_error"], default=None)


def select_front(evaluations: Iterable[Record], budget: Budget, task: Task) -> list[Record]:
    """Select the front at the end of a run: feasible evaluations that no other one dominates in validation.

    They are in the order of the first optimised metric, best first. Of a front of more than `MOST_MEMBERS` so many are
    taken, evenly by their rank in that order. Empty where but one metric is optimised.
    """
    if not task.is_multi_objective:
        return []
    feasible = [(record, task.errors(m)) for record, m in _counted(evaluations, budget, task) if task.is_feasible(m)]
    points = {vector: record for record, vector in reversed(feasible) if vector is not None}  # The earliest of equals.
    keep = non_dominated(list(points))
    return _evenly([points[vector] for vector in sorted(v for v, kept in zip(points, keep, strict=True) if kept)])


def _counted(
    evaluations: Iterable[Record], budget: Budget, task: Task
) -> Iterator[tuple[Record, Mapping[str, float | None]]]:
    """Yield what came to a result within the budget, in the order of its end, with the metrics that it has reached."""
    outcomes = RecordedOutcomes(task.metrics[0])
    reached = {record["index"]: (record, outcomes.outcome(record).metrics) for record in evaluations}
    epochs = 0
    for record, metrics in sorted(reached.values(), key=lambda pair: (pair[0]["end"], pair[0]["index"])):
        epochs += record["epochs"] - record["start_epoch"]
        counted = record["end"] <= (budget.runtime or math.inf) and epochs <= (budget.epochs or math.inf)
        if counted and metrics is not None:
            yield record, metrics


def _evenly(records: Sequence[Record]) -> list[Record]:
    """Take at most `MOST_MEMBERS` of some records, evenly spread, the first and the last among them."""
    if len(records) <= MOST_MEMBERS:
        return list(records)
    step = (len(records) - 1) / (MOST_MEMBERS - 1)
    return [records[round(step * number)] for number in range(MOST_MEMBERS)]
