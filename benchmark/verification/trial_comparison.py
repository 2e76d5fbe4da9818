"""What an audit says of a trial or a run: identical, close, or different, and where it first differs."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from benchmark.storage.ledger_format import Record

IDENTICAL, CLOSE, DIFFERENT = "identical", "close", "different"

ENDED = ("ok", "diverged")
"""States of an evaluation that came to errors."""

LARGEST_TOTAL = 1_000_000
"""Rows of the largest set whose size is told from its errors: beyond, float64 leaves several sizes possible."""

_RAISED = re.compile(r"^([A-Za-z_][\w.]*)(?=:|$)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Divergence:
    """The first thing that is not as recorded.

    Attributes:
        evaluation: its index in the run.
        epoch: the first epoch that differs, counted from 1; None when it is no matter of an epoch.
        field: what differs.
    """

    evaluation: int
    field: str
    recorded: Any
    now: Any
    epoch: int | None = None

    def told(self) -> str:
        """On one line."""
        epoch = "" if self.epoch is None else f", epoch {self.epoch}"
        return f"evaluation {self.evaluation}{epoch}: {self.field} was {self.recorded!r} and is now {self.now!r}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TrialComparison:
    """How a trial that was trained again compares with its records.

    Attributes:
        verdict: identical to the bit, close (no error further off than the tolerance), or different.
        largest: largest difference between two errors of the same epoch.
        wrong: the same in wrongly classified rows, where errors are counts of a known total.
        divergence: the first difference, None when identical.
    """

    verdict: str
    largest: float
    wrong: int | None
    divergence: Divergence | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RetrainedTrial:
    """A configuration that was trained again, as far as some trial was trained.

    Attributes:
        curve: validation and test error by epoch.
        ends: what training until an epoch came to, by the epoch asked for.
        problem: why there is nothing, when its training could not be carried out.
    """

    curve: Mapping[int, tuple[float, float]]
    ends: Mapping[int, Record]
    problem: str | None = None


def equal_bits(recorded: Any, now: Any) -> bool:
    """Whether two JSON values are equal to the bit: -0.0 is not 0.0, nor 1 1.0."""
    return json.dumps(recorded, sort_keys=True) == json.dumps(now, sort_keys=True)


def compare_trial(
    recorded: Sequence[Record], again: RetrainedTrial, tolerance: float, totals: tuple[int | None, int | None]
) -> TrialComparison:
    """Hold the evaluations of a trial against its training now.

    Args:
        recorded: in order; a promoted trial has several.
        again: the same configuration in the same repetition.
        tolerance: largest difference of an error that is still close.
        totals: rows of the validation and of the test set, where known.
    """
    gaps = [gap for record in recorded for gap in _gaps(record, again)]
    ends = [end for record in recorded if (end := _end(record, again)) is not None]
    differences = [gap for gap in gaps if not equal_bits(gap.recorded, gap.now)]
    first = min([*differences, *ends], key=_place, default=None)
    largest = max((abs(gap.recorded - gap.now) for gap in differences), default=0.0)
    verdict = IDENTICAL if first is None else DIFFERENT if ends or not largest <= tolerance else CLOSE
    return TrialComparison(verdict=verdict, largest=largest, wrong=_wrong(differences, totals), divergence=first)


def total_of(errors: Iterable[float]) -> int | None:
    """The least number of rows of which all errors are exact shares, or None where there is none.

    An objective does not say how many rows it counts errors on; a few errors do.
    """
    distinct, total = sorted(set(errors)), 1
    for error in distinct:
        if not 0.0 <= error <= 1.0:
            return None
        total = math.lcm(total, Fraction(error).limit_denominator(LARGEST_TOTAL).denominator)
        if total > LARGEST_TOTAL:
            return None
    exact = all(round(error * total) / total == error for error in distinct)
    return total if exact and total > 1 else None


def exception_type(problem: object) -> str | None:
    """The type that a recorded problem's traceback ends with, or the problem itself where it is one line."""
    lines = str(problem or "").strip().splitlines()
    if len(lines) < 2:
        return lines[0] if lines else None
    last_frame = max((place for place, line in enumerate(lines) if line.startswith('  File "')), default=-1)
    found = (match.group(1) for line in lines[last_frame + 1 :] if (match := _RAISED.match(line)))
    return next(found, lines[-1])


def _gaps(record: Record, again: RetrainedTrial) -> list[Divergence]:
    """Both errors of every epoch that is recorded and was reached again."""
    found = []
    for place, pair in enumerate(zip(record["valid_curve"], record["test_curve"], strict=True)):
        epoch = record["start_epoch"] + place + 1
        for field, old, new in zip(("valid_error", "test_error"), pair, again.curve.get(epoch, ()), strict=False):
            found.append(Divergence(evaluation=record["index"], epoch=epoch, field=field, recorded=old, now=new))
    return found


def _end(record: Record, again: RetrainedTrial) -> Divergence | None:
    """How an evaluation ended otherwise than recorded, or None."""
    now = again.ends.get(record["asked_epochs"])
    if now is None:
        told = again.problem or "not trained"
        return Divergence(evaluation=record["index"], field="state", recorded=record["state"], now=told)
    fields = {"state": (record["state"], now["state"])}
    if record["state"] == now["state"] and record["state"] in ENDED:
        fields["epochs"] = record["epochs"], now["epochs"]
        final = again.curve.get(record["epochs"], (None, None))
        if record["valid_curve"]:  # Edited with its checksum, a record may contradict its own curve.
            fields["valid_error"] = record["valid_error"], record["valid_curve"][-1]
            fields["test_error"] = record["test_error"], record["test_curve"][-1]
        else:
            fields["valid_error"], fields["test_error"] = zip(_errors(record), final, strict=True)
        fields["length of the curve"] = len(record["valid_curve"]), record["epochs"] - record["start_epoch"]
    elif record["state"] == now["state"]:
        fields["problem"] = exception_type(record.get("problem")), exception_type(now.get("problem"))
    differing = ((name, *pair) for name, pair in fields.items() if not equal_bits(*pair))
    return next((_ended(record, *values) for values in differing), None)


def _errors(record: Record) -> tuple[float | None, float | None]:
    return record["valid_error"], record["test_error"]


def _ended(record: Record, field: str, recorded: Any, now: Any) -> Divergence:
    epoch = record["epochs"] if field in ("state", "epochs") and record["state"] in ENDED else None
    return Divergence(evaluation=record["index"], epoch=epoch, field=field, recorded=recorded, now=now)


def _place(divergence: Divergence) -> tuple[int, float]:
    return divergence.evaluation, math.inf if divergence.epoch is None else divergence.epoch


def _wrong(differences: Sequence[Divergence], totals: tuple[int | None, int | None]) -> int | None:
    """The largest difference in wrong counts; 0 where nothing differs, None where counts are unknown."""
    by_field = dict(zip(("valid_error", "test_error"), totals, strict=True))
    counts = [
        None if (total := by_field[gap.field]) is None else abs(round(gap.recorded * total) - round(gap.now * total))
        for gap in differences
    ]
    return None if None in counts else max((count for count in counts if count is not None), default=0)
