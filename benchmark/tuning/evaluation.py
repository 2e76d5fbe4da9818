"""The result of training one job, and its record in the ledger."""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmark.errors import nearest_match, one_line, short_repr
from benchmark.reproducibility.seeding import config_digest
from benchmark.tuning.tuner import Job
from objectives.epoch import NOT_GIVEN, Epoch, TrainingCrashed, TrainingTimedOut
from objectives.metric import Metric, is_classic
from objectives.native_value import single_value

LONGEST_PROBLEM = 4000
LONGEST_EPOCH = 1e9
"""Seconds that an epoch may report to have taken: 31 years. Tables and simulations report other seconds than pass."""

WITHOUT_RESULT = ("error", "crashed", "timeout")
"""States of evaluations that have no error; one that diverged has the chance error."""

_EXPECTED = "need an objectives.objective.Epoch(valid_error=..., ...) for every epoch that is asked for"

Curves = dict[str, list[float | None]]
"""A metric's values by name, an epoch each; None: not measured."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingResult:
    """The result of training one job.

    Attributes:
        state: "ok"; "diverged" (the errors are the chance error); "error" (training raised; both
            errors are None); "crashed" (training killed its process; likewise); "timeout" (training took longer
            than the suite allows; likewise).
        epochs: the epoch reached.
        valid_curve: validation error of every epoch trained now, in order; None after one that was not measured.
        test_curve: likewise for the test error, None where it is not known.
        train_seconds: measured; of a timeout the seconds allowed, however late it was noticed.
        paid_seconds: measured seconds spent on this record alone; 0 when the trial was known.
        problem: type, text and traceback of what was raised.
        valid_metrics: validation metrics of every epoch trained now; None for an objective that declares none.
        test_metrics: likewise of the test set; None where there are none.
        reported_seconds: what the objective reports that the training took; None where it reports nothing.
    """

    state: str
    epochs: int
    valid_error: float | None
    test_error: float | None
    valid_curve: list[float | None]
    test_curve: list[float | None]
    train_seconds: float
    paid_seconds: float
    problem: str | None = None
    valid_metrics: Curves | None = None
    test_metrics: Curves | None = None
    reported_seconds: float | None = None


def checked_epoch(
    epoch: object, before: int, metrics: Sequence[Metric], label: str, constrained: Collection[str] = ()
) -> Epoch:
    """Check an epoch that training yielded after `before` others; one that diverged is worth the chance values.

    It has diverged if it says so, or if a validation metric is NaN or infinite. A test metric that is NaN or
    infinite beside finite validation metrics is not known: the test never decides what an algorithm learns.

    Args:
        epoch: what training yielded.
        before: number of epochs before it.
        metrics: that the objective declares.
        label: what messages call the objective.
        constrained: names of metrics that only have to be within bounds, for which no chance value is needed.

    Raises:
        TypeError, ValueError: no epoch, no numbers, other metrics than are declared, or no chance value that is needed.
    """
    if not isinstance(epoch, Epoch):
        raise TypeError(f"training gave {short_repr(epoch)} after {before} epochs: {_EXPECTED}")
    if epoch.skipped:
        return epoch
    field = f"epoch {before + 1}: "
    seconds = _checked_seconds(field, epoch.seconds)
    reported = None if epoch.reported_seconds is None else _checked_seconds(field, epoch.reported_seconds)
    first, classic = metrics[0], is_classic(metrics)
    if classic and epoch.metrics is None:
        valid, test = _checked_errors(epoch, field)
    else:
        valid, test = _checked_metrics(epoch, metrics, f"{label}, {field}")
    diverged = bool(epoch.diverged) or not all(value is None or math.isfinite(value) for value in valid.values())
    if diverged:
        valid, test = _chance_values(valid, test, metrics, f"{label}, {field}", constrained)
    test = {name: value if value is not None and math.isfinite(value) else None for name, value in test.items()}
    error, test_value = valid[first.name], test.get(first.name)
    assert error is not None, "_checked_metrics refuses a first metric that is None"
    return Epoch(
        valid_error=first.to_error(error),
        test_error=None if test_value is None else first.to_error(test_value),
        seconds=seconds,
        diverged=diverged,
        metrics=None if classic else valid,
        test_metrics=None if classic or not test else test,
        reported_seconds=reported,
    )


def _checked_seconds(field: str, seconds: float) -> float:
    allowed = f"a number in 0..{LONGEST_EPOCH:.0f}"
    number = _number(f"{field}seconds", seconds, allowed)
    if 0 <= number <= LONGEST_EPOCH:
        return number
    raise ValueError(f"{field}seconds = {seconds!r}, need {allowed}")


_Values = dict[str, float | None]
"""Metrics by name; None: not measured, or not known."""


def _checked_errors(epoch: Epoch, field: str) -> tuple[_Values, _Values]:
    """Return an epoch's validation and test error under the name of the one metric."""
    test = None if epoch.test_error is None else _number(f"{field}test_error", epoch.test_error, "a number or None")
    if epoch.valid_error is NOT_GIVEN:
        return {}, {"error": test}
    return {"error": _number(f"{field}valid_error", epoch.valid_error, "a number")}, {"error": test}


