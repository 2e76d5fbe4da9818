"""The result of training one job, and its record in the ledger."""

from __future__ import annotations

import math
import sys
import traceback
from dataclasses import dataclass, replace
from typing import Any

from benchmark.reproducibility.seeding import config_digest
from benchmark.tuning.tuner import Job
from objectives.epoch import Epoch
from objectives.native_value import native_scalar

LONGEST_PROBLEM = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """The result of training one job.

    Attributes:
        state: "ok"; "diverged" (both errors are the chance error); "error" (training raised; both
            errors are None); "crashed" (training killed its process; likewise); "timeout" (training took longer
            than the suite allows; likewise).
        epochs: the epoch reached.
        valid_curve: validation error of every epoch trained now, in order.
        test_curve: likewise for the test error.
        train_seconds: measured; of a timeout the seconds allowed, however late it was noticed.
        paid_seconds: measured seconds spent on this record alone; 0 when the trial was known.
        problem: type, text and traceback of what was raised.
    """

    state: str
    epochs: int
    valid_error: float | None
    test_error: float | None
    valid_curve: list[float]
    test_curve: list[float]
    train_seconds: float
    paid_seconds: float
    problem: str | None = None


def checked_epoch(epoch: object, before: int) -> Epoch:
    """Check an epoch that training yielded after `before` others; with an error that is no number, it has diverged.

    Raises:
        TypeError, ValueError: it is no epoch, or its seconds are no finite number >= 0.
    """
    if not isinstance(epoch, Epoch):
        raise TypeError(f"training gave {epoch!r} after {before} epochs: need an objectives.objective.Epoch")
    for name in ("valid_error", "test_error"):
        error = getattr(epoch, name)
        if type(error) is not float and isinstance(native_scalar(error), bool):
            raise TypeError(f"epoch {before + 1}: {name} = {error!r}, need a number; a truth value is none")
    if not 0 <= epoch.seconds < math.inf:
        raise ValueError(f"epoch {before + 1}: seconds = {epoch.seconds!r}, need a finite number >= 0")
    if math.isfinite(epoch.valid_error) and math.isfinite(epoch.test_error):
        return epoch
    return replace(epoch, diverged=True)


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
