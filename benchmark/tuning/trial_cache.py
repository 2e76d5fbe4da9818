"""The trial store: what was trained once serves every run that asks for the same trial.

A trial is a pure function of (objective, configuration, repetition), so algorithms, fidelities and
resumed runs may share it. Each is charged in full; `paid_seconds` says what the sharing saved.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.reproducibility.seeding import config_digest, trial_seed
from benchmark.storage.ledger_format import Record, failed_path, partial_path
from benchmark.suite.model import Run
from benchmark.tuning.evaluation import ImpureTrial, TrainingResult, failed_training
from benchmark.tuning.tuner import Job
from objectives.epoch import Epoch
from objectives.space import Config


@dataclass(slots=True)
class CachedTrial:
    """One trial as far as it is known.

    Attributes:
        config: the configuration.
        seed: its random numbers' root.
        epochs: known epochs, in order; those of ledgers share their record's seconds evenly.
        problem: why training it beyond its epochs failed, if it did.
        impure: set once it came out otherwise than recorded; nothing of it can be trusted then.
        saved: what a stack needs to go on after the last of them, or None.
        trained: epochs that training has gone through since it was last begun.
        unpaid: measured seconds not yet on any record.
    """

    config: Config
    seed: np.random.SeedSequence
    epochs: list[Epoch] = field(default_factory=list)
    problem: str | None = None
    impure: ImpureTrial | None = None
    saved: Any = None
    trained: int = 0
    unpaid: float = 0.0

    @property
    def ended(self) -> bool:
        """Whether no further epoch can come of it."""
        return self.problem is not None or self.impure is not None or (bool(self.epochs) and self.epochs[-1].diverged)

    def serves(self, epochs: int) -> bool:
        """Whether a job that asks for so many epochs can be answered."""
        return self.ended or len(self.epochs) >= epochs

    def add(self, epoch: Epoch) -> None:
        """Take in the next epoch of its training; one that is known already must come out the same.

        Raises:
            ImpureTrial: it does not.
        """
        self.unpaid += epoch.seconds
        self.trained += 1
        if self.trained > len(self.epochs):
            self.epochs.append(epoch)
            return
        known = self.epochs[self.trained - 1]
        if errors_of(known) != errors_of(epoch):
            self.impure = ImpureTrial(
                f"epoch {self.trained} of {self.config}: recorded {errors_of(known)}, now {errors_of(epoch)}; "
                "its training does not repeat itself, or its code has changed"
            )
            raise self.impure

    def training(self, job: Job) -> TrainingResult:
        """The answer to a job that it serves.

        Raises:
            ImpureTrial: it did not repeat itself.
        """
        if self.impure is not None:
            raise self.impure
        paid, self.unpaid = self.unpaid, 0.0
        if self.problem is not None and len(self.epochs) < job.epochs:
            return failed_training(job, "error", self.problem, paid, paid)
        reached = self.epochs[: job.epochs]
        now = reached[job.start_epoch :]
        last = reached[-1]
        return TrainingResult(
            state="diverged" if last.diverged else "ok",
            epochs=len(reached),
            valid_error=last.valid_error,
            test_error=last.test_error,
            valid_curve=[epoch.valid_error for epoch in now],
            test_curve=[epoch.test_error for epoch in now],
            train_seconds=math.fsum(epoch.seconds for epoch in now),
            paid_seconds=paid,
        )


class TrialCache:
    """The trials of one objective, by repetition and configuration."""

    def __init__(self) -> None:
        self._blocks: dict[int, dict[str, CachedTrial]] = {}

    def trial(self, run: Run, config: Config) -> CachedTrial:
        """The trial that this run means by a configuration."""
        block = self._blocks.setdefault(run.repetition, {})
        name = config_digest(config)
        if name not in block:
            seed = trial_seed(run.suite_seed, run.objective.part.name, run.repetition, config)
            block[name] = CachedTrial(config=dict(config), seed=seed)
        return block[name]

    def trials(self, repetition: int) -> list[CachedTrial]:
        """All trials of a repetition, in the order first met."""
        return list(self._blocks.get(repetition, {}).values())

    def forget_saved(self) -> None:
        """Let go of what stacks saved of paused trials; they are trained anew where they go on."""
        for block in self._blocks.values():
            for trial in block.values():
                trial.saved = None

    def forget(self, repetition: int) -> None:
        """Let go of a repetition whose runs have all ended."""
        self._blocks.pop(repetition, None)

    def learn(self, run: Run, records: list[Record]) -> None:
        """Take in the evaluations that a ledger of this run's objective and repetition has recorded."""
        curves: dict[int, list[Epoch]] = {}
        for record in records:
            if record["kind"] != "evaluation" or record["state"] not in ("ok", "diverged"):
                continue
            curve = curves.setdefault(record["trial"], [])
            del curve[record["start_epoch"] :]
            curve += _epochs(record)
            trial = self.trial(run, record["config"])
            if len(curve) == record["epochs"] > len(trial.epochs):
                trial.epochs = list(curve)


def errors_of(epoch: Epoch) -> tuple[float, float, bool]:
    """What of an epoch is a function of the trial; its seconds are not."""
    return epoch.valid_error, epoch.test_error, epoch.diverged


def find_ledgers(folder: Path, run: Run) -> list[Path]:
    """The ledgers of every algorithm on this run's objective in its repetition, in a suite's folder."""
    found = sorted((folder / "runs" / run.objective.label).glob(f"*/{run.path.name}*"))
    return [path for path in found if path in _forms(path.with_name(run.path.name))]


def _forms(path: Path) -> tuple[Path, Path, Path]:
    return path, partial_path(path), failed_path(path)


def _epochs(record: Record) -> list[Epoch]:
    count = len(record["valid_curve"])
    return [
        Epoch(
            valid_error=valid,
            test_error=test,
            seconds=record["train_seconds"] / count,
            diverged=record["state"] == "diverged" and place == count - 1,
        )
        for place, (valid, test) in enumerate(zip(record["valid_curve"], record["test_curve"], strict=True))
    ]
