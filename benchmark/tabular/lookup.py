"""Answers a job from a table: exactly what the table holds, or nothing."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

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
    valid, test = _known(table.valid[cell][:epochs]), _known(table.test[cell][:epochs])
    ended = diverged and epochs == known
    if valid[-1] is None and not ended:
        return None
    added = (*cell, slice(start, epochs))
    charged = (
        *cell,
        slice(min(start, epochs - 1), epochs),
    )  # One that has diverged pays for an epoch when asked again.
    result = TrainingResult(
        state="diverged" if ended else "ok",
        epochs=epochs,
        valid_error=valid[-1],
        test_error=test[-1],
        valid_curve=valid[start:],
        test_curve=test[start:],
        train_seconds=table.seconds[charged].sum().item(),
        paid_seconds=0.0,
        valid_metrics=_curves(table.values, added) if table.declared else None,
        test_metrics=_known_curves(table.test_values, added) if table.declared else None,
        reported_seconds=None if table.reported is None else table.reported[charged].sum().item(),
    )
    return _of_one_training(table, result, (*cell, epochs - 1)) if table.unmeasured else result


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


def _curves(values: Mapping[str, np.ndarray], cells: tuple[int, int, slice]) -> Curves:
    """Metrics by name, an epoch each."""
    return {name: _known(array[cells]) for name, array in values.items()}


def _known_curves(values: Mapping[str, np.ndarray], cells: tuple[int, int, slice]) -> Curves | None:
    """Those of the metrics that are known in any of the epochs; None where there are none."""
    curves = {name: curve for name, curve in _curves(values, cells).items() if any(x is not None for x in curve)}
    return curves or None


def _known(values: np.ndarray) -> list[float | None]:
    """The values as floats, None for what is not known."""
    return [None if math.isnan(value) else value for value in values.tolist()]


def _only_last(curve: list[float | None]) -> list[float | None]:
    return [*[None] * (len(curve) - 1), *curve[-1:]]
