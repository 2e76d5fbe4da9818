"""Engines: what spreads a suite's runs over processes, on this machine or on a cluster, through joblib."""

from __future__ import annotations

import os
import secrets
import sys
import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config
from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError

from benchmark import worker
from benchmark.aside import execute_aside, recorded_evaluations
from benchmark.engines import nursery
from benchmark.engines.peer import Terms, card, where_modules_are
from benchmark.engines.pulse import Pulse
from benchmark.execution import Conditions, Crash
from benchmark.group import execute_all
from benchmark.header import RunRefused
from benchmark.refusal import BadInput, known, said, shown
from benchmark.report import Report
from benchmark.suite import Run
from benchmark.watchdog import Watchdog

BACKENDS = ("loky", "dask", "ray")

Group = tuple[list[Run], Crash | None]
"""Runs that one worker executes side by side, and an evaluation to record as crashed in every one of them."""


class EngineLost(Exception):
    """The cluster no longer answers; what is recorded stays, and the same command goes on."""


class Engine(ABC):
    """Executes groups of runs somewhere.

    Attributes:
        jobs: groups at once; results do not depend on it. Known once the engine is open.
        lost: what `reports` raises when workers have died and took their groups with them.
    """

    jobs: int
    lost: tuple[type[BaseException], ...]

    @abstractmethod
    def opened(
        self, folder: Path, device: str, libraries: Iterable[str], label: str, modules: Sequence[str] = ()
    ) -> AbstractContextManager[None]:
        """Workers ready, like this process and with the folder in reach, for a block; nothing is written.

        Args:
            folder: the suite's results.
            device: on which trials train.
            libraries: distributions that the suite's algorithms belong to.
            label: tells processes apart that share the folder.
            modules: that the suite names by dotted path.

        Raises:
            BadInput: no such library, or nobody at the address.
            RunRefused: the workers cannot work for this driver.
        """

    @abstractmethod
    def serving(self, folder: Path) -> AbstractContextManager[None]:
        """What the workers need as long as they work for this process, which holds the folder."""

    @abstractmethod
    def reports(self, groups: Iterator[Group], conditions: Conditions) -> Iterator[list[Report]]:
        """Execute groups of runs, in any order.

        Raises:
            EngineLost: nobody answers any more.
        """

    @abstractmethod
    def alone(self, run: Run, conditions: Conditions, watchdog: Watchdog | None) -> Report:
        """Execute a run that has been in flight at several deaths without getting on."""

    def fewer(self) -> int | None:
        """Have one group fewer at once from now on; how many that is, None where it cannot be."""
        return None


class Loky(Engine):
    """Processes on this machine; with one job, this process itself.

    Args:
        jobs: groups at once.
        apart: have even one at a time in another process, which a trial may kill.
    """

    lost = (TerminatedWorkerError, BrokenProcessPool)

    def __init__(self, jobs: int, *, apart: bool = False) -> None:
        self.jobs = self.at_once = jobs
        self.processes = max(2, jobs) if apart else jobs

    def opened(
        self, folder: Path, device: str, libraries: Iterable[str], label: str, modules: Sequence[str] = ()
    ) -> AbstractContextManager[None]:
        return nullcontext()

    def fewer(self) -> int | None:
        if self.at_once == 1:
            return None
        self.at_once -= 1
        self.processes = max(2, self.at_once)  # Never this one: whoever was killed there would take it along.
        return self.at_once

    def serving(self, folder: Path) -> AbstractContextManager[None]:
        return nullcontext()

    def reports(self, groups: Iterator[Group], conditions: Conditions) -> Iterator[list[Report]]:
        # A worker that has grown by some 100 MB is replaced, which is no trouble; the warning would say it was.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
        tasks = ((runs, conditions, crash) for runs, crash in groups)
        yield from by_loky(execute_all, tasks, self.processes, self.at_once, ordered=False)

    def alone(self, run: Run, conditions: Conditions, watchdog: Watchdog | None) -> Report:
        return execute_aside(run, conditions, watchdog)


def by_loky(
    call: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], processes: int, at_once: int, *, ordered: bool
) -> Iterator[Any]:
    """What a call gives for each task's arguments, by processes of this machine that work where this one does."""
    several = processes > 1
    options: dict[str, Any] = {"initializer": worker.begin, "initargs": (os.getpid(),)} if several else {}
    here = worker.working_folder()
    with parallel_config(backend="loky", inner_max_num_threads=1 if several else None, **options):
        return_as = "generator" if ordered else "generator_unordered"
        parallel = Parallel(n_jobs=processes, batch_size=1, pre_dispatch=at_once, return_as=return_as)
        yield from parallel(delayed(worker.in_folder)(here, call, *task) for task in tasks)


