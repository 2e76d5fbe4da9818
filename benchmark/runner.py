"""Spreads a suite's runs over processes, and survives the ones that die."""

from __future__ import annotations

import math
import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, Protocol

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError

from benchmark import worker
from benchmark.aside import execute_aside, outcome_of, recorded_evaluations
from benchmark.build import check_suite, library_versions
from benchmark.environment import describe, pinned
from benchmark.execution import Conditions, Report
from benchmark.folder import claimed, write_plan
from benchmark.header import check_header
from benchmark.lane import execute_all, side_by_side
from benchmark.ledger import failed_of, part_of, read
from benchmark.refusal import BadInput, said
from benchmark.replay import check_machine, table_of
from benchmark.store import ledgers_of
from benchmark.suite import Run, Suite
from objectives.data import DataError
from objectives.objective import Machine, Objective

DEATHS_BEFORE_ALONE = 2
TASKS_A_WORKER = 4
"""Tasks of an objective for every CPU worker: few enough to fill a stack, enough to share out the end."""


class Listener(Protocol):
    """Told how a suite goes; draws the progress bar."""

    def begin(self, suite: Suite, folder: Path, done: list[Run], pending: list[Run]) -> None: ...
    def dispatched(self, run: Run) -> None: ...
    def reported(self, report: Report) -> None: ...
    def say(self, message: str) -> None: ...


