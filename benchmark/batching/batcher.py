"""A stack that is kept filled from the queue of many open runs."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmark.batching.lookahead import predict_jobs
from benchmark.batching.out_of_memory import is_out_of_memory
from benchmark.storage.ledger_format import LedgerError, read_ledger
from benchmark.storage.resume_check import RunRefused, check_header
from benchmark.suite.model import Run
from benchmark.tuning.evaluation import ImpureTrial, TrainingResult, checked_epoch, describe_problem
from benchmark.tuning.execution import RunExecution, note_training_start
from benchmark.tuning.factory import needs_own_process
from benchmark.tuning.run_report import RunReport, failure_report
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.tuning.trial_cache import CachedTrial, TrialCache, find_ledgers
from benchmark.tuning.tuner import Job
from objectives.epoch import Epoch
from objectives.objective import Objective
from objectives.space import Config
from objectives.stack import Stack

RUNS_A_SLOT = 2
"""Open runs for every slot: enough that one is always waiting when a slot falls free."""

MOST_OPEN = 500
"""Open runs at most; each holds a file."""

MOST_PROCESSES = 8
"""Open runs at most where some hold a process of their own: DEHB's takes 180 MB."""


@dataclass(slots=True, kw_only=True, eq=False)
class _Open:
    """A run in progress and the job that it waits for."""

    run: Run
    steps: Generator[Job, TrainingResult, RunReport]
    job: Job | None = None
    ahead: Iterator[tuple[Config, int]] | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class _Wanted:
    """A trial that runs wait for, or will ask for: in a slot, in a queue for one, or neither."""

    trial: CachedTrial
    target: int = 0
    waiting: list[_Open] = field(default_factory=list)
    queued: bool = False
    in_slot: bool = False


