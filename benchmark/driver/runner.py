"""Spreads a suite's runs over processes, and survives the ones that die."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from benchmark.backends.base import Backend, Group
from benchmark.backends.loky import Loky
from benchmark.batching.run_group import trains_side_by_side
from benchmark.driver.code_changes import code_change_warning, modules_of, source_card
from benchmark.driver.crash_tracker import CrashTracker
from benchmark.driver.stall_monitor import StallMonitor
from benchmark.errors import BadInput
from benchmark.planning.shard import Shard
from benchmark.reproducibility.environment import describe_environment
from benchmark.result_folder.folder_lock import folder_lock
from benchmark.result_folder.suite_json_writer import write_suite_json
from benchmark.storage.filesystem import doubt
from benchmark.storage.ledger_format import failed_path, partial_path, read_header, read_ledger
from benchmark.storage.resume_check import check_header
from benchmark.suite.model import Run, Suite
from benchmark.tabular.replay import load_table_of, require_same_machine
from benchmark.tuning.factory import check_suite, library_versions
from benchmark.tuning.preparation import prepare_objective
from benchmark.tuning.run_report import RunReport, recorded_report
from benchmark.tuning.run_settings import RunSettings
from benchmark.tuning.trial_cache import find_ledgers
from objectives.objective import Machine, Objective

TASKS_A_WORKER = 4
"""Tasks of an objective for every CPU worker: few enough to fill a stack, enough to share out the end."""


class Listener(Protocol):
    """Told how a suite goes; draws the progress bar."""

    def begin(self, suite: Suite, folder: Path, done: list[Run], pending: list[Run]) -> None: ...
    def dispatched(self, run: Run) -> None: ...
    def reported(self, report: RunReport) -> None: ...
    def say(self, message: str) -> None: ...


class Runner:
    """Executes the runs of a suite that are not complete yet.

    Args:
        suite: the comparison.
        results: folder under which the suite has its own.
        jobs: processes; results do not depend on it.
        backend: executes the runs; None uses so many loky processes on this machine.
        machine: device and data folder.
        listener: told of every run.
        allow_mixed: continue runs recorded in another environment, and mark them.
        capacity: slots of a stack; results do not depend on it. None leaves it to the objective.
        reuse: folder of another suite's results, whose trials are taken where they are the same.
        train: False refuses to train what is not found there or in `tables`, and asks neither data nor
            device.
        tables: folder of offline tables that answer instead of training.
        recycle: whether a table's repetitions may stand for others that it does not hold.
        write: writes what the analysis reads besides the ledgers, once everything is checked and the
            folder is this process's own.
        shard: execute this share of the runs only; others may work on theirs in the same folder.
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
    ) -> None:
        self.suite, self.folder = suite, results / suite.name
        self.backend = Loky(jobs) if backend is None else backend
        self.machine, self.listener, self.allow_mixed = machine, listener, allow_mixed
        self.capacity, self.reuse, self.train = capacity, reuse, train
        self.tables, self.recycle, self.write, self.shard = tables, recycle, write, shard
        self.repetitions = suite.repetitions
        self.casualties = CrashTracker(self.folder, self.backend, listener.say)
        self.vigil = StallMonitor(self.folder, listener.say)
        self.arithmetics: dict[str, str] = {}
        self.reports: list[RunReport] = []

    def run(self, order: Iterable[Run] | None = None) -> list[RunReport]:
        """Execute what is missing, in the suite's order or in another (results do not depend on it).

        Raises:
            BadInput, DataError: a part of the suite that cannot be built or loaded.
            RunRefused: results of another suite or environment are in the folder, or another process
                works on it.
            LedgerError: a damaged ledger in the folder.
            BackendLost: a cluster no longer answers; what is recorded stays.
        """
        objectives = check_suite(self.suite)
        settings = RunSettings(
            folder=self.folder,
            machine=self.machine,
            environment=self._environment(),
            allow_mixed=self.allow_mixed,
            capacity=self.capacity,
            reuse=self.reuse,
            train=self.train,
            tables=self.tables,
            recycle=self.recycle,
        )
        self.objectives = objectives
        data = {
            label: prepare_objective(label, objective, self.machine)
            for label, objective in objectives.items()
            if self.train
        }
        if self.train and self.reuse is not None:
            self._check_reuse()
        if self.tables is not None:
            data |= self._check_tables(settings)
        share = self.suite.runs() if self.shard is None else self.shard.runs(self.suite)
        runs = list(order if order is not None else share)
        self.repetitions = len({run.repetition for run in runs})
        unfinished = any(not (self.folder / run.path).exists() for run in runs)
        for run in runs:
            # A complete suite may be looked at from any machine; going on with one must not mix bits.
            if run.objective.label in data:
                self._check_recorded(run, data[run.objective.label], settings, any_machine=not unfinished)
        if self.shard is not None and data:
            self._check_others({run.path for run in runs}, data, settings)
        with (
            self._connected_backend(unfinished=unfinished),
            folder_lock(self.folder, self.shard),
            self.backend.send_heartbeat(self.folder),
            self.casualties.watched(settings, self.suite.timeout) as settings,
        ):
            if self.train:
                settings = replace(settings, environment={**settings.environment, "jobs": self.backend.jobs})
            self.write(self.folder, self.suite, objectives)
            done = [run for run in runs if (self.folder / run.path).exists()]
            pending = [run for run in runs if not (self.folder / run.path).exists()]
            self.listener.begin(self.suite, self.folder, done, pending)
            for line in (
                doubt(self.folder),
                code_change_warning(runs, self.folder, settings.environment) if pending else None,
            ):
                if line is not None:
                    self.listener.say(line)
            with self.vigil:
                while pending:
                    pending = self._dispatch(pending, settings)
                    pending = self._take_aside(pending, settings)
        return self.reports

    def _connected_backend(self, *, unfinished: bool) -> AbstractContextManager[None]:
        """Connect to the backend's workers; for a complete suite nothing is started."""
        if not unfinished:
            return nullcontext()
        libraries = {name for algorithm in self.suite.algorithms for name in library_versions(algorithm)}
        label = "" if self.shard is None else f"-{self.shard.name}"
        return self.backend.connect(
            self.folder, self.machine.device, sorted(libraries), label, modules=modules_of(self.suite)
        )

    def _check_reuse(self) -> None:
        """Refuse to pass over results in silence: trained alone, a trial takes none from elsewhere."""
        for run in self.suite.runs():
            if not trains_side_by_side(run, self.objectives[run.objective.label]):
                why = "clock is measured" if run.clock == "measured" else f"{run.objective.label} has no stack"
                why = why if run.timeout is None else f"timeout is {run.timeout:g}"
                raise BadInput(f"--reuse {self.reuse}: {why}; only trials that train side by side are shared")

    def _check_tables(self, settings: RunSettings) -> dict[str, dict[str, str]]:
        """The checksums of the tables' data; refuses tables of other trials."""
        assert self.tables is not None
        data = {}
        for run in [run for run in self.suite.runs() if run.repetition == 0]:
            table = load_table_of(run, self.tables)
            data[run.objective.label] = table.header["data"]
            self.arithmetics[run.objective.label] = str(table.header["environment"].get("arithmetic"))
            if self.train and not self.allow_mixed:
                here = {
                    **settings.environment,
                    "arithmetic": self.objectives[run.objective.label].arithmetic(self.machine, stacked=False),
                }
                require_same_machine(table, here, self.tables)
        return data

    def _environment(self) -> dict[str, Any]:
        """The machine card: this machine's, or that of the results which are only answered from or priced anew."""
        if self.train:
            return describe_environment(self.machine.device, self.backend.jobs) | source_card(self.suite)
        if self.tables is not None:
            return dict(load_table_of(next(self.suite.runs()), self.tables).header["environment"])
        assert self.reuse is not None
        found = next((path for run in self.suite.runs() for path in find_ledgers(self.reuse, run)), None)
        if found is None:
            raise BadInput(f"{self.reuse}: no run of the suite {self.suite.name} is recorded there")
        return dict(read_ledger(found).records[0]["environment"])

    def _check_recorded(self, run: Run, data: dict[str, str], settings: RunSettings, *, any_machine: bool) -> None:
        """Refuse a folder whose recorded runs are not this suite's, before anything is written."""
        path = self.folder / run.path
        for candidate in (path, partial_path(path), failed_path(path)):
            header = next(iter(read_ledger(candidate).records), None) if os.path.lexists(candidate) else None
            if header is not None:
                self._check_recorded_header(header, run, data, settings, candidate, any_machine=any_machine)

    def _check_recorded_header(
        self,
        header: dict[str, Any],
        run: Run,
        data: dict[str, str],
        settings: RunSettings,
        path: Path,
        *,
        any_machine: bool = False,
    ) -> None:
        environment = {**settings.environment, "arithmetic": self._arithmetic(run)}
        recorded = header["environment"].get("libraries") or {}  # Other processes' are asked for by the run.
        environment |= {"libraries": {**recorded, **library_versions(run.algorithm)} or None}
        expected = {"run": run.identity(), "data": data, "environment": environment}
        check_header(header, expected, path, allow_mixed=self.allow_mixed or any_machine)

    def _check_others(self, own: set[Path], data: dict[str, dict[str, str]], settings: RunSettings) -> None:
        """Refuse a folder where other shards ran another suite, or on another machine; they may be at it."""
        for run in self.suite.runs():
            path = self.folder / run.path
            for candidate in (path, partial_path(path), failed_path(path)) if run.path not in own else ():
                header = read_header(candidate)
                if header is not None and run.objective.label in data:
                    self._check_recorded_header(header, run, data[run.objective.label], settings, candidate)

    def _arithmetic(self, run: Run) -> str:
        """What decides the bits of the run's trials; asked once for every objective, since it builds networks."""
        label = run.objective.label
        if label not in self.arithmetics:
            objective = self.objectives[label]
            self.arithmetics[label] = objective.arithmetic(self.machine, stacked=trains_side_by_side(run, objective))
        return self.arithmetics[label]

    def _dispatch(self, pending: list[Run], settings: RunSettings) -> list[Run]:
        """Give the runs to the workers; returns those left over when a worker died."""
        unreported = {run.path: run for run in pending}
        in_flight: dict[Path, Run] = {}

        def groups() -> Iterator[Group]:
            for runs in self._tasks(pending):
                self.vigil.begin(run.path for run in runs)
                for run in runs:
                    in_flight[run.path] = run
                    self.listener.dispatched(run)
                yield runs, self.casualties.overdue.get(runs[0].path)

        try:
            for report in chain.from_iterable(self.backend.execute_groups(groups(), settings)):
                in_flight.pop(report.run.path, None)
                unreported.pop(report.run.path, None)
                self._report(report)
        except self.backend.worker_death_errors as death:
            self.listener.say("a worker process died; its runs go on from their ledgers")
            self.vigil.forget()
            for run in [run for run in unreported.values() if (self.folder / run.path).exists()]:
                in_flight.pop(run.path, None)
                self._report(recorded_report(unreported.pop(run.path), self.folder))
            self.casualties.count(death, in_flight)
        return list(unreported.values())

    def _tasks(self, pending: list[Run]) -> list[list[Run]]:
        """The runs that one worker executes side by side: all algorithms of some repetitions of an objective."""
        shares = 1 if self.machine.device.startswith("cuda") else TASKS_A_WORKER
        size = math.ceil(self.repetitions / (self.backend.jobs * shares))
        tasks: dict[tuple[Any, ...], list[Run]] = {}
        for run in pending:
            together = (
                not self.train
                or self.tables is not None
                or trains_side_by_side(run, self.objectives[run.objective.label])
            )
            name = (run.objective.label, run.repetition // size) if together else (run.path,)
            tasks.setdefault(name, []).append(run)
        return list(tasks.values())

    def _take_aside(self, pending: list[Run], settings: RunSettings) -> list[Run]:
        """Execute alone the runs that were in flight at several deaths without getting on."""
        left = []
        for run in pending:
            if not self.casualties.suspected(run):
                left.append(run)
            else:
                self.listener.say(f"{run.path}: executed in a process of its own")
                self.vigil.begin([run.path])
                self._report(self.backend.execute_isolated(run, settings, self.casualties.watchdog))
        return left

    def _report(self, report: RunReport) -> None:
        self.vigil.end(report.run.path)
        self.reports.append(report)
        self.listener.reported(report)