class Runner:
    """Executes the runs of a suite that are not complete yet.

    Args:
        suite: the comparison.
        results: folder under which the suite has its own.
        jobs: processes; results do not depend on it.
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
        write: Callable[[Path, Suite, dict[str, Objective]], None] = write_plan,
    ) -> None:
        self.suite, self.folder, self.jobs = suite, results / suite.name, jobs
        self.machine, self.listener, self.allow_mixed = machine, listener, allow_mixed
        self.capacity, self.reuse, self.train = capacity, reuse, train
        self.tables, self.recycle, self.write = tables, recycle, write
        self.deaths: Counter[tuple[Path, int]] = Counter()
        self.arithmetics: dict[str, str] = {}
        self.reports: list[Report] = []

    def run(self, order: Iterable[Run] | None = None) -> list[Report]:
        """Execute what is missing, in the suite's order or in another (results do not depend on it).

        Raises:
            BadInput, DataError: a part of the suite that cannot be built or loaded.
            RunRefused: results of another suite or environment are in the folder, or another process
                works on it.
            LedgerError: a damaged ledger in the folder.
        """
        objectives = check_suite(self.suite)
        conditions = Conditions(
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
        data = {label: self._prepare(label, objective) for label, objective in objectives.items() if self.train}
        if self.train and self.reuse is not None:
            self._check_reuse()
        if self.tables is not None:
            data |= self._check_tables(conditions)
        runs = list(order if order is not None else self.suite.runs())
        unfinished = any(not (self.folder / run.path).exists() for run in runs)
        for run in runs:
            # A complete suite may be looked at from any machine; going on with one must not mix bits.
            if run.objective.label in data:
                self._check_recorded(run, data[run.objective.label], conditions, any_machine=not unfinished)
        with claimed(self.folder):
            self.write(self.folder, self.suite, objectives)
            done = [run for run in runs if (self.folder / run.path).exists()]
            pending = [run for run in runs if not (self.folder / run.path).exists()]
            self.listener.begin(self.suite, self.folder, done, pending)
            while pending:
                pending = self._dispatch(pending, conditions)
                pending = self._take_aside(pending, conditions)
        return self.reports

    def _check_reuse(self) -> None:
        """Refuse to pass over results in silence: trained alone, a trial takes none from elsewhere."""
        for run in self.suite.runs():
            if not side_by_side(run, self.objectives[run.objective.label]):
                why = "clock is measured" if run.clock == "measured" else f"{run.objective.label} has no stack"
                raise BadInput(f"--reuse {self.reuse}: {why}; only trials that train side by side are shared")

    def _check_tables(self, conditions: Conditions) -> dict[str, dict[str, str]]:
        """The checksums of the tables' data; refuses tables of other trials."""
        assert self.tables is not None
        data = {}
        for run in [run for run in self.suite.runs() if run.repetition == 0]:
            table = table_of(run, self.tables)
            data[run.objective.label] = table.header["data"]
            self.arithmetics[run.objective.label] = str(table.header["environment"].get("arithmetic"))
            if self.train and not self.allow_mixed:
                here = {
                    **conditions.environment,
                    "arithmetic": self.objectives[run.objective.label].arithmetic(self.machine, stacked=False),
                }
                check_machine(table, here, self.tables)
        return data

    def _environment(self) -> dict[str, Any]:
        """The machine card: this machine's, or that of the results which are only answered from or priced anew."""
        if self.train:
            return describe(self.machine.device, self.jobs)
        if self.tables is not None:
            return dict(table_of(next(self.suite.runs()), self.tables).header["environment"])
        assert self.reuse is not None
        found = next((path for run in self.suite.runs() for path in ledgers_of(self.reuse, run)), None)
        if found is None:
            raise BadInput(f"{self.reuse}: no run of the suite {self.suite.name} is recorded there")
        return dict(read(found).records[0]["environment"])

    def _prepare(self, label: str, objective: Objective) -> dict[str, str]:
        try:
            with pinned(self.machine.device):
                return objective.prepare(self.machine)
        except DataError:
            raise
        except Exception as error:  # A third-party objective may raise anything.
            raise BadInput(f"objectives.{label}: cannot be prepared ({said(error)})") from error

    def _check_recorded(self, run: Run, data: dict[str, str], conditions: Conditions, *, any_machine: bool) -> None:
        """Refuse a folder whose recorded runs are not this suite's, before anything is written."""
        path = self.folder / run.path
        for candidate in (path, part_of(path), failed_of(path)):
            header = next(iter(read(candidate).records), None) if os.path.lexists(candidate) else None
            if header is not None:
                environment = {**conditions.environment, "arithmetic": self._arithmetic(run)}
                recorded = header["environment"].get("libraries") or {}  # Other processes' are asked for by the run.
                environment |= {"libraries": {**recorded, **library_versions(run.algorithm)} or None}
                expected = {"run": run.identity(), "data": data, "environment": environment}
                check_header(header, expected, candidate, allow_mixed=self.allow_mixed or any_machine)

    def _arithmetic(self, run: Run) -> str:
        """What decides the bits of the run's trials; asked once for every objective, since it builds networks."""
        label = run.objective.label
        if label not in self.arithmetics:
            objective = self.objectives[label]
            self.arithmetics[label] = objective.arithmetic(self.machine, stacked=side_by_side(run, objective))
        return self.arithmetics[label]

    def _dispatch(self, pending: list[Run], conditions: Conditions) -> list[Run]:
        """Give the runs to the workers; returns those left over when a worker died."""
        unreported = {run.path: run for run in pending}
        in_flight: dict[Path, Run] = {}

        def tasks() -> Iterator[Any]:
            for runs in self._tasks(pending):
                for run in runs:
                    in_flight[run.path] = run
                    self.listener.dispatched(run)
                yield delayed(execute_all)(runs, conditions)

        try:
            for report in chain.from_iterable(self._parallel(tasks())):
                in_flight.pop(report.run.path, None)
                unreported.pop(report.run.path, None)
                self._report(report)
        except (TerminatedWorkerError, BrokenProcessPool):
            self.listener.say("a worker process died; its runs go on from their ledgers")
            for run in [run for run in unreported.values() if (self.folder / run.path).exists()]:
                in_flight.pop(run.path, None)
                self._report(outcome_of(unreported.pop(run.path), self.folder))
            for run in in_flight.values():
                self.deaths[run.path, recorded_evaluations(self.folder / run.path)] += 1
        return list(unreported.values())

    def _tasks(self, pending: list[Run]) -> list[list[Run]]:
        """The runs that one worker executes side by side: all algorithms of some repetitions of an objective."""
        shares = 1 if self.machine.device.startswith("cuda") else TASKS_A_WORKER
        size = math.ceil(self.suite.repetitions / (self.jobs * shares))
        tasks: dict[tuple[Any, ...], list[Run]] = {}
        for run in pending:
            together = (
                not self.train or self.tables is not None or side_by_side(run, self.objectives[run.objective.label])
            )
            name = (run.objective.label, run.repetition // size) if together else (run.path,)
            tasks.setdefault(name, []).append(run)
        return list(tasks.values())

    def _parallel(self, tasks: Iterator[Any]) -> Iterator[list[Report]]:
        options: dict[str, Any] = {"initializer": worker.begin, "initargs": (os.getpid(),)} if self.jobs > 1 else {}
        # A worker that has grown by some 100 MB is replaced, which is no trouble; the warning would say it was.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
        with parallel_config(backend="loky", inner_max_num_threads=1 if self.jobs > 1 else None, **options):
            parallel = Parallel(n_jobs=self.jobs, batch_size=1, pre_dispatch=self.jobs, return_as="generator_unordered")
            yield from parallel(tasks)

    def _take_aside(self, pending: list[Run], conditions: Conditions) -> list[Run]:
        """Execute alone the runs that were in flight at several deaths without getting on."""
        left = []
        for run in pending:
            if self.deaths[run.path, recorded_evaluations(self.folder / run.path)] < DEATHS_BEFORE_ALONE:
                left.append(run)
            else:
                self.listener.say(f"{run.path}: executed in a process of its own")
                self._report(execute_aside(run, conditions))
        return left

    def _report(self, report: Report) -> None:
        self.reports.append(report)
        self.listener.reported(report)
