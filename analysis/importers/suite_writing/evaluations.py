"""Ledger records of the trials of a study that another tool recorded, in the order in which they ended."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from analysis.importers.studies.foreign_study import ForeignMetric, ForeignStudy, ForeignTrial, Report
from benchmark.errors import BadInput, short_repr
from benchmark.storage.ledger_format import Record

LONGEST_CURVE = 10_000
"""Epochs of a learning curve that a record holds; of a longer one only the last value is kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evaluation:
    """A stretch of a trial's training that ended at a known time.

    Attributes:
        reports: those of the stretch; the last one is its result, unless the state says that nothing came of it.
        problem: why nothing did.
    """

    trial: ForeignTrial
    start_epoch: int
    epochs: int
    state: str
    reports: tuple[Report, ...]
    start: float | None
    end: float
    problem: str = ""


def evaluation_records(study: ForeignStudy) -> list[Record]:
    """The records of a study's evaluations, in the order of (end, trial, epoch).

    A trial has one for each of its timed reports, and, unless it is still running, one for what it came to without:
    pruned, failed, or reports whose times are not known, which end with the trial.

    Raises:
        BadInput: a time that is missing, or goes backwards.
    """
    where = f"study {study.name!r}"
    found = [
        evaluation
        for trial in study.trials
        for evaluation in _evaluations(f"{where}: trial {trial.number}", study.metrics[0], trial)
    ]
    found.sort(key=lambda evaluation: (evaluation.end, evaluation.trial.number, evaluation.epochs))
    return [_record(study.metrics, evaluation, index) for index, evaluation in enumerate(found)]


def _evaluations(where: str, metric: ForeignMetric, trial: ForeignTrial) -> Iterator[_Evaluation]:
    start, epoch, waiting = trial.start, 0, list[Report]()
    for report in trial.reports:
        if report.epoch < max([epoch, *(earlier.epoch for earlier in waiting)]):
            raise BadInput(f"{where}: epoch {report.epoch} is reported after a later one, epochs must not decrease")
        waiting.append(report)
        if report.seconds is not None:
            yield _timed(where, metric, trial, epoch, waiting, start, report.seconds)
            start, epoch, waiting = report.seconds, report.epoch, []
    if trial.state == "running":
        return
    if trial.state == "failed":
        yield _rest(where, trial, epoch, waiting, start, "error", "the trial failed")
    elif trial.state == "pruned" and (waiting or not epoch):
        yield _rest(where, trial, epoch, waiting, start, "pruned", "")
    elif waiting and trial.end is not None:
        yield _timed(where, metric, trial, epoch, waiting, start, trial.end)
    elif waiting or not epoch:
        yield _rest(where, trial, epoch, waiting, start, "error", "it ended without a result")


def _timed(
    where: str,
    metric: ForeignMetric,
    trial: ForeignTrial,
    epoch: int,
    reports: Sequence[Report],
    start: float | None,
    end: float,
) -> _Evaluation:
    """The evaluation that a report ends; one without a finite value came to nothing."""
    value = reports[-1].values.get(metric.name, math.nan)
    if math.isfinite(value):
        return _checked(where, trial, epoch, reports, start, end, "ok", "")
    return _checked(where, trial, epoch, reports, start, end, "error", f"{metric.name} = {value}")


def _rest(
    where: str,
    trial: ForeignTrial,
    epoch: int,
    reports: Sequence[Report],
    start: float | None,
    state: str,
    problem: str,
) -> _Evaluation:
    """The evaluation of what a trial came to after its last timed report."""
    end = trial.end if trial.end is not None else start if trial.reports else None
    if end is None:
        raise BadInput(f"{where}: when it ended is not recorded, so it has no place on the runtime axis")
    return _checked(where, trial, epoch, reports, start, end, state, problem)


def _checked(
    where: str,
    trial: ForeignTrial,
    epoch: int,
    reports: Sequence[Report],
    start: float | None,
    end: float,
    state: str,
    problem: str,
) -> _Evaluation:
    begin = 0.0 if start is None else start
    if not (math.isfinite(begin) and math.isfinite(end) and 0.0 <= begin <= end):
        raise BadInput(
            f"{where}: it goes on from {begin:g} s and ends at {end:g} s of its study: need times that go forward"
        )
    return _Evaluation(
        trial=trial,
        start_epoch=epoch,
        epochs=reports[-1].epoch if reports else epoch,
        state=state,
        reports=tuple(reports),
        start=start,
        end=end,
        problem=problem,
    )


def _record(metrics: Sequence[ForeignMetric], evaluation: _Evaluation, index: int) -> Record:
    first, reports = metrics[0], evaluation.reports
    last = reports[-1].values if reports else {}
    value = last.get(first.name, math.nan)
    known = evaluation.state != "error" and math.isfinite(value)
    curves = {metric.name: _curve(metric.name, evaluation) for metric in metrics}
    curve = [None if point is None else _error(first, point) for point in curves[first.name]]
    return {
        "kind": "evaluation",
        "index": index,
        "trial": evaluation.trial.number,
        "config": {str(name): plain_value(value) for name, value in evaluation.trial.config.items()},
        "start_epoch": evaluation.start_epoch,
        "epochs": evaluation.epochs,
        "state": evaluation.state,
        "valid_error": _error(first, value) if known else None,
        "test_error": None,
        "valid_curve": curve,
        "test_curve": [None for _ in curve],
        "valid_metrics": {} if evaluation.state == "error" else _last_values(curves, last),
        "train_seconds": None,
        "decide_seconds": None,
        "paid_seconds": None,
        "start": evaluation.start,
        "end": evaluation.end,
        **({"problem": evaluation.problem} if evaluation.problem else {}),
    }


def _error(metric: ForeignMetric, value: float) -> float:
    """A value as something to minimise; zero has no sign."""
    return 0.0 - value if metric.goal == "max" else 0.0 + value


def _curve(name: str, evaluation: _Evaluation) -> list[float | None]:
    """Values by epoch of the stretch, None of what was not reported; without a value at its end it is shorter."""
    if evaluation.epochs - evaluation.start_epoch > LONGEST_CURVE:
        return []
    by_epoch: dict[int, float] = {}
    for report in evaluation.reports:  # A tool may report the last epoch, and then give the trial another value.
        value = report.values.get(name, math.nan)
        if math.isfinite(value):
            by_epoch.setdefault(report.epoch, value)
    last = max(by_epoch, default=evaluation.start_epoch)
    return [by_epoch.get(epoch) for epoch in range(evaluation.start_epoch + 1, last + 1)]


def _last_values(
    curves: Mapping[str, Sequence[float | None]], last: Mapping[str, float]
) -> dict[str, list[float | None]]:
    """The values of every metric by epoch, the last of which is what the evaluation came to."""
    return {
        name: [*curve[:-1], last[name] if math.isfinite(last.get(name, math.nan)) else None]
        for name, curve in curves.items()
    }


def plain_value(value: Any) -> Any:
    """A hyperparameter's value as JSON has it: as it is where it can be, else its text."""
    if hasattr(value, "item") and getattr(value, "shape", None) == ():
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return short_repr(value)
    return value
