"""Executes a suite's runs on a backend's workers, and goes on when workers die."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from benchmark.backends.base import Backend, Group
from benchmark.backends.loky import Loky
from benchmark.batching.run_group import trains_side_by_side
from benchmark.driver.code_changes import code_change_warning, named_modules, registered_modules
from benchmark.driver.crash_tracker import CrashTracker
from benchmark.driver.fail_fast import SuiteStopped, stop_at_evaluation, stop_at_run
from benchmark.driver.ledger_follower import LedgerFollower
from benchmark.driver.objective_notes import function_notes, left_out_notes, unpriced_notes
from benchmark.driver.preflight import Preflight, describe_machine, lacking_objectives
from benchmark.driver.progress_writer import ProgressWriter
from benchmark.driver.scheduler_notes import single_rung_notes
from benchmark.driver.stall_monitor import StallMonitor
from benchmark.driver.time_left.estimate import TimeLeft
from benchmark.driver.time_left.forecast import expect_work
from benchmark.planning.shard import Shard
from benchmark.reproducibility.setting_changes import SettingChange, pop_changes
from benchmark.result_folder.folder_lock import folder_lock
from benchmark.result_folder.outcomes import Outcomes
from benchmark.result_folder.suite_json_writer import write_suite_json
from benchmark.suite.model import Run, Suite
from benchmark.tuning.clock import dear_price
from benchmark.tuning.factory import check_suite, library_versions
from benchmark.tuning.run_report import RunReport, is_done, recorded_report
from benchmark.tuning.run_settings import RunSettings
from objectives.objective import Machine, Objective

GROUPS_A_WORKER = 4
"""Groups of an objective for every CPU worker: few enough to fill a stack, enough to balance the load at the end."""


class Listener(Protocol):
    """Hears of a suite's progress; draws the progress bar from what it hears and from the outcomes."""

    outcomes: Outcomes
    time_left: TimeLeft | None

    def start(self, suite: Suite, folder: Path, done: list[Run], pending: list[Run]) -> None: ...
    def run_started(self, run: Run) -> None: ...
    def run_ended(self, report: RunReport) -> None: ...
    def say(self, message: str) -> None: ...


