"""Runs in progress, and the trials that they wait for."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field

from benchmark.suite.model import Run
from benchmark.tuning.evaluation import TrainingResult
from benchmark.tuning.run_report import RunReport
from benchmark.tuning.trial_cache import CachedTrial
from benchmark.tuning.tuner import Job
from objectives.space import Config


@dataclass(slots=True, kw_only=True, eq=False)
class OpenRun:
    """A run in progress.

    Attributes:
        run: which one.
        steps: its execution, which yields jobs and is sent their results.
        job: the one whose result it waits for.
        predicted_jobs: configurations and epochs that it will ask for; None where results decide.
    """

    run: Run
    steps: Generator[Job, TrainingResult, RunReport]
    job: Job | None = None
    predicted_jobs: Iterator[tuple[Config, int]] | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class PendingTrial:
    """A trial that runs wait for or will ask for: in a slot, queued for one, or neither.

    Attributes:
        trial: what is known of it.
        target_epochs: how far it is trained although nobody waits for it yet.
        waiting_runs: those that wait for one of its next epochs.
        queued: whether it is in a queue for a slot.
        in_slot: whether it is in a slot.
    """

    trial: CachedTrial
    target_epochs: int = 0
    waiting_runs: list[OpenRun] = field(default_factory=list)
    queued: bool = False
    in_slot: bool = False

    @property
    def wanted_epochs(self) -> int:
        """Return the epoch up to which it is asked for or will be, whatever runs decide next."""
        jobs = (opened.job for opened in self.waiting_runs)
        return max([self.target_epochs, *(job.epochs for job in jobs if job is not None)])

    @property
    def goes_on(self) -> bool:
        """Return whether one of these comes after those that it has been trained for."""
        return not self.trial.ended and self.trial.epochs_trained < self.wanted_epochs
