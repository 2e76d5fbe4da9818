"""The trial cache: what was trained once serves every run that asks for the same trial.

A trial is a pure function of (objective, configuration, repetition), so algorithms, fidelities and
resumed runs may share it. Each is charged in full; `paid_seconds` says what the sharing saved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.reproducibility.seeding import config_digest, trial_seed
from benchmark.storage.ledger_format import Record, failed_path, partial_path
from benchmark.suite.model import Run
from benchmark.tuning.evaluation import (
    Curves,
    ImpureTrial,
    TrainingResult,
    failed_training,
    metric_curves,
    sum_reported,
)
from benchmark.tuning.tuner import Job
from objectives.epoch import Epoch
from objectives.space import Config


@dataclass(slots=True)
class CachedTrial:
    """What is known of one trial.

    Attributes:
        config: the configuration.
        seed: its random numbers' root.
        epochs: known epochs, in order; those of ledgers share their record's seconds evenly.
        problem: why training it beyond its epochs failed, if it did.
        failed_as: the state of evaluations that it fails.
        impure: set once it came out otherwise than recorded; nothing of it can be trusted then.
        saved_state: what a stack needs to go on after the last of them, or None.
        epochs_trained: epochs that training has gone through since it was last begun.
        unpaid_seconds: measured seconds not yet on any record.
    """

    config: Config
    seed: np.random.SeedSequence
    epochs: list[Epoch] = field(default_factory=list)
    problem: str | None = None
    failed_as: str = "error"
    impure: ImpureTrial | None = None
    saved_state: Any = None
    epochs_trained: int = 0
    unpaid_seconds: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether it has no further epoch: it diverged, failed or did not repeat itself."""
        return self.problem is not None or self.impure is not None or (bool(self.epochs) and self.epochs[-1].diverged)

    def can_answer(self, epochs: int) -> bool:
        """Whether a job that asks for so many epochs can be answered."""
        return self.ended or (len(self.epochs) >= epochs and not self.epochs[epochs - 1].skipped)

    def add_epoch(self, epoch: Epoch) -> None:
        """Add the next epoch of its training; an epoch that is known already must come out the same.

        Raises:
            ImpureTrial: it does not.
        """
        self.unpaid_seconds += epoch.seconds
        self.epochs_trained += 1
        if self.epochs_trained > len(self.epochs):
            self.epochs.append(epoch)
            return
        known = self.epochs[self.epochs_trained - 1]
        if errors_of(known) != errors_of(epoch):
            self.impure = ImpureTrial(
                f"epoch {self.epochs_trained} of {self.config}: recorded {errors_of(known)}, now {errors_of(epoch)}; "
                "its training does not repeat itself, or its code has changed"
            )
            raise self.impure

    def answer(self, job: Job) -> TrainingResult:
        """Return the result of a job that `can_answer` says yes to.

        Raises:
            ImpureTrial: it did not repeat itself.
        """
        if self.impure is not None:
            raise self.impure
        paid, self.unpaid_seconds = self.unpaid_seconds, 0.0
        if self.problem is not None and len(self.epochs) < job.epochs:
            failed = failed_training(job, self.failed_as, self.problem, paid, paid)
            return replace(failed, reported_seconds=sum_reported(self.epochs[job.start_epoch :]))
        reached = self.epochs[: job.epochs]
        added = reached[job.start_epoch :]
        last = reached[-1]
        valid_metrics, test_metrics = metric_curves(added, last)
        return TrainingResult(
            state="diverged" if last.diverged else "ok",
            epochs=len(reached),
            valid_error=last.valid_error,
            test_error=last.test_error,
            valid_curve=[None if epoch.skipped else epoch.valid_error for epoch in added],
            test_curve=[epoch.test_error for epoch in added],
            train_seconds=math.fsum(epoch.seconds for epoch in added),
            paid_seconds=paid,
            valid_metrics=valid_metrics,
            test_metrics=test_metrics,
            reported_seconds=sum_reported(added),
        )


