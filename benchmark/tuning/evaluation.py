"""The result of training one job, and its record in the ledger."""

from __future__ import annotations

import math
import sys
import traceback
from dataclasses import dataclass
from typing import Any

from benchmark.errors import one_line, short_repr
from benchmark.reproducibility.seeding import config_digest
from benchmark.tuning.tuner import Job
from objectives.epoch import Epoch

LONGEST_PROBLEM = 4000
LONGEST_EPOCH = 1e9
"""Seconds that an epoch may report to have taken: 31 years. Tables and simulations report other seconds than pass."""

WITHOUT_RESULT = ("error", "crashed", "timeout")
"""States of evaluations that have no error; one that diverged has the chance error."""

_EXPECTED = (
    "need an objectives.objective.Epoch(valid_error=..., test_error=..., seconds=...) for every epoch that is asked "
    "for; test_error=None where there is no test set"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """The result of training one job.

    Attributes:
        state: "ok"; "diverged" (the errors are the chance error); "error" (training raised; both
            errors are None); "crashed" (training killed its process; likewise); "timeout" (training took longer
            than the suite allows; likewise).
        epochs: the epoch reached.
        valid_curve: validation error of every epoch trained now, in order.
        test_curve: likewise for the test error, None where it is not known.
        train_seconds: measured; of a timeout the seconds allowed, however late it was noticed.
        paid_seconds: measured seconds spent on this record alone; 0 when the trial was known.
        problem: type, text and traceback of what was raised.
    """

    state: str
    epochs: int
    valid_error: float | None
    test_error: float | None
    valid_curve: list[float]
    test_curve: list[float | None]
    train_seconds: float
    paid_seconds: float
    problem: str | None = None


def checked_epoch(epoch: object, before: int, chance_error: float) -> Epoch:
    """Check an epoch that training yielded after `before` others; the errors of one that diverged are the chance error.

    It has diverged if it says so, or if its validation error is NaN or infinite. A test error that is NaN or
    infinite beside a finite validation error is not known: the test never decides what an algorithm learns.

    Raises:
        TypeError, ValueError: it is no epoch, or holds something else than numbers.
    """
    if not isinstance(epoch, Epoch):
        raise TypeError(f"training gave {short_repr(epoch)} after {before} epochs: {_EXPECTED}")
    field = f"epoch {before + 1}: "
    allowed = f"a number in 0..{LONGEST_EPOCH:.0f}"
    seconds = _number(f"{field}seconds", epoch.seconds, allowed)
    if not 0 <= seconds <= LONGEST_EPOCH:
        raise ValueError(f"{field}seconds = {epoch.seconds!r}, need {allowed}")
    valid = _number(f"{field}valid_error", epoch.valid_error, "a number")
    test = None if epoch.test_error is None else _number(f"{field}test_error", epoch.test_error, "a number or None")
    diverged = bool(epoch.diverged) or not math.isfinite(valid)
    if diverged:
        valid, test = chance_error, None if test is None else chance_error
    elif test is not None and not math.isfinite(test):
        test = None
    return Epoch(valid_error=valid, test_error=test, seconds=seconds, diverged=diverged)


def _number(field: str, value: Any, expected: str) -> float:
    """Return a value as a Python float; a truth value is none, since it is most often a comparison by mistake."""
    if isinstance(value, str | bytes | bytearray | bool) or str(getattr(value, "dtype", "")).endswith("bool"):
        raise TypeError(f"{field} = {short_repr(value)}, need {expected}")
    try:
        return float(value)
    except (TypeError, ValueError, RuntimeError, OverflowError) as error:
        raise TypeError(f"{field} = {short_repr(value)}, need {expected} ({one_line(error)})") from error


def failed_training(job: Job, state: str, problem: str, seconds: float, paid: float) -> TrainingResult:
    """Return the result of a training that raised, crashed or took too long."""
    return TrainingResult(
        state=state,
        epochs=job.start_epoch,
        valid_error=None,
        test_error=None,
        valid_curve=[],
        test_curve=[],
        train_seconds=seconds,
        paid_seconds=paid,
        problem=problem,
    )


def is_device_failure(error: BaseException) -> bool:
    """Whether the device has failed: every later training on it would too, so it is no trial's own problem."""
    torch = sys.modules.get("torch")  # A process without it has trained on no device.
    return torch is not None and isinstance(error, torch.AcceleratorError)


def describe_problem(error: BaseException) -> str:
    """Return type, text and the end of the traceback, even of an exception whose own text raises."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # The exception's __str__ is third-party code.
        text = type(error).__name__
    return text[-LONGEST_PROBLEM:]


def evaluation_record(
    job: Job, result: TrainingResult, runtime: float, modelled_seconds: float | None
) -> dict[str, Any]:
    """Return the ledger's record of one evaluation.

    Args:
        job: what was asked for.
        result: of its training.
        runtime: seconds charged on the suite's clock.
        modelled_seconds: price by the suite's calibration, or None without one.
    """
    record: dict[str, Any] = {
        "kind": "evaluation",
        "index": job.index,
        "trial": job.trial,
        "digest": config_digest(job.config)[:16],
        "config": job.config,
        "start_epoch": job.start_epoch,
        "epochs": result.epochs,
        "asked_epochs": job.epochs,
        "state": result.state,
        "valid_error": result.valid_error,
        "test_error": result.test_error,
        "valid_curve": result.valid_curve,
        "test_curve": result.test_curve,
        "train_seconds": result.train_seconds,
        "paid_seconds": result.paid_seconds,
        "decide_seconds": job.decide_seconds,
        "modelled_seconds": modelled_seconds,
        "start": job.start,
        "end": job.start + runtime,
    }
    return record if result.problem is None else {**record, "problem": result.problem}


class ImpureTrial(Exception):
    """A trial was trained again and came out otherwise than recorded."""
