"""Trains the jobs of one run: holds its paused trials and turns every failure into a record."""

from __future__ import annotations

import math
import time
import traceback
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any

from benchmark.custody import Isolation
from benchmark.seeding import digest, trial_seed
from benchmark.tuner import Job
from benchmark.watchdog import Limit, OutOfTime
from objectives.objective import Epoch, Machine, Objective

LONGEST_TEXT = 4000


@dataclass(frozen=True, slots=True, kw_only=True)
class Training:
    """What training one job came to.

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


class Trainer:
    """Trains and resumes the trials of one run.

    A paused trial is its suspended iterator. After a restart there is none, so the trial is trained
    again up to where it was; since trials are pure that gives the same bits, and it is not charged.

    Args:
        objective: trains.
        suite_seed: with the objective's name and the repetition it seeds every trial.
        objective_name: its registered name or dotted path.
        repetition: of the run.
        machine: device and data folder.
        isolated: give every trial private global generators and settings of the process, for third-party objectives.
        limit: how long an evaluation may train; None: as long as it takes.
    """

    def __init__(
        self,
        objective: Objective,
        *,
        suite_seed: int,
        objective_name: str,
        repetition: int,
        machine: Machine,
        isolated: bool,
        limit: Limit | None = None,
    ) -> None:
        self.objective, self.machine, self.isolated, self.limit = objective, machine, isolated, limit
        self.seed_key = suite_seed, objective_name, repetition
        self.paused: dict[int, _Curve] = {}

    def train(self, job: Job) -> Training:
        """Train `job.trial` from `job.start_epoch` to `job.epochs`; raises nothing but an interrupt."""
        began = time.perf_counter()
        try:
            curve, epochs = self._within_limit(job)
        except OutOfTime as error:
            assert self.limit is not None
            return lost(job, "timeout", str(error), self.limit.seconds, time.perf_counter() - began)
        except (Exception, SystemExit, GeneratorExit) as error:  # Third-party training may raise anything.
            seconds = time.perf_counter() - began
            return lost(job, "error", describe_problem(error), seconds, seconds)
        if curve.epoch < self.objective.max_epochs:
            self.paused[job.trial] = curve
        return _trained(curve, epochs, self.objective.chance_error, time.perf_counter() - began)

    def _within_limit(self, job: Job) -> tuple[_Curve, list[Epoch]]:
        if self.limit is None:
            return self._go_on(job)
        if job.start_epoch and job.trial not in self.paused:
            # What the trial has trained before, in so many evaluations at most, is not this one's time.
            self.paused[job.trial] = self.limit.hold(job.index, job.start_epoch, lambda: self._curve(job))
        return self.limit.hold(job.index, 1, lambda: self._go_on(job))

    def _go_on(self, job: Job) -> tuple[_Curve, list[Epoch]]:
        """Train what the job asks for."""
        epochs: list[Epoch] = []
        curve = self._curve(job)
        while curve.epoch < job.epochs and not curve.diverged:
            epochs.append(next(curve))
        return curve, epochs

    def _curve(self, job: Job) -> _Curve:
        curve = self.paused.pop(job.trial, None) if job.start_epoch else None
        if curve is None:
            seed = trial_seed(*self.seed_key, job.config)
            streams = Isolation(seed) if self.isolated else None
            with nullcontext() if streams is None else streams.active():
                iterator = self.objective.train(dict(job.config), seed, self.machine)
            curve = _Curve(iterator, streams)
        while curve.epoch < job.start_epoch and not curve.diverged:
            next(curve)
        return curve


class _Curve:
    """A training in progress: checks what each epoch gives, and remembers how far it is."""

    def __init__(self, epochs: Iterator[Epoch], streams: Isolation | None) -> None:
        self.epochs, self.streams = epochs, streams
        self.epoch = 0
        self.diverged = False

    def __next__(self) -> Epoch:
        with self._guard():
            epoch = next(self.epochs, None)
        checked = sound(epoch, self.epoch)
        self.epoch += 1
        self.diverged = checked.diverged
        return checked

    def _guard(self) -> AbstractContextManager[None]:
        return nullcontext() if self.streams is None else self.streams.active()


def sound(epoch: object, before: int) -> Epoch:
    """An epoch that training gave after `before` others; one with an error that is no number has diverged.

    Raises:
        TypeError, ValueError: no epoch, or none that took a time.
    """
    if not isinstance(epoch, Epoch):
        raise TypeError(f"training gave {epoch!r} after {before} epochs: need an objectives.objective.Epoch")
    if not 0 <= epoch.seconds < math.inf:
        raise ValueError(f"epoch {before + 1}: seconds = {epoch.seconds!r}, need a finite number >= 0")
    if math.isfinite(epoch.valid_error) and math.isfinite(epoch.test_error):
        return epoch
    return replace(epoch, diverged=True)


def _trained(curve: _Curve, epochs: list[Epoch], chance_error: float, paid: float) -> Training:
    valid = [float(epoch.valid_error) for epoch in epochs]
    test = [float(epoch.test_error) for epoch in epochs]
    if curve.diverged and epochs:
        valid[-1:] = test[-1:] = [chance_error]
    seconds = sum(float(epoch.seconds) for epoch in epochs)
    return Training(
        state="diverged" if curve.diverged else "ok",
        epochs=curve.epoch,
        valid_error=chance_error if curve.diverged else valid[-1],
        test_error=chance_error if curve.diverged else test[-1],
        valid_curve=valid,
        test_curve=test,
        train_seconds=seconds,
        paid_seconds=paid,
    )


def lost(job: Job, state: str, problem: str, seconds: float, paid: float) -> Training:
    """The result of a training that gave none."""
    return Training(
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


def describe_problem(error: BaseException) -> str:
    """Type, text and the end of the traceback; even of an exception whose own text raises."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # The exception's __str__ is third-party code.
        text = type(error).__name__
    return text[-LONGEST_TEXT:]


def evaluation_record(job: Job, training: Training, runtime: float, modelled_seconds: float | None) -> dict[str, Any]:
    """The ledger's line for one evaluation.

    Args:
        job: what was asked.
        training: what came of it.
        runtime: seconds charged on the suite's clock.
        modelled_seconds: price by the suite's calibration, or None without one.
    """
    record: dict[str, Any] = {
        "kind": "evaluation",
        "index": job.index,
        "trial": job.trial,
        "digest": digest(job.config)[:16],
        "config": job.config,
        "start_epoch": job.start_epoch,
        "epochs": training.epochs,
        "asked_epochs": job.epochs,
        "state": training.state,
        "valid_error": training.valid_error,
        "test_error": training.test_error,
        "valid_curve": training.valid_curve,
        "test_curve": training.test_curve,
        "train_seconds": training.train_seconds,
        "paid_seconds": training.paid_seconds,
        "decide_seconds": job.decide_seconds,
        "modelled_seconds": modelled_seconds,
        "start": job.start,
        "end": job.start + runtime,
    }
    return record if training.problem is None else {**record, "problem": training.problem}