class Cluster(Engine):
    """Workers that may be on other machines; they write the ledgers themselves, into a folder that all share.

    Args:
        jobs: groups at once; None is one for every worker found at the start.
        address: of a running cluster; None starts one on this machine and stops it at the end.
    """

    name: str

    def __init__(self, jobs: int | None, address: str | None) -> None:
        self.asked, self.address, self.jobs = jobs, address, jobs or 1
        self.terms: Terms | None = None
        self.backend: Any = None

    @abstractmethod
    def connected(self) -> AbstractContextManager[int]:
        """A connection for a block, to workers that are there; gives how many groups they should have at once."""

    def alive(self) -> bool:
        """Whether the connection stands, as far as that is known without asking."""
        return True

    @abstractmethod
    def probes(self, terms: Terms, path: Path, text: str) -> dict[str, list[str]]:
        """What `nursery.probe` says on every machine (or worker) of the cluster."""

    @abstractmethod
    def joblib_backend(self) -> Any:
        """A backend of joblib that hands out a result as soon as it is there, a `Failing` one."""

    @contextmanager
    def opened(
        self, folder: Path, device: str, libraries: Iterable[str], label: str, modules: Sequence[str] = ()
    ) -> Iterator[None]:
        folder, names = folder.absolute(), tuple(libraries)
        self.terms = Terms(
            folder=folder,
            label=label,
            token=secrets.token_hex(8),
            driver=os.getpid() if self.address is None else None,
            place=str(Path.cwd()),
            paths=where_modules_are(sys.path, sys.prefix),
            device=device,
            libraries=names,
            card=card(device, names, modules),
            modules=tuple(modules),
        )
        with self.connected() as self.jobs:
            self._check(self.terms)
            yield

    @contextmanager
    def serving(self, folder: Path) -> Iterator[None]:
        if self.terms is None:  # Nothing is to do.
            yield
            return
        with Pulse(folder, self.terms.label, self.terms.token, self.alive, self._silent):
            yield

    def reports(self, groups: Iterator[Group], conditions: Conditions) -> Iterator[list[Report]]:
        conditions = _everywhere(conditions)
        yield from self._spread(delayed(nursery.attend)(runs, conditions, self.terms) for runs, _ in groups)

    def alone(self, run: Run, conditions: Conditions, watchdog: Watchdog | None) -> Report:
        """Execute the run with the evaluation that was in flight recorded as crashed.

        The trial itself never kills a worker, see `nursery`; but the memory that it takes may.
        """
        conditions, last = _everywhere(conditions), -1
        while (index := recorded_evaluations(conditions.folder / run.path)) > last:
            last = index
            crash = Crash(index=index, reason="its worker died each time", seconds=0.0)
            task = delayed(nursery.attend)([run], conditions, self.terms, {run.path: crash})
            try:
                return next(report for reports in self._spread(iter([task])) for report in reports)
            except self.lost:
                continue  # At a later trial, if it got on.
        raise EngineLost(f"{run.path}: workers die even while nothing is trained")

    def _spread(self, tasks: Iterator[Any]) -> Iterator[list[Report]]:
        self.backend = self.joblib_backend()
        with parallel_config(backend=self.backend):
            parallel = Parallel(n_jobs=self.jobs, batch_size=1, pre_dispatch=self.jobs, return_as="generator_unordered")
            try:
                yield from parallel(tasks)
            except Exception as error:  # Whatever a cluster that falls apart raises, or a worker on a bad disk.
                if isinstance(error, (*self.lost, EngineLost)):
                    raise
                raise EngineLost(f"the {self.name} cluster gave up a task ({said(error)[:500]})") from error

    def _silent(self) -> None:
        """Nobody has answered for long: end what waits for it."""
        if self.backend is not None:
            self.backend.fail(EngineLost(f"no worker of the {self.name} cluster answers any more"))

    def _check(self, terms: Terms) -> None:
        """Refuse workers that do not see the folder or would not compute the same."""
        there = next(path for path in (terms.folder, *terms.folder.parents) if path.is_dir())
        path = there / f".incumbent-{terms.token}"
        try:
            path.write_text(terms.token)
            problems = self.probes(terms, path, terms.token)
        except OSError as error:
            raise BadInput(f"results folder {there}: cannot be written ({error.strerror})") from error
        finally:
            path.unlink(missing_ok=True)
        for where, found in problems.items():
            if found:
                raise RunRefused(f"{self.name} worker {where}: {'; '.join(found)}")


class Failing:
    """Mixed into a backend of joblib: hears of every failure, once, and can be told of one.

    joblib's own Dask backend tells nobody of a task whose worker died once too often, and waits for good.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.waiting: dict[int, Callable[[Any], None]] = {}
        self.count = 0

    def submit(self, function: Any, callback: Callable[[Any], None]) -> Any:
        number = self.count = self.count + 1
        self.waiting[number] = callback

        def tell(outcome: Any) -> None:
            told = self.waiting.pop(number, None)
            if told is not None:
                told(outcome)

        future = super().submit(function, tell)  # type: ignore[misc]  # of the backend it is mixed into
        if hasattr(future, "add_done_callback"):
            future.add_done_callback(lambda done: tell(done.exception()) if done.exception() else None)
        return future

    def fail(self, error: Exception) -> None:
        """End the call of joblib in progress with an error."""
        for callback in [self.waiting.pop(number) for number in list(self.waiting)]:
            callback(error)


def _everywhere(conditions: Conditions) -> Conditions:
    """The conditions as they hold in any process: an absolute folder, and no notes for this machine's watchdog."""
    return replace(conditions, folder=conditions.folder.absolute(), notes=None)


def build(backend: str | None, asked: int | None, here: int, scheduler: str | None, address: str | None) -> Engine:
    """The engine that a command asks for.

    Args:
        backend: one of `BACKENDS`, None for loky.
        asked: how many jobs the command says, if it does.
        here: how many processes this machine takes.
        scheduler: of a running Dask cluster.
        address: of a running Ray cluster.

    Raises:
        BadInput: an unknown backend, an address of another one, or a library that is not installed.
    """
    backend = known("--backend", backend or BACKENDS[0], BACKENDS)
    for option, value, owner in (("--scheduler", scheduler, "dask"), ("--address", address, "ray")):
        if value is not None and owner != backend:
            raise BadInput(f"{option} {shown(value)}: is for --backend {owner}, not for {backend}")
    if backend == "loky":
        return Loky(here)
    if backend == "dask":
        from benchmark.engines.dask_engine import Dask

        return Dask(here if scheduler is None else asked, scheduler)
    from benchmark.engines.ray_engine import Ray

    return Ray(here if address is None else asked, address)