def _checked_metrics(epoch: Epoch, metrics: Sequence[Metric], field: str) -> tuple[_Values, _Values]:
    """Return an epoch's validation and test metrics, as far as it has any; both hold declared metrics alone."""
    names = [metric.name for metric in metrics]
    declared = f"declared are {', '.join(names)}"
    if epoch.metrics is None and not epoch.diverged:
        raise ValueError(f"{field}it has a valid_error and no metrics, {declared}: yield Epoch(metrics={{...}})")
    for given in (epoch.metrics or {}, epoch.test_metrics or {}):
        if not isinstance(given, Mapping):
            raise TypeError(f"{field}metrics = {short_repr(given)}: need a mapping of numbers by name, {declared}")
        unknown = next((name for name in given if name not in names), None)
        if unknown is not None:
            remedy = f"{nearest_match(unknown, names)}; declare it among the objective's metrics, or leave it out"
            raise ValueError(f"{field}the metric {short_repr(unknown)} is not declared, {declared}{remedy}")
    missing = next((name for name in names if name not in (epoch.metrics or {})), None)
    if missing is not None and not epoch.diverged:
        remedy = f"{declared}; give it, None where it was not measured, or do not declare it"
        raise ValueError(f"{field}the metric {missing!r} is missing, {remedy}")
    valid, test = _numbers(epoch.metrics or {}, field), _numbers(epoch.test_metrics or {}, f"{field}test ")
    if valid.get(names[0], 0.0) is None:
        raise ValueError(f"{field}the metric {names[0]!r} is None: algorithms see the first metric, so measure it")
    return valid, test


def _numbers(values: Mapping[str, Any], field: str) -> _Values:
    return {name: v if v is None else _number(f"{field}{name}", v, "a number or None") for name, v in values.items()}


def checked_test(values: Mapping[str, Any], metrics: Sequence[Metric], label: str) -> _Values:
    """Check test metrics that were asked for by themselves; one that is not finite is not known.

    Raises:
        TypeError, ValueError: other metrics than are declared, or something else than numbers.
    """
    epoch = Epoch(metrics={metric.name: 0.0 for metric in metrics}, test_metrics=values)
    _, test = _checked_metrics(epoch, metrics, f"{label}, test: ")
    return {name: value if value is not None and math.isfinite(value) else None for name, value in test.items()}


def _chance_values(
    valid: _Values, test: _Values, metrics: Sequence[Metric], field: str, constrained: Collection[str]
) -> tuple[_Values, _Values]:
    """Return what a trial is worth that has diverged: the chance values, of the test where it has one.

    Raises:
        ValueError: a metric that must have a chance value has none: one that is optimised, or one that is lost.
    """
    for metric in metrics:
        value = valid.get(metric.name)
        lost = value is not None and not math.isfinite(value)
        optimised = metric is metrics[0] or metric.reference is not None
        if metric.chance is None and (optimised or (lost and metric.name not in constrained)):
            what = f"the metric {metric.name!r} is {value}" if lost else "it has diverged"
            remedy = "declare a chance value, which a trial that diverged is worth, or give a finite number"
            raise ValueError(f"{field}{what}, and {metric.name} has no chance value; {remedy}")
    chance = {metric.name: metric.chance for metric in metrics}
    return chance, {name: chance[name] for name, value in test.items() if value is not None}


def metric_curves(epochs: Sequence[Epoch], last: Epoch) -> tuple[Curves | None, Curves | None]:
    """Return the validation and test metrics of epochs in order, by name; None where an objective has none.

    `last` is the last epoch that the trial has reached, which may be none of those.
    """
    if last.metrics is None:
        return None, None
    valid: Curves = {name: [(epoch.metrics or {}).get(name) for epoch in epochs] for name in last.metrics}
    tested = [name for name in last.metrics if any(name in (epoch.test_metrics or {}) for epoch in epochs)]
    test: Curves = {name: [(epoch.test_metrics or {}).get(name) for epoch in epochs] for name in tested}
    return valid, test or None


def sum_reported(epochs: Sequence[Epoch]) -> float | None:
    """Return the seconds that the objective reports of some epochs; None unless it reports them."""
    reported = [epoch.reported_seconds for epoch in epochs if not epoch.skipped]
    return None if None in reported or not reported else math.fsum(filter(None, reported))


def _number(field: str, value: Any, expected: str) -> float:
    """Return a value as a Python float; a truth value is none, since it is most often a comparison by mistake."""
    single = single_value(value)
    if isinstance(single, str | bytes | bytearray | bool) or str(getattr(single, "dtype", "")).endswith("bool"):
        raise TypeError(f"{field} = {short_repr(value)}, need {expected}")
    try:
        return float(single)
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


def describe_failure(error: BaseException) -> tuple[str, str]:
    """Return the state of a trial whose training raised `error`, and the problem's description."""
    if isinstance(error, TrainingCrashed):
        return "crashed", str(error)
    if isinstance(error, TrainingTimedOut):
        return "timeout", str(error)
    return "error", describe_problem(error)


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
        **({} if result.valid_metrics is None else {"valid_metrics": result.valid_metrics}),
        **({} if result.test_metrics is None else {"test_metrics": result.test_metrics}),
        "train_seconds": result.train_seconds,
        **({} if result.reported_seconds is None else {"reported_seconds": result.reported_seconds}),
        "paid_seconds": result.paid_seconds,
        "decide_seconds": job.decide_seconds,
        "modelled_seconds": modelled_seconds,
        "start": job.start,
        "end": job.start + runtime,
    }
    return record if result.problem is None else {**record, "problem": result.problem}


class ImpureTrial(Exception):
    """A trial was trained again and came out otherwise than recorded."""