class Runner:
    """Executes the runs of a suite that are not complete yet.

    Args:
        suite: the comparison.
        results: folder under which the suite has its own.
        jobs: processes on this machine, where no backend is given; results do not depend on it.
        machine: device and data folder.
        listener: hears of every run.
        allow_mixed: continue runs recorded in another environment, and mark them.
        capacity: slots of a stack; results do not depend on it. None leaves it to the objective.
        reuse: folder of another suite's results, whose trials are taken where they are the same.
        train: False refuses to train what is not found there or in `tables`, and asks neither data nor device.
        tables: folder of offline tables that answer instead of training.
        recycle: whether a table's repetitions may stand for others that it does not hold.
        write: writes what the analysis reads besides the ledgers, once everything is checked and the
            folder is this process's own.
        shard: execute this share of the runs only; others may work on theirs in the same folder.
        backend: executes the runs; results do not depend on it. None is so many processes on this machine.
        fail_fast: stop at the first evaluation of this call that comes to no result, or run that fails.
        notes: what the user should know of the machine, said when the first run begins.
    """

    def __init__(
        self,
        suite: Suite,
        results: Path,
        *,
        jobs: int,
        machine: Machine,
        listener: Listener,
        allow_mixed: bool = False,
        capacity: int | None = None,
        reuse: Path | None = None,
        train: bool = True,
        tables: Path | None = None,
        recycle: bool = False,
        write: Callable[[Path, Suite, dict[str, Objective]], None] = write_suite_json,
        shard: Shard | None = None,
        backend: Backend | None = None,
        fail_fast: bool = False,
        notes: Sequence[str] = (),
    ) -> None:
        self.suite, self.folder = suite, results / suite.name
        self.backend = Loky(jobs) if backend is None else backend
        self.machine, self.listener, self.allow_mixed, self.notes = machine, listener, allow_mixed, notes
        self.capacity, self.reuse, self.train = capacity, reuse, train
        self.tables, self.recycle, self.write, self.shard = tables, recycle, write, shard
        self.repetitions, self.fail_fast = suite.repetitions, fail_fast
        self.in_flight: dict[Path, Sequence[Run]] = {}
        self.crashes = CrashTracker(self.folder, listener.say)
        self.time_left = TimeLeft()
        self.follower = LedgerFollower(self.folder, self.in_flight, listener.say, self.time_left.add)
        self.stall_monitor = StallMonitor(self.folder, self.in_flight, listener.say, self._price)
        name = None if shard is None else shard.name
        self.progress = ProgressWriter(self.folder, name, self.in_flight, self.stall_monitor)
        self.reports: list[RunReport] = []
        self.said: set[tuple[str, str]] = set()

    def run(self, order: Iterable[Run] | None = None) -> list[RunReport]:
        """Execute what is missing, in the suite's order or in another (results do not depend on it).

        Raises:
            BadInput, DataError: a part of the suite that cannot be built or loaded.
            RunRefused: the folder holds results of another suite or environment, or another process works on it.
            LedgerError: a damaged ledger in the folder.
            BackendLost: a cluster no longer answers; what is recorded stays.
            SuiteStopped: by the first failure; what is recorded stays.
        """
        share = self.suite.runs() if self.shard is None else self.shard.runs(self.suite)
        runs = list(order if order is not None else share)
        unfinished = not all(is_done(run, self.folder) for run in runs)
        trains = unfinished and self.train and self.tables is None
        with self.backend.starting_workers(registered_modules(self.suite) if trains else ()):
            self._check_and_execute(runs, unfinished=unfinished)
        return self.reports

    def _check_and_execute(self, runs: list[Run], *, unfinished: bool) -> None:
        """Refuse what cannot be executed before anything is written, then execute it."""
        self.objectives = check_suite(self.suite)
        settings = self._settings()
        self.repetitions = len({run.repetition for run in runs})
        preflight = Preflight(self.suite, self.objectives, settings)
        preflight.check(runs, unfinished=unfinished, sharded=self.shard is not None)
        with (
            self._connect(unfinished=unfinished),
            folder_lock(self.folder, self.shard),
            self.backend.send_heartbeat(self.folder),
            self.crashes.watched(settings, self.suite.timeout) as settings,
        ):
            if self.train:
                settings = replace(settings, environment={**settings.environment, "jobs": self.backend.jobs})
            self.write(self.folder, self.suite, self.objectives)
            self._execute(runs, settings)

    def _settings(self) -> RunSettings:
        environment = describe_machine(
            self.suite, self.machine, self.backend.jobs, train=self.train, tables=self.tables, reuse=self.reuse
        )
        return RunSettings(
            folder=self.folder,
            machine=self.machine,
            environment=environment,
            allow_mixed=self.allow_mixed,
            capacity=self.capacity,
            reuse=self.reuse,
            train=self.train,
            tables=self.tables,
            recycle=self.recycle,
            fail_fast=self.fail_fast,
        )

    def _connect(self, *, unfinished: bool) -> AbstractContextManager[None]:
        """Start the backend's workers; none for a complete suite."""
        if not unfinished:
            return nullcontext()
        libraries = {name for algorithm in self.suite.algorithms for name in library_versions(algorithm)}
        label = "" if self.shard is None else f"-{self.shard.name}"
        return self.backend.connect(
            self.folder, self.machine.device, sorted(libraries), label, modules=named_modules(self.suite)
        )

    def _execute(self, runs: list[Run], settings: RunSettings) -> None:
        """Execute the runs that are not complete; those that worker deaths leave over are dispatched again."""
        done = [run for run in runs if is_done(run, self.folder)]
        ended = {run.path for run in done}
        pending = [run for run in runs if run.path not in ended]
        self.listener.start(self.suite, self.folder, done, pending)
        for line in self._warnings(runs, settings) if pending else []:
            self.listener.say(line)
        self._say_changes(pop_changes())
        expect_work(self.time_left, pending, self.objectives, self.folder)
        for run in runs if self.fail_fast else done:  # What failed in an earlier call stops no later one.
            self.follower.read(run, quiet=True)
        self.listener.outcomes, self.listener.time_left = self.follower.outcomes, self.time_left
        by_objective = {run.objective.label: run for run in pending}
        self.prices = {label: dear_price(run, self.objectives[label]) for label, run in by_objective.items()}
        written = self.progress.writing(self.time_left, total=len(runs), done=len(done)) if pending else nullcontext()
        with self.stall_monitor.watching(), self.follower.following(), written:
            while pending:
                pending = self._dispatch(pending, settings)
                pending = self._isolate_suspects(pending, settings)

    def _warnings(self, runs: list[Run], settings: RunSettings) -> list[str]:
        """Lines on the machine, on what is recorded by other code, and on what the results to reuse do not hold."""
        changed = code_change_warning(runs, self.folder, settings.environment)
        lines = [f"note: {note}" for note in self.notes]
        lines += [*function_notes(self.suite, self.objectives), *unpriced_notes(self.suite, self.objectives)]
        lines += [
            *left_out_notes(self.suite),
            *single_rung_notes(self.suite, self.objectives),
            *([] if changed is None else [changed]),
        ]
        lacking = lacking_objectives(self.suite, self.reuse) if self.reuse is not None else []
        if lacking:
            lines.append(f"--reuse {self.reuse}: nothing is recorded there of {', '.join(lacking)}; it is trained")
        return lines

    def _dispatch(self, pending: list[Run], settings: RunSettings) -> list[Run]:
        """Give the runs to the workers; returns those left over when a worker died."""
        unreported = {run.path: run for run in pending}
        grouped = self._group_runs(pending)
        self.time_left.give_out(grouped, self.backend.jobs)

        def groups() -> Iterator[Group]:
            for runs in grouped:
                self.in_flight.update({run.path: runs for run in runs})
                for run in runs:
                    self.listener.run_started(run)
                yield runs, self.crashes.overdue.get(runs[0].path)

        try:
            reports = self.backend.execute_groups(groups(), settings)
            for report in chain.from_iterable(reports):
                unreported.pop(report.run.path, None)
                try:
                    self._report(report)
                except SuiteStopped as stop:
                    reports.throw(stop)  # The backend ends the workers, as it does when a signal arrives.
        except self.backend.worker_death_errors:
            self.listener.say(
                "a worker process died; its runs go on from their ledgers "
                "(where memory is short, the same command with fewer --jobs gives the same results)"
            )
            for run in [run for run in unreported.values() if is_done(run, self.folder)]:
                task = self.objectives[run.objective.label].task
                self._report(recorded_report(unreported.pop(run.path), self.folder, task))
            self.follower.look()
            self._stop_at_failure()
            self.crashes.count_death(self.in_flight)
            self.in_flight.clear()
        return list(unreported.values())

    def _group_runs(self, pending: list[Run]) -> list[list[Run]]:
        """Group runs for one worker each: side by side, all algorithms of some repetitions of an objective."""
        groups_a_worker = 1 if self.machine.device.startswith("cuda") else GROUPS_A_WORKER
        size = math.ceil(self.repetitions / (self.backend.jobs * groups_a_worker))
        groups: dict[tuple[Any, ...], list[Run]] = {}
        for run in pending:
            together = (
                not self.train
                or self.tables is not None
                or run.objective.table is not None
                or trains_side_by_side(run, self.objectives[run.objective.label])
            )
            name = (run.objective.label, run.repetition // size) if together else (run.path,)
            groups.setdefault(name, []).append(run)
        return list(groups.values())

    def _isolate_suspects(self, pending: list[Run], settings: RunSettings) -> list[Run]:
        """Execute suspected runs, each in a process of its own; returns the others."""
        suspects = [run for run in pending if self.crashes.needs_isolation(run.path)]
        for run in suspects:
            self.listener.say(f"{run.path}: executed in a process of its own")
            self.in_flight[run.path] = [run]
            self._report(self.backend.execute_isolated(run, settings, self.crashes.watchdog))
        return [run for run in pending if run not in suspects]

    def _price(self, group: Sequence[Run]) -> float:
        """Price the first records of a group: dear configurations in full, as many as train side by side."""
        return min(len(group), self.capacity or len(group)) * self.prices[group[0].objective.label]

    def _report(self, report: RunReport) -> None:
        self.in_flight.pop(report.run.path, None)
        self.reports.append(report)
        self.follower.read(report.run)
        self.time_left.end(report.run, time.monotonic())
        self.progress.count(report)
        self._stop_at_failure(report)
        self.listener.run_ended(report)
        self._say_changes(report.changes)

    def _stop_at_failure(self, report: RunReport | None = None) -> None:
        """Raise SuiteStopped if an evaluation or the reported run has failed, and that is to stop the suite."""
        if self.fail_fast and self.follower.first_failed is not None:
            raise stop_at_evaluation(*self.follower.first_failed, self.folder)
        if self.fail_fast and report is not None and report.state != "done":
            raise stop_at_run(report, self.folder)

    def _say_changes(self, changes: Iterable[SettingChange]) -> None:
        """Say once, whatever the number of processes, who has changed a setting of the process."""
        for change in changes:
            if change.key not in self.said:
                self.said.add(change.key)
                self.listener.say(change.describe())