class TrialBatcher:
    """Keeps a stack filled from the queue of all open runs; without a stack nothing is trained."""

    def __init__(
        self,
        runs: Sequence[Run],
        objective: Objective,
        settings: RunSettings,
        stack: Stack | None,
        data: dict[str, str],
        fatal: FatalEvaluation | None = None,
        marker: Path | None = None,
        store: TrialCache | None = None,
    ) -> None:
        self.objective, self.settings, self.stack, self.data = objective, settings, stack, data
        self.arithmetic = stack.arithmetic if stack is not None else str(settings.environment.get("arithmetic"))
        self.most_open = min(MOST_OPEN, RUNS_A_SLOT * stack.capacity) if stack is not None else 1
        if any(needs_own_process(run.algorithm) for run in runs):
            self.most_open = min(self.most_open, MOST_PROCESSES)
        self.fatal, self.marker = fatal, marker
        self.store = TrialCache() if store is None else store
        self.to_open = deque(runs)
        self.left = {run.repetition: sum(other.repetition == run.repetition for other in runs) for run in runs}
        self.learned: set[int] = set()
        self.open: dict[Path, _Open] = {}
        self.wanted: dict[int, _Wanted] = {}
        self.queue: deque[_Wanted] = deque()  # Of runs whose next trial depends on the result.
        self.later: deque[_Wanted] = deque()  # Of the others.
        self.foresees = stack is not None and stack.parallel and fatal is None and marker is None
        self.reports: list[RunReport] = []

    def go(self) -> list[RunReport]:
        """Execute all runs to their ends."""
        while True:
            while self.to_open and len(self.open) < self.most_open:
                self._open(self.to_open.popleft())
            if self.stack is not None:
                self._train(self.stack)
            if not self.open and not self.to_open:
                return self.reports

    def give_up(self, problem: str) -> bool:
        """Let go of the stack and of open runs, which go on from their ledgers in another lane with this one's store.

        Args:
            problem: why; it is that of the trial which had even the only slot to itself.

        Returns:
            Whether another lane may get further.
        """
        for opened in self.open.values():
            opened.steps.close()
        in_slots = [wanted.trial for wanted in self.wanted.values() if wanted.in_slot]
        self.store.forget_saved()
        if self.stack is not None and self.stack.capacity == 1:
            for trial in in_slots:
                trial.problem = problem
        return bool(in_slots)

    def _open(self, run: Run) -> None:
        route = self.stack.route if self.stack is not None else str(self.settings.environment.get("route", "alone"))
        execution = RunExecution(run, self.objective, self.settings, self.arithmetic, self.fatal, route)
        opened = _Open(run=run, steps=execution.steps(self.data))
        self.open[run.path] = opened
        try:
            self._learn(run)
        except (LedgerError, RunRefused) as error:
            opened.steps.close()
            self._close(opened, failure_report(run, error))
            return
        if self.foresees:
            opened.ahead = predict_jobs(run, self.objective)
        self._go_on(opened, None)

    def _learn(self, run: Run) -> None:
        """Fill the store with what is recorded of this run's repetition, here and in the results to reuse."""
        if run.repetition in self.learned:
            return
        for path in find_ledgers(self.settings.folder, run):
            with suppress(RunRefused):  # Left by an algorithm that this suite has no more; its trials may be others.
                self._take_over_if_there(run, path)
        if self.settings.reuse is not None:
            for path in find_ledgers(self.settings.reuse, run):
                self._take_over(run, path)
        self.learned.add(run.repetition)  # Not before: what is refused one run is refused the others too.

    def _take_over_if_there(self, run: Run, path: Path) -> None:
        """Take over a ledger that another shard may rename, completing it, while it is looked at."""
        try:
            self._take_over(run, path)
        except LedgerError:
            if path.exists():
                raise

    def _take_over(self, run: Run, path: Path) -> None:
        records = read_ledger(path).records
        if not records:
            return
        header = records[0]
        alike = ("suite_seed", "objective", "repetition")
        expected = {
            "run": header["run"] | {name: run.identity()[name] for name in alike},
            "data": self.data,
            "environment": {
                **self.settings.environment,
                "arithmetic": self.arithmetic,
                "libraries": header["environment"].get("libraries"),  # Of an algorithm; no trial depends on it.
            },
        }
        check_header(header, expected, path, allow_mixed=self.settings.allow_mixed or not self.settings.train)
        self.store.learn(run, records)

    def _go_on(self, opened: _Open, training: TrainingResult | None) -> None:
        """Send a run its result and answer its next jobs, until it has to wait or has ended."""
        try:
            while True:
                opened.job = next(opened.steps) if training is None else opened.steps.send(training)
                trial = self.store.trial(opened.run, opened.job.config)
                if not trial.serves(opened.job.epochs):
                    return self._wait(opened, trial)
                training = trial.training(opened.job)
        except ImpureTrial as error:
            self._throw(opened, error)
        except StopIteration as stop:
            self._close(opened, stop.value)
        except RunRefused as error:
            opened.steps.close()
            self._close(opened, failure_report(opened.run, error))

    def _wait(self, opened: _Open, trial: CachedTrial) -> None:
        if self.stack is None:
            raise RunRefused(
                f"{opened.run.path}: asks for a trial that is not recorded: {trial.config}; run with --reuse trains it"
            )
        wanted = self.wanted.setdefault(id(trial), _Wanted(trial=trial))
        wanted.waiting.append(opened)
        if not wanted.in_slot and not wanted.queued:
            wanted.queued = True
            (self.queue if opened.ahead is None else self.later).append(wanted)

    def _train(self, stack: Stack) -> None:
        """Fill the free slots, then train until some trials have finished an epoch."""
        while stack.free and (wanted := self._next()) is not None:
            self._admit(stack, wanted)
        for ticket, result in stack.advance():
            self._take(stack, self.wanted[ticket], result)  # type: ignore[index]  # tickets are ours

    def _next(self) -> _Wanted | None:
        """The next trial for a slot: sequential runs first, then what is asked for or foreseen."""
        for queue in (self.queue, self.later):
            if queue:
                return queue.popleft()
        for opened in self.open.values():
            for config, epochs in opened.ahead or ():
                trial = self.store.trial(opened.run, config)
                if not trial.serves(epochs) and id(trial) not in self.wanted:
                    return self.wanted.setdefault(id(trial), _Wanted(trial=trial, target=epochs))
        return None

    def _admit(self, stack: Stack, wanted: _Wanted) -> None:
        trial = wanted.trial
        wanted.queued, wanted.in_slot = False, True
        saved, trial.saved = trial.saved, None
        if saved is None:
            trial.trained = 0
        note_training_start(self.marker)
        try:
            stack.admit(id(trial), trial.config, trial.seed, saved)
        except Exception as error:  # A network of the user's may raise anything.
            self._take(stack, wanted, error)

    def _take(self, stack: Stack, wanted: _Wanted, result: Epoch | Exception) -> None:
        """A trial has finished an epoch, or failed: answer those whom that serves."""
        if isinstance(result, Exception) and stack.capacity > 1 and is_out_of_memory(result):
            raise result  # Not of the trial's doing: with fewer beside it, it may fit.
        trial = wanted.trial
        left_slot = isinstance(result, Exception) or result.diverged
        try:
            if isinstance(result, Exception):
                raise result
            trial.add(self._sound(result, trial))
        except ImpureTrial as error:
            self._fail(wanted, error)
        except Exception as error:  # A network of the user's may raise anything.
            trial.problem = describe_problem(error)
        served = [opened for opened in wanted.waiting if opened.job is not None and trial.serves(opened.job.epochs)]
        wanted.waiting = [opened for opened in wanted.waiting if opened not in served]
        for opened in served:
            assert opened.job is not None
            self._go_on(opened, trial.training(opened.job))
        if not left_slot and not trial.ended and (wanted.waiting or trial.trained < wanted.target):
            return
        wanted.in_slot = False
        if not left_slot:
            saved = stack.pause(id(trial))
            trial.saved = saved if trial.trained < self.objective.max_epochs else None
        if not wanted.queued:
            del self.wanted[id(trial)]

    def _sound(self, epoch: Epoch, trial: CachedTrial) -> Epoch:
        """The epoch, with the chance error where it has diverged."""
        checked, chance = checked_epoch(epoch, trial.trained), self.objective.chance_error
        return replace(checked, valid_error=chance, test_error=chance) if checked.diverged else checked

    def _fail(self, wanted: _Wanted, error: ImpureTrial) -> None:
        """End the runs that wait for a trial which cannot be trusted."""
        failed, wanted.waiting = wanted.waiting, []
        for opened in failed:
            self._throw(opened, error)

    def _throw(self, opened: _Open, error: ImpureTrial) -> None:
        try:
            opened.steps.throw(error)
        except StopIteration as stop:
            self._close(opened, stop.value)

    def _close(self, opened: _Open, report: RunReport) -> None:
        del self.open[opened.run.path]
        self.reports.append(report)
        repetition = opened.run.repetition
        self.left[repetition] -= 1
        if not self.left[repetition]:
            self.store.forget(repetition)
