"""Answers a job from a table: exactly what the table holds, or nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from benchmark.tables.table import Table
from benchmark.tuning.evaluation import Curves, TrainingResult
from benchmark.tuning.tuner import Job


def look_up(table: Table, column: int | None, job: Job) -> TrainingResult | None:
    """Look up the answer to a job; None where the table does not hold it: nothing is interpolated."""
    row = table.members.row(job.config)
    if row is None or column is None:
        return None
    question = row, column, job.start_epoch, job.epochs
    if question not in table.answers:
        table.answers[question] = _answer(table, *question)
    found: TrainingResult | None = table.answers[question]
    return found


def _answer(table: Table, row: int, column: int, start_epoch: int, asked: int) -> TrainingResult | None:
    cell = row, column
    known, diverged = table.reached.item(*cell), table.diverged.item(*cell)
    if known < asked and not (diverged and known):
        return None
    epochs = min(known, asked)
    start = min(start_epoch, epochs)
    valid, test = _read(table.valid, (*cell, slice(epochs))), _read(table.test, (*cell, slice(epochs)))
    ended = diverged and epochs == known
    if valid[-1] is None and not ended:
        return None
    added = (*cell, slice(start, epochs))
    # One that has diverged pays for an epoch when asked again.
    charged = (*cell, slice(min(start, epochs - 1), epochs))
    seconds = _sum(table.seconds[charged])
    valid_curve, test_curve = (valid[start:], test[start:]) if start else (valid, test)
    valid_metrics = _curves(table.values, added, table.valid, valid_curve) if table.declared else None
    test_metrics = _curves(table.test_values, added, table.test, test_curve) if table.declared else {}
    result = TrainingResult(
        state="diverged" if ended else "ok",
        epochs=epochs,
        valid_error=valid[-1],
        test_error=test[-1],
        valid_curve=valid_curve,
        test_curve=test_curve,
        train_seconds=seconds,
        paid_seconds=0.0,
        valid_metrics=valid_metrics,
        test_metrics={name: curve for name, curve in test_metrics.items() if curve.count(None) < len(curve)} or None,
        reported_seconds=_reported(table, charged, seconds),
    )
    return _of_one_training(table, result, (*cell, epochs - 1)) if table.unmeasured else result


def _reported(table: Table, cells: tuple[int, int, slice], seconds: float) -> float | None:
    """What the objective reports of some epochs, which took so many seconds."""
    if table.reported is None or table.reported is table.seconds:
        return None if table.reported is None else seconds
    return _sum(table.reported[cells])


def _sum(seconds: np.ndarray) -> float:
    """The sum as numpy makes it, which for one number takes longer than everything else here."""
    total: float = seconds.item() if len(seconds) == 1 else seconds.sum().item()
    return total


def _of_one_training(table: Table, result: TrainingResult, end: tuple[int, int, int]) -> TrainingResult:
    """Leave what other trainings have measured of earlier epochs out: each was trained to its own fidelity."""

    def last(curves: Curves | None) -> Curves | None:
        return None if curves is None else {name: _only_last(curve) for name, curve in curves.items()}

    return replace(
        result,
        valid_curve=_only_last(result.valid_curve),
        test_curve=_only_last(result.test_curve),
        train_seconds=table.seconds[end].item(),
        valid_metrics=last(result.valid_metrics),
        test_metrics=last(result.test_metrics),
        reported_seconds=None if table.reported is None else table.reported[end].item(),
    )


def _curves(
    values: Mapping[str, np.ndarray], cells: tuple[int, int, slice], first: np.ndarray, curve: list[float | None]
) -> Curves:
    """Metrics by name, an epoch each; of the first one the curve is there already."""
    return {name: curve if array is first else _read(array, cells) for name, array in values.items()}


def _read(values: np.ndarray, cells: tuple[int, int, slice]) -> list[float | None]:
    """The values of some epochs as floats, None for what is not known."""
    listed: list[Any] = values[cells].tolist()
    if math.isnan(sum(listed)):  # One of them is, or there are two infinities.
        return [None if math.isnan(value) else value for value in listed]
    return listed


def _only_last(curve: list[float | None]) -> list[float | None]:
    return [*[None] * (len(curve) - 1), *curve[-1:]]
