"""Trains the jobs of one run, keeps its paused trials and turns every failure into a result."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np

from benchmark.errors import short_repr
from benchmark.reproducibility.isolated_objective import synchronised_time
from benchmark.reproducibility.process_state import put_back_strays
from benchmark.reproducibility.seeding import trial_seed
from benchmark.tuning.evaluation import (
    TrainingResult,
    checked_epoch,
    describe_failure,
    failed_training,
    is_device_failure,
    metric_curves,
    sum_reported,
)
from benchmark.tuning.time_limit import TimeLimit, TrialTimeout
from benchmark.tuning.tuner import Job
from objectives.epoch import Epoch
from objectives.objective import Machine, Objective
from objectives.space import Config


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
        limit: TimeLimit | None = None,
    ) -> None:
        self.objective, self.machine, self.limit = objective, machine, limit
        self.seed_key = suite_seed, objective_name, repetition
        self.paused: dict[int, Curve] = {}

    def train(self, job: Job) -> TrainingResult:
        """Train `job.trial` from `job.start_epoch` to `job.epochs`; raises nothing but an interrupt."""
        put_back_strays()
        began = time.perf_counter()
        epochs: list[Epoch] = []
        try:
            curve = self._within_limit(job, epochs)
        except TrialTimeout as error:
            assert self.limit is not None
            return failed_training(job, "timeout", str(error), self.limit.seconds, time.perf_counter() - began)
        except (Exception, SystemExit, GeneratorExit) as error:  # Third-party training may raise anything.
            if is_device_failure(error):
                raise
            seconds = time.perf_counter() - began
            failed = failed_training(job, *describe_failure(error), seconds, seconds)
            return replace(failed, reported_seconds=sum_reported(epochs))
        if curve.epoch < self.objective.max_epochs and self.objective.pausable:
            self.paused[job.trial] = curve
        return _result_of(curve, epochs, time.perf_counter() - began)

    def _within_limit(self, job: Job, epochs: list[Epoch]) -> Curve:
        if self.limit is None:
            return self._train_epochs(job, epochs)
        if job.start_epoch and job.trial not in self.paused:
            # What the trial has trained before, in so many evaluations at most, is not this one's time.
            self.paused[job.trial] = self.limit.call_within(
                job.index, job.start_epoch, lambda: self._curve_at_start(job)
            )
        return self.limit.call_within(job.index, 1, lambda: self._train_epochs(job, epochs))

    def _train_epochs(self, job: Job, epochs: list[Epoch]) -> Curve:
        """Train the epochs that the job asks for, and add each to a list as it comes."""
        curve = self._curve_at_start(job)
        while curve.epoch < job.epochs and not curve.diverged:
            epochs.append(next(curve))
        return curve

    def _curve_at_start(self, job: Job) -> Curve:
        """Return the job's training at its first epoch: the paused one, or one that has trained so far again."""
        curve = self.paused.pop(job.trial, None) if job.start_epoch else None
        if curve is None:
            seed = trial_seed(*self.seed_key, job.config)
            curve = Curve(self.objective.until(job.epochs), job.config, seed, self.machine)
        while curve.epoch < job.start_epoch and not curve.diverged:
            next(curve)
        return curve


def _iterator(trained: object) -> Iterator[Epoch]:
    """Return what `train` gave.

    Raises:
        TypeError: it is no iterator.
    """
    if not isinstance(trained, Iterator):
        given = short_repr(trained)
        raise TypeError(f"train() returned {given}, which is not an iterator: `yield` an Epoch for every epoch")
    return trained


def epoch_check(objective: Objective) -> Callable[[object, int], Epoch]:
    """Return a check of what the objective yields after so many epochs, as `checked_epoch` makes it."""
    metrics, label = objective.trained_metrics, objective.label
    constrained = {constraint.metric for constraint in objective.constraints}
    return lambda epoch, before: checked_epoch(epoch, before, metrics, label, constrained)


class Curve:
    """A training in progress: checks every epoch, counts and times them.

    What an objective says of its own seconds is only what it reports, unless it is one of ours: the time of an epoch
    is what passes until it is there.

    Args:
        objective: trains.
        config: what to train.
        seed: of the trial.
        machine: device and data folder.
    """

    def __init__(self, objective: Objective, config: Config, seed: np.random.SeedSequence, machine: Machine) -> None:
        self.check_epoch, self.times_itself = epoch_check(objective), objective.times_itself
        began = synchronised_time()
        self.epochs = _iterator(objective.train(dict(config), seed, machine))
        self.seconds_before = synchronised_time() - began
        self.epoch = 0
        self.last: Epoch | None = None

    @property
    def diverged(self) -> bool:
        return self.last is not None and self.last.diverged

    def __next__(self) -> Epoch:
        began = synchronised_time()
        epoch: object = next(self.epochs, None)
        seconds, self.seconds_before = synchronised_time() - began + self.seconds_before, 0.0
        if isinstance(epoch, Epoch) and not self.times_itself:
            epoch = epoch.timed(seconds)
        self.last = self.check_epoch(epoch, self.epoch)
        self.epoch += 1
        return self.last


def _result_of(curve: Curve, epochs: list[Epoch], paid: float) -> TrainingResult:
    assert curve.last is not None, "a job asks for one epoch at least"
    valid_metrics, test_metrics = metric_curves(epochs, curve.last)
    return TrainingResult(
        state="diverged" if curve.diverged else "ok",
        epochs=curve.epoch,
        valid_error=curve.last.valid_error,
        test_error=curve.last.test_error,
        valid_curve=[None if epoch.skipped else epoch.valid_error for epoch in epochs],
        test_curve=[epoch.test_error for epoch in epochs],
        train_seconds=sum(epoch.seconds for epoch in epochs),
        paid_seconds=paid,
        valid_metrics=valid_metrics,
        test_metrics=test_metrics,
        reported_seconds=sum_reported(epochs),
    )
