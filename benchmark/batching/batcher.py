"""Trains the trials of many open runs side by side: keeps the slots of one stack filled."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from benchmark.batching.lookahead import predict_jobs
from benchmark.batching.out_of_memory import is_out_of_memory
from benchmark.batching.pending_trial import OpenRun, PendingTrial
from benchmark.batching.recorded_trials import RecordedTrials
from benchmark.reproducibility.process_state import put_back_strays
from benchmark.storage.ledger_format import LedgerError
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Run
from benchmark.tuning.evaluation import (
    ImpureTrial,
    TrainingResult,
    describe_failure,
    is_device_failure,
)
from benchmark.tuning.execution import RunExecution, note_training_start
from benchmark.tuning.factory import needs_own_process
from benchmark.tuning.run_report import RunReport, failure_report
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.tuning.trainer import epoch_check
from benchmark.tuning.trial_cache import CachedTrial, TrialCache
from objectives.epoch import Epoch
from objectives.objective import Objective
from objectives.stack import Stack, Ticket

OPEN_RUNS_PER_SLOT = 2
"""Enough that a run is always waiting when a slot falls free."""

MOST_OPEN_RUNS = 500
"""Each holds a file open."""

MOST_OPEN_PROCESSES = 8
"""Open runs at most where some hold a process of their own: DEHB's takes 180 MB."""


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
        self.fatal, self.marker, self.check_epoch = fatal, marker, epoch_check(objective)
        self.cache = TrialCache() if cache is None else cache
        self.recorded = RecordedTrials(settings=settings, data=data, arithmetic=self.arithmetic, cache=self.cache)
        self.unopened_runs = deque(runs)
        self.runs_left = {run.repetition: sum(other.repetition == run.repetition for other in runs) for run in runs}
        self.open_runs: dict[Path, OpenRun] = {}
        self.pending: dict[int, PendingTrial] = {}
        self.urgent: deque[PendingTrial] = deque()  # Of runs whose next trial depends on the result.
        self.deferrable: deque[PendingTrial] = deque()  # Of the others.
        self.unanswered: dict[int, PendingTrial] = {}  # Have finished an epoch or failed; their runs do not know yet.
        self.until: dict[Ticket, int] = {}  # Epochs after which those in slots rest, until their runs have decided.
        self.looks_ahead = stack is not None and stack.parallel and fatal is None and marker is None
        self.reports: list[RunReport] = []
        self.stopped = False  # By the first failure, where that is asked for.

    def execute(self) -> list[RunReport]:
        """Execute all runs to their ends, or until one stops the suite, and return their reports."""
        try:
            while not self.stopped and (self.open_runs or self.unopened_runs or self.unanswered):
                self._keep_training()
                if not self._do_next():
                    self._take_in_results()
        except Exception:
            for pending in self.unanswered.values():  # What is trained is recorded, whatever became of the device.
                self._answer_runs(pending)
            raise
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
        if pending.in_slot:
            self.until[id(trial)] = pending.wanted_epochs
        elif not pending.queued:
            pending.queued = True
            (self.urgent if opened.predicted_jobs is None else self.deferrable).append(pending)

    def _keep_training(self) -> None:
        """Keep a device that works beside this process at work, without waiting for it."""
        if self.stack is None:
            return
        while self.stack.ready:
            self._take_in_results()
        self.stack.begin(self.until)

    def _do_next(self) -> bool:
        """Do the next thing that need not wait for training; False where all waits."""
        free = self.stack is not None and self.stack.free > 0
        if free and (pending := self._next_queued()) is not None:
            self._admit(pending)
        elif self.unopened_runs and len(self.open_runs) < self.most_open:
            self._open_run(self.unopened_runs.popleft())
        elif self.unanswered:
            self._answer(self.unanswered.pop(next(iter(self.unanswered))))
        elif free and (pending := self._next_predicted()) is not None:
            self._admit(pending)
        else:
            return False
        return True

    def _next_queued(self) -> PendingTrial | None:
        """Return the next trial that a run waits for: sequential runs first."""
        queue = self.urgent or self.deferrable
        return queue.popleft() if queue else None

    def _next_predicted(self) -> PendingTrial | None:
        """Return the next trial that a run will ask for."""
        for opened in self.open_runs.values():
            for config, epochs in opened.predicted_jobs or ():
                trial = self.cache.trial(opened.run, config)
                if not trial.can_answer(epochs) and id(trial) not in self.pending:
                    return self.pending.setdefault(id(trial), PendingTrial(trial=trial, target_epochs=epochs))
        return None

    def _admit(self, pending: PendingTrial) -> None:
        assert self.stack is not None
        trial = pending.trial
        pending.queued, pending.in_slot = False, True
        saved_state, trial.saved_state = trial.saved_state, None
        if saved_state is None:
            trial.epochs_trained = 0
        self.until[id(trial)] = pending.wanted_epochs
        note_training_start(self.marker)
        put_back_strays()
        try:
            self.stack.admit(id(trial), trial.config, trial.seed, saved_state)
        except Exception as error:  # A network of the user's may raise anything.
            self._take_in(pending, error)

    def _take_in_results(self) -> None:
        """Wait until some trials have finished an epoch, and take these in."""
        assert self.stack is not None, "without one no run waits"
        put_back_strays()
        for ticket, result in self.stack.finish():
            self._take_in(self.pending[ticket], result)  # type: ignore[index]  # tickets are ours

    def _take_in(self, pending: PendingTrial, result: Epoch | Exception) -> None:
        """Note the epoch that a trial has finished, or why it failed; its runs are answered later, beside training."""
        trial, stack = pending.trial, self.stack
        assert stack is not None
        if isinstance(result, Exception) and stack.capacity > 1 and is_out_of_memory(result):
            raise result  # Not of the trial's doing: with fewer beside it, it may fit.
        if isinstance(result, Exception) and is_device_failure(result):
            raise result
        try:
            if isinstance(result, Exception):
                raise result
            trial.add_epoch(self.check_epoch(result, trial.epochs_trained))
        except ImpureTrial:
            pass  # The trial keeps it.
        except Exception as error:  # A network of the user's may raise anything.
            trial.failed_as, trial.problem = describe_failure(error)
        self.unanswered[id(trial)] = pending
        if isinstance(result, Exception) or result.diverged:
            self._has_left(pending)
        elif trial.ended:
            stack.remove(id(trial))
            self._has_left(pending)

    def _answer(self, pending: PendingTrial) -> None:
        """Answer the runs that a trial's latest epochs serve; it leaves its slot where nobody asks for the next one."""
        self._answer_runs(pending)
        if pending.in_slot and not pending.goes_on:
            self._pause(pending)
        if not pending.in_slot and not pending.queued:
            del self.pending[id(pending.trial)]

    def _answer_runs(self, pending: PendingTrial) -> None:
        trial, waiting = pending.trial, pending.waiting_runs
        if trial.impure is not None:
            self._fail_waiting_runs(pending, trial.impure)
            return
        answered = [opened for opened in waiting if opened.job is not None and trial.can_answer(opened.job.epochs)]
        pending.waiting_runs = [opened for opened in waiting if opened not in answered]
        for opened in answered:
            assert opened.job is not None
            self._advance_run(opened, trial.answer(opened.job))

    def _pause(self, pending: PendingTrial) -> None:
        assert self.stack is not None
        trial = pending.trial
        self._has_left(pending)
        saved_state = self.stack.pause(id(trial))
        trial.saved_state = saved_state if trial.epochs_trained < self.objective.max_epochs else None

    def _has_left(self, pending: PendingTrial) -> None:
        pending.in_slot = False
        del self.until[id(pending.trial)]

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