class TrialCache:
    """Holds the trials of one objective, by repetition and configuration."""

    def __init__(self) -> None:
        self._trials: dict[int, dict[str, CachedTrial]] = {}

    def trial(self, run: Run, config: Config) -> CachedTrial:
        """Return the trial of a configuration in this run's repetition; a new one where nothing is known of it."""
        trials = self._trials.setdefault(run.repetition, {})
        key = config_digest(config)
        if key not in trials:
            seed = trial_seed(run.suite_seed, run.objective.part.name, run.repetition, config)
            trials[key] = CachedTrial(config=dict(config), seed=seed)
        return trials[key]

    def trials_of(self, repetition: int) -> list[CachedTrial]:
        """Return all trials of a repetition, in the order in which they were first asked for."""
        return list(self._trials.get(repetition, {}).values())

    def drop_saved_states(self) -> None:
        """Drop what stacks saved of paused trials, which are then trained from the start where they go on."""
        for trials in self._trials.values():
            for trial in trials.values():
                trial.saved_state = None

    def drop_repetition(self, repetition: int) -> None:
        """Drop the trials of a repetition whose runs have all ended."""
        self._trials.pop(repetition, None)

    def add_records(self, run: Run, records: list[Record]) -> None:
        """Add the evaluations that a ledger of this run's objective and repetition has recorded."""
        curves: dict[int, list[Epoch]] = {}
        for record in records:
            if record["kind"] != "evaluation" or record["state"] not in ("ok", "diverged"):
                continue
            curve = curves.setdefault(record["trial"], [])
            known = curve[record["start_epoch"] :]
            del curve[record["start_epoch"] :]
            curve += _fill_skipped(_epochs_of(record), known)
            trial = self.trial(run, record["config"])
            if len(curve) == record["epochs"] > len(trial.epochs):
                trial.epochs = list(curve)


def errors_of(epoch: Epoch) -> tuple[float, float | None, bool]:
    """Return what of an epoch is a function of the trial: neither its seconds nor metrics that may be measured."""
    return epoch.valid_error, epoch.test_error, epoch.diverged


def find_ledgers(folder: Path, run: Run) -> list[Path]:
    """Find the ledgers of every algorithm on this run's objective in its repetition, in a suite's folder."""
    paths = sorted((folder / "runs" / run.objective.label).glob(f"*/{run.path.name}*"))
    return [path for path in paths if path in _states_of(path.with_name(run.path.name))]


def _states_of(path: Path) -> tuple[Path, Path, Path]:
    """Return the names of a ledger that is complete, unfinished or failed."""
    return path, partial_path(path), failed_path(path)


def _fill_skipped(epochs: list[Epoch], known: list[Epoch]) -> list[Epoch]:
    """Replace epochs that were not measured by what an earlier, shorter training of the trial has measured there."""
    earlier = known[: len(epochs)] + epochs[len(known) :]
    return [before if epoch.skipped else epoch for epoch, before in zip(epochs, earlier, strict=True)]


def _epochs_of(record: Record) -> list[Epoch]:
    """Return the epochs of a record; they share its seconds evenly, or the one that was measured has them all."""
    count = len(record["valid_curve"])
    reported = record.get("reported_seconds")

    def share(seconds: float, index: int) -> float:
        if None in record["valid_curve"]:
            return seconds if index == count - 1 else 0.0
        return seconds / count

    return [
        Epoch(
            **({"skipped": True} if valid is None else {"valid_error": valid}),
            test_error=test,
            seconds=share(record["train_seconds"], index),
            diverged=record["state"] == "diverged" and index == count - 1,
            metrics=_metrics_of(record.get("valid_metrics"), index),
            test_metrics=_metrics_of(record.get("test_metrics"), index),
            reported_seconds=None if reported is None else share(reported, index),
        )
        for index, (valid, test) in enumerate(zip(record["valid_curve"], record["test_curve"], strict=True))
    ]


def _metrics_of(curves: Curves | None, index: int) -> dict[str, float | None] | None:
    return None if curves is None else {name: curve[index] for name, curve in curves.items()}
