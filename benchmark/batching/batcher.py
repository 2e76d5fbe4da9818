"""Trains the trials of many open runs side by side: keeps the slots of one stack filled."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmark.batching.lookahead import predict_jobs
from benchmark.batching.out_of_memory import is_out_of_memory
from benchmark.batching.recorded_trials import RecordedTrials
from benchmark.reproducibility.process_state import put_back_strays
from benchmark.storage.ledger_format import LedgerError
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Run
from benchmark.tuning.evaluation import (
    ImpureTrial,
    TrainingResult,
    checked_epoch,
    describe_problem,
    is_device_failure,
)
from benchmark.tuning.execution import RunExecution, note_training_start
from benchmark.tuning.factory import needs_own_process
from benchmark.tuning.run_report import RunReport, failure_report
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.tuning.trial_cache import CachedTrial, TrialCache
from benchmark.tuning.tuner import Job
from objectives.epoch import Epoch
from objectives.objective import Objective
from objectives.space import Config
from objectives.stack import Stack

OPEN_RUNS_PER_SLOT = 2
"""Enough that a run is always waiting when a slot falls free."""

MOST_OPEN_RUNS = 500
"""Each holds a file open."""

MOST_OPEN_PROCESSES = 8
"""Open runs at most where some hold a process of their own: DEHB's takes 180 MB."""


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
        in_slot: whether it is being trained.
    """

    trial: CachedTrial
    target_epochs: int = 0
    waiting_runs: list[OpenRun] = field(default_factory=list)
    queued: bool = False
    in_slot: bool = False


class TrialBatcher:
    """Executes runs of one objective with their trials side by side in a stack.

    Args:
        runs: to execute.
        objective: theirs.
        settings: common to them.
        stack: trains; None: nothing is trained, every trial must be recorded.
        data: checksums of the objective's data, for the headers.
        fatal: record this evaluation (of every run) as crashed instead of training it.
        marker: a file whose time is set whenever a training starts.
        cache: what another batcher knew of the trials.
    """

    def __init__(
        self,
        runs: Sequence[Run],
        objective: Objective,
        settings: RunSettings,
        stack: Stack | None,
        data: dict[str, str],
        fatal: FatalEvaluation | None = None,
        marker: Path | None = None,
        cache: TrialCache | None = None,
    ) -> None:
        self.objective, self.settings, self.stack, self.data = objective, settings, stack, data
        self.arithmetic = stack.arithmetic if stack is not None else str(settings.environment.get("arithmetic"))
        self.most_open = min(MOST_OPEN_RUNS, OPEN_RUNS_PER_SLOT * stack.capacity) if stack is not None else 1
        if any(needs_own_process(run.algorithm) for run in runs):
            self.most_open = min(self.most_open, MOST_OPEN_PROCESSES)
        self.fatal, self.marker, self.metrics = fatal, marker, objective.metrics
        self.cache = TrialCache() if cache is None else cache
        self.recorded = RecordedTrials(settings=settings, data=data, arithmetic=self.arithmetic, cache=self.cache)
        self.unopened_runs = deque(runs)
        self.runs_left = {run.repetition: sum(other.repetition == run.repetition for other in runs) for run in runs}
        self.open_runs: dict[Path, OpenRun] = {}
        self.pending: dict[int, PendingTrial] = {}
        self.urgent: deque[PendingTrial] = deque()  # Of runs whose next trial depends on the result.
        self.deferrable: deque[PendingTrial] = deque()  # Of the others.
        self.looks_ahead = stack is not None and stack.parallel and fatal is None and marker is None
        self.reports: list[RunReport] = []
        self.stopped = False  # By the first failure, where that is asked for.

    def execute(self) -> list[RunReport]:
        """Execute all runs to their ends, or until one stops the suite, and return their reports."""
        while not self.stopped:
            while not self.stopped and self.unopened_runs and len(self.open_runs) < self.most_open:
                self._open_run(self.unopened_runs.popleft())
            if self.stack is not None and not self.stopped:
                self._train_next_epochs(self.stack)
            if not self.open_runs and not self.unopened_runs:
                break
        for opened in self.open_runs.values():
            opened.steps.close()
        return self.reports

    def abandon(self, problem: str) -> bool:
        """Drop the stack and close open runs, which another batcher with this one's cache resumes from their ledgers.

        Args:
            problem: why; it is that of the trial which had even the only slot to itself.

        Returns:
            Whether another batcher may get further.
        """
        for opened in self.open_runs.values():
            opened.steps.close()
        in_slots = [pending.trial for pending in self.pending.values() if pending.in_slot]
        self.cache.drop_saved_states()
        if self.stack is not None and self.stack.capacity == 1:
            for trial in in_slots:
                trial.problem = problem
        return bool(in_slots)

    def _open_run(self, run: Run) -> None:
        route = self.stack.route if self.stack is not None else str(self.settings.environment.get("route", "alone"))
        execution = RunExecution(run, self.objective, self.settings, self.arithmetic, self.fatal, route)
        opened = OpenRun(run=run, steps=execution.steps(self.data))
        self.open_runs[run.path] = opened
        try:
            self.recorded.load(run)
        except (LedgerError, RunRefused) as error:
            opened.steps.close()
            self._close_run(opened, failure_report(run, error))
            return
        if self.looks_ahead:
            opened.predicted_jobs = predict_jobs(run, self.objective)
        self._advance_run(opened, None)

    def _advance_run(self, opened: OpenRun, result: TrainingResult | None) -> None:
        """Send a run its result and answer its next jobs from the cache, until it has to wait or has ended."""
        if self.stopped:
            return None
        try:
            while True:
                opened.job = next(opened.steps) if result is None else opened.steps.send(result)
                trial = self.cache.trial(opened.run, opened.job.config)
                if not trial.can_answer(opened.job.epochs):
                    return self._wait_for(trial, opened)
                result = trial.answer(opened.job)
        except ImpureTrial as error:
            self._fail_run(opened, error)
        except StopIteration as stop:
            self._close_run(opened, stop.value)
        except RunRefused as error:
            opened.steps.close()
            self._close_run(opened, failure_report(opened.run, error))

    def _wait_for(self, trial: CachedTrial, opened: OpenRun) -> None:
        if self.stack is None:
            raise RunRefused(
                f"{opened.run.path}: asks for a trial that is not recorded: {trial.config}; run with --reuse trains it"
            )
        pending = self.pending.setdefault(id(trial), PendingTrial(trial=trial))
        pending.waiting_runs.append(opened)
        if not pending.in_slot and not pending.queued:
            pending.queued = True
            (self.urgent if opened.predicted_jobs is None else self.deferrable).append(pending)

    def _train_next_epochs(self, stack: Stack) -> None:
        """Fill the free slots, then train until some trials have finished an epoch."""
        put_back_strays()
        while stack.free and (pending := self._next_pending()) is not None:
            self._admit(stack, pending)
        for ticket, result in stack.advance():
            self._handle_result(stack, self.pending[ticket], result)  # type: ignore[index]  # tickets are ours

    def _next_pending(self) -> PendingTrial | None:
        """The next trial for a slot: sequential runs first, then what is asked for or predicted."""
        for queue in (self.urgent, self.deferrable):
            if queue:
                return queue.popleft()
        for opened in self.open_runs.values():
            for config, epochs in opened.predicted_jobs or ():
                trial = self.cache.trial(opened.run, config)
                if not trial.can_answer(epochs) and id(trial) not in self.pending:
                    return self.pending.setdefault(id(trial), PendingTrial(trial=trial, target_epochs=epochs))
        return None

    def _admit(self, stack: Stack, pending: PendingTrial) -> None:
        trial = pending.trial
        pending.queued, pending.in_slot = False, True
        saved_state, trial.saved_state = trial.saved_state, None
        if saved_state is None:
            trial.epochs_trained = 0
        note_training_start(self.marker)
        try:
            stack.admit(id(trial), trial.config, trial.seed, saved_state)
        except Exception as error:  # A network of the user's may raise anything.
            self._handle_result(stack, pending, error)

    def _handle_result(self, stack: Stack, pending: PendingTrial, result: Epoch | Exception) -> None:
        """Take in the epoch that a trial has finished, or why it failed, and answer the runs that this serves."""
        if isinstance(result, Exception) and stack.capacity > 1 and is_out_of_memory(result):
            raise result  # Not of the trial's doing: with fewer beside it, it may fit.
        if isinstance(result, Exception) and is_device_failure(result):
            raise result
        trial = pending.trial
        left_slot = isinstance(result, Exception) or result.diverged
        try:
            if isinstance(result, Exception):
                raise result
            trial.add_epoch(checked_epoch(result, trial.epochs_trained, self.metrics, self.objective.label))
        except ImpureTrial as error:
            self._fail_waiting_runs(pending, error)
        except Exception as error:  # A network of the user's may raise anything.
            trial.problem = describe_problem(error)
        self._answer_waiting_runs(pending)
        if left_slot or trial.ended or not (pending.waiting_runs or trial.epochs_trained < pending.target_epochs):
            self._remove_from_slot(stack, pending, left_slot=left_slot)

    def _answer_waiting_runs(self, pending: PendingTrial) -> None:
        trial, waiting = pending.trial, pending.waiting_runs
        answered = [opened for opened in waiting if opened.job is not None and trial.can_answer(opened.job.epochs)]
        pending.waiting_runs = [opened for opened in waiting if opened not in answered]
        for opened in answered:
            assert opened.job is not None
            self._advance_run(opened, trial.answer(opened.job))

    def _remove_from_slot(self, stack: Stack, pending: PendingTrial, *, left_slot: bool) -> None:
        trial = pending.trial
        pending.in_slot = False
        if not left_slot:
            saved_state = stack.pause(id(trial))
            trial.saved_state = saved_state if trial.epochs_trained < self.objective.max_epochs else None
        if not pending.queued:
            del self.pending[id(trial)]

    def _fail_waiting_runs(self, pending: PendingTrial, error: ImpureTrial) -> None:
        """End the runs that wait for a trial which cannot be trusted."""
        failed, pending.waiting_runs = pending.waiting_runs, []
        for opened in failed:
            self._fail_run(opened, error)

    def _fail_run(self, opened: OpenRun, error: ImpureTrial) -> None:
        try:
            opened.steps.throw(error)
        except StopIteration as stop:
            self._close_run(opened, stop.value)

    def _close_run(self, opened: OpenRun, report: RunReport) -> None:
        del self.open_runs[opened.run.path]
        self.reports.append(report)
        self.stopped = self.stopped or (self.settings.fail_fast and report.state != "done")
        repetition = opened.run.repetition
        self.runs_left[repetition] -= 1
        if not self.runs_left[repetition]:
            self.cache.drop_repetition(repetition)
