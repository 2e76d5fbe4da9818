"""The tuning loop: a generator that yields jobs to train and is sent their outcomes.

It does no I/O and reads no clock but for the time an algorithm takes to decide, so one process can
interleave hundreds of runs, tests can drive it by hand, and a recorded run can be replayed through it.
"""

from __future__ import annotations

import heapq
import inspect
import math
import time
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from typing import Any

from algorithms.roles import Scheduler
from benchmark.errors import one_line, short_repr
from benchmark.reproducibility.canonical_json import identity
from benchmark.suite.model import Budget
from objectives.native_value import native_scalar
from objectives.space import FIDELITY, Config

ConfigCheck = Callable[[Mapping[str, Any]], Config]


class AlgorithmError(Exception):
    """An algorithm raised or proposed something impossible: its run cannot go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request to train a trial until an epoch.

    Attributes:
        index: number of the evaluation in its run, in the order started.
        trial: number of the trial; a promoted trial keeps it.
        config: the configuration, complete, without the fidelity.
        suggestion: what the scheduler suggested, with its fidelity; in a finite space the configuration that is
            trained is the nearest one of those that exist.
        start_epoch: epochs trained before, not charged again.
        epochs: train until this epoch.
        start: reading of the run's clock.
        decide_seconds: measured time the algorithm has taken since the last job.
    """

    index: int
    trial: int
    config: Config
    suggestion: Config
    start_epoch: int
    epochs: int
    start: float
    decide_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        error: validation error, +inf after a crash; never NaN.
        epochs: the epoch reached; less than asked when training diverged or crashed.
        end: reading of the run's clock when it is done.
        state: "ok", or how training ended before its time: "diverged", "error", "crashed", "timeout".
        metrics: the metrics that the trial has reached, by name, in their own direction; None as a value: not
            measured. None where it came to no result.
    """

    error: float
    epochs: int
    end: float
    state: str = "ok"
    metrics: Mapping[str, float | None] | None = None


@dataclass(slots=True)
class _TrialProgress:
    """How far a trial was asked to train, and how far it came: less where it diverged or failed."""

    number: int
    asked: int = 0
    reached: int = 0
    running: bool = False


class TuningLoop:
    """Drives a scheduler until the budget is spent or it has nothing left to try.

    With several workers this is a discrete-event simulation on the run's clock: a job starts when a
    worker is free, and the scheduler learns of results in the order in which they end.

    Args:
        scheduler: gets every result, and where its `update` takes a third argument, as that the epoch reached, the
            state, the seconds charged, and the metrics by name unless it came to none; its suggestions may come with
            any number type.
        check: makes a suggestion (without fidelity) complete and of Python's own types, or raises ValueError.
        nearest: returns the configuration that is trained for a checked one, where not all of them exist; the
            scheduler learns of its own all the same. None: it is that one.
        max_epochs: the full fidelity; None for a plain function without fidelities.
        budget: when to stop starting.
        n_workers: simulated parallel workers.
        resume: charge a promoted trial its added epochs only; otherwise it trains anew.
    """

    def __init__(
        self,
        scheduler: Scheduler,
        *,
        check: ConfigCheck,
        nearest: Callable[[Config], Config] | None = None,
        max_epochs: int | None,
        budget: Budget,
        n_workers: int = 1,
        resume: bool = True,
    ) -> None:
        self.scheduler, self.check, self.nearest, self.max_epochs = scheduler, check, nearest, max_epochs
        self.budget, self.n_workers, self.resume = budget, n_workers, resume
        self.takes_info = takes_info(scheduler)
        self.now = 0.0
        self.trials: dict[bytes | str, list[_TrialProgress]] = {}
        self.trial_count = self.started = self.charged_epochs = 0
        self.decide_seconds = 0.0
        self.running: list[tuple[float, int, _TrialProgress, Job, Outcome]] = []
        self.stopped: str | None = None

    def run(self) -> Generator[Job, Outcome, str]:
        """Yield every job and be sent its outcome.

        Returns:
            "budget" or "exhausted", as the generator's value.

        Raises:
            AlgorithmError: the scheduler raised, or suggested something outside the space.
        """
        while True:
            while self.stopped is None and len(self.running) < self.n_workers:
                planned = self._next_job()
                if planned is None:
                    break
                job, trial = planned
                self._start(job, trial, (yield job))
            if not self.running:
                return self.stopped or "exhausted"
            self._finish()

    def _next_job(self) -> tuple[Job, _TrialProgress] | None:
        if self._is_budget_spent():
            self.stopped = "budget"
            return None
        suggestion = self._call_scheduler("suggest")
        if suggestion is None:
            return None
        proposal, epochs = self._parse_suggestion(suggestion)
        config = proposal if self.nearest is None else self.nearest(proposal)
        trial = self._trial_for(config, epochs)
        if trial is None:
            self.stopped = "budget"
            return None
        job = Job(
            index=self.started,
            trial=trial.number,
            config=config,
            suggestion={**proposal, FIDELITY: epochs} if FIDELITY in suggestion else dict(proposal),
            start_epoch=trial.reached if self.resume else 0,
            epochs=epochs,
            start=self.now,
            decide_seconds=self.decide_seconds,
        )
        self.decide_seconds = 0.0
        return job, trial

    def _trial_for(self, config: Config, epochs: int) -> _TrialProgress | None:
        """Return the paused trial to continue, or a new one; None when the budget has no more trials.

        A configuration proposed again at a fidelity that was asked before is a new trial, trained and charged
        again, even where the old one diverged or failed on its way there: so every proposal is a trial or a
        promotion, and a searcher that proposes one bad configuration for ever spends its budget of trials.
        """
        same_config = self.trials.setdefault(identity(config), [])  # -0.0 and 0.0 differ, as in seeds.
        for trial in same_config:
            if not trial.running and trial.asked < epochs:
                return trial
        if self.budget.trials is not None and self.trial_count >= self.budget.trials:
            return None
        same_config.append(_TrialProgress(number=self.trial_count))
        self.trial_count += 1
        return same_config[-1]

    def _start(self, job: Job, trial: _TrialProgress, outcome: Outcome) -> None:
        if math.isnan(outcome.error) or not outcome.end >= job.start:
            raise ValueError(f"outcome {outcome!r}: the error must not be NaN, nor the end before {job.start}")
        trial.running, trial.asked = True, job.epochs
        self.started += 1
        self.charged_epochs += max(1, outcome.epochs - job.start_epoch)
        heapq.heappush(self.running, (outcome.end, job.index, trial, job, outcome))

    def _finish(self) -> None:
        self.now, _, trial, job, outcome = heapq.heappop(self.running)
        trial.running, trial.reached = False, outcome.epochs
        info = {"epochs": outcome.epochs, "state": outcome.state, "seconds": outcome.end - job.start}
        if outcome.metrics is not None:
            info["metrics"] = dict(outcome.metrics)
        self._call_scheduler("update", dict(job.suggestion), outcome.error, *([info] if self.takes_info else []))

    def _is_budget_spent(self) -> bool:
        budget = self.budget
        return (
            (budget.evaluations is not None and self.started >= budget.evaluations)
            or (budget.epochs is not None and self.charged_epochs >= budget.epochs)
            or (budget.runtime is not None and self.now >= budget.runtime)
        )

    def _parse_suggestion(self, suggestion: Any) -> tuple[Config, int]:
        if not isinstance(suggestion, dict | Mapping):  # That it is a dict is known ten times as fast.
            raise AlgorithmError(f"suggest() returned {short_repr(suggestion)}: need a configuration (a dict) or None")
        hyperparameters = {name: value for name, value in suggestion.items() if name != FIDELITY}
        try:
            config = self.check(hyperparameters)
        except ValueError as error:
            raise AlgorithmError(f"suggest() returned an impossible configuration: {error}") from error
        return config, self._parse_fidelity(suggestion.get(FIDELITY, self.max_epochs or 1))

    def _parse_fidelity(self, asked: Any) -> int:
        if type(asked) is int and 1 <= asked <= (self.max_epochs or asked):
            return asked
        epochs = native_scalar(asked)
        if isinstance(epochs, float) and epochs.is_integer():
            epochs = int(epochs)
        if isinstance(epochs, bool) or not isinstance(epochs, int) or not 1 <= epochs <= (self.max_epochs or math.inf):
            limit = f"in 1..{self.max_epochs}" if self.max_epochs else ">= 1"
            raise AlgorithmError(f"suggest() returned max_epochs = {short_repr(asked)}: need a whole number {limit}")
        return epochs

    def _call_scheduler(self, method: str, *arguments: Any) -> Any:
        began = time.perf_counter()
        try:
            return getattr(self.scheduler, method)(*arguments)
        except (Exception, SystemExit, GeneratorExit) as error:  # Whatever third-party code raises ends its own run.
            raise AlgorithmError(f"{method}() raised {one_line(error)}") from error
        finally:
            self.decide_seconds += time.perf_counter() - began


def takes_info(scheduler: Scheduler) -> bool:
    """Whether `update` takes a third argument; the book's schedulers do, a reader's may not."""
    try:
        inspect.signature(scheduler.update).bind({}, 0.0, {})
    except (TypeError, ValueError):
        return False
    return True
