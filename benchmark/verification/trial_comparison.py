"""Compares a recorded trial with its retraining: identical, close or different, and where it first differs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from dataclasses import field as attribute
from typing import Any

from benchmark.storage.ledger_format import Record

IDENTICAL, CLOSE, DIFFERENT = "identical", "close", "different"

TRAINED = ("ok", "diverged")
"""States of an evaluation that has errors."""

ERRORS = ("valid_error", "test_error")

_EXCEPTION = re.compile(r"^([A-Za-z_][\w.]*)(?=:|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first value that is not as recorded.

    Attributes:
        evaluation: its index in the run.
        epoch: the first epoch that differs, counted from 1; None when no epoch differs.
        field: what differs.
    """

    evaluation: int
    field: str
    recorded: Any
    now: Any
    epoch: int | None = None

    def describe(self) -> str:
        epoch = "" if self.epoch is None else f", epoch {self.epoch}"
        return f"evaluation {self.evaluation}{epoch}: {self.field} was {self.recorded!r} and is now {self.now!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialComparison:
    """How a trial that was trained again compares with its records.

    Attributes:
        verdict: identical to the bit, close (no error further off than the tolerance), or different.
        largest: largest difference between two errors or metrics of the same epoch.
        wrong: the same in wrongly classified rows; None where the objective's errors count no rows.
        divergence: the first difference, None when identical.
    """

    verdict: str
    largest: float
    wrong: int | None
    divergence: Divergence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainedTrial:
    """A configuration that was trained again.

    Attributes:
        curve: validation and test error by epoch; a test error that is not known is None.
        ends: the evaluation that ended at an epoch, by the epoch asked for.
        metrics: validation metrics by epoch and name, of an objective that declares any.
        problem: why there is none, when the training could not be carried out.
    """

    curve: dict[int, tuple[float, float | None]]
    ends: dict[int, Record]
    problem: str | None = None
    metrics: dict[int, dict[str, float | None]] = attribute(default_factory=dict)


def equal_bits(recorded: Any, now: Any) -> bool:
    """Return whether two JSON values are equal to the bit: -0.0 is not 0.0, nor 1 1.0."""
    return json.dumps(recorded, sort_keys=True) == json.dumps(now, sort_keys=True)


def compare_trial(
    recorded: Sequence[Record],
    again: RetrainedTrial,
    tolerance: float,
    rows: tuple[int, int] | None,
    measured: Collection[str] = (),
) -> TrialComparison:
    """Compare the evaluations of a trial with its retraining.

    Args:
        recorded: in order; a promoted trial has several.
        again: the same configuration in the same repetition.
        tolerance: largest difference of an error that is still close.
        rows: that validation and test errors count, if they do.
        measured: metrics that are times or the like, and are not compared.
    """
    errors = [difference for record in recorded for difference in _error_differences(record, again)]
    ends = [difference for record in recorded for difference in _end_differences(record, again)]
    others = [difference for record in recorded for difference in _metric_differences(record, again, measured)]
    first = min([*errors, *others, *ends], key=lambda one: (one.evaluation, one.epoch or math.inf), default=None)
    largest = max(map(_distance, [*errors, *others]), default=0.0)
    verdict = IDENTICAL if first is None else DIFFERENT if ends or not largest <= tolerance else CLOSE
    return TrialComparison(verdict=verdict, largest=largest, wrong=_wrong_rows(errors, rows), divergence=first)


def exception_type(problem: object) -> str | None:
    """Return the type of exception that a recorded traceback ends with; a problem of one line is returned as it is."""
    text = str(problem or "").strip()
    if "\n" not in text:
        return text or None
    last_frame = text.rpartition('\n  File "')[2].partition("\n")[2]
    exception = _EXCEPTION.search(last_frame)
    return exception[1] if exception else text.splitlines()[-1]


def _error_differences(record: Record, again: RetrainedTrial) -> Iterator[Divergence]:
    """Yield the errors that differ, of every epoch that is recorded and was reached again."""
    curve = zip(record["valid_curve"], record["test_curve"], strict=True)
    for epoch, recorded in enumerate(curve, start=record["start_epoch"] + 1):
        for field, old, new in zip(ERRORS, recorded, again.curve.get(epoch, ()), strict=False):
            if not equal_bits(old, new) and not _is_untested(field, old):
                yield Divergence(evaluation=record["index"], epoch=epoch, field=field, recorded=old, now=new)


def metric_values(record: Record) -> Iterator[tuple[int, str, float | None]]:
    """Yield epoch, name and value of every validation metric in a record."""
    for name, curve in record.get("valid_metrics", {}).items():
        for epoch, value in enumerate(curve, start=record["start_epoch"] + 1):
            yield epoch, name, value


def _metric_differences(record: Record, again: RetrainedTrial, measured: Collection[str]) -> Iterator[Divergence]:
    """Yield the metrics that differ, of every epoch that was reached again."""
    for epoch, name, old in metric_values(record):
        values = again.metrics.get(epoch, {})
        if name not in measured and name in values and not equal_bits(old, values[name]):
            field = f"metric {name}"
            yield Divergence(evaluation=record["index"], epoch=epoch, field=field, recorded=old, now=values[name])


def _is_untested(field: str, recorded: Any) -> bool:
    """Whether a record lacks a test error; retraining tests every trial, a run may have tested its incumbents alone."""
    return field == "test_error" and recorded is None


def _end_differences(record: Record, again: RetrainedTrial) -> Iterator[Divergence]:
    """Yield how an evaluation ended otherwise than recorded."""
    now = again.ends.get(record["asked_epochs"])
    pairs: dict[str, tuple[Any, Any]]
    if now is None:
        pairs = {"state": (record["state"], again.problem or "not trained")}
    elif record["state"] != now["state"]:
        pairs = {"state": (record["state"], now["state"])}
    elif record["state"] not in TRAINED:
        pairs = {"problem": (exception_type(record.get("problem")), exception_type(now.get("problem")))}
    else:
        # A record that was edited with its checksum may contradict its own curve.
        own_end = list(zip(record["valid_curve"], record["test_curve"], strict=True))[-1:]
        valid, test = own_end[0] if own_end else again.curve.get(record["epochs"], (None, None))
        pairs = {
            "epochs": (record["epochs"], now["epochs"]),
            "valid_error": (record["valid_error"], valid),
            "test_error": (record["test_error"], test),
            "length of the curve": (len(record["valid_curve"]), record["epochs"] - record["start_epoch"]),
        }
    for field, (old, new) in pairs.items():
        if not equal_bits(old, new) and not _is_untested(field, old):
            epoch = record["epochs"] if field in ("state", "epochs") and record["state"] in TRAINED else None
            yield Divergence(evaluation=record["index"], epoch=epoch, field=field, recorded=old, now=new)


def _distance(difference: Divergence) -> float:
    """Return by how much an error differs; infinity where one of the two is not known."""
    if difference.recorded is None or difference.now is None:
        return math.inf
    return abs(float(difference.recorded) - float(difference.now))


def _wrong_rows(differences: Sequence[Divergence], rows: tuple[int, int] | None) -> int | None:
    """Return the largest difference in wrongly classified rows."""
    if rows is None or not all(math.isfinite(_distance(difference)) for difference in differences):
        return None if differences else 0
    total = dict(zip(ERRORS, rows, strict=True))
    counts = [
        (round(difference.recorded * total[difference.field]), round(difference.now * total[difference.field]))
        for difference in differences
    ]
    return max((abs(recorded - now) for recorded, now in counts), default=0)
