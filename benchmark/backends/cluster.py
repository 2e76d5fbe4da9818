"""Runs a suite on the workers of a Dask or Ray cluster."""

from __future__ import annotations

import os
import secrets
import sys
from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config

from benchmark.backends.base import Backend, BackendLost, Group
from benchmark.errors import BadInput, one_line
from benchmark.storage.ledger_format import count_evaluations
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Run
from benchmark.tuning.run_report import RunReport
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.workers import cluster_worker
from benchmark.workers.handshake import Handshake, card, where_modules_are
from benchmark.workers.heartbeat import Heartbeat
from benchmark.workers.watchdog import Watchdog


class Cluster(Backend):
    """Workers that may be on other machines; they write the ledgers themselves, into a folder that all share.

    Args:
        jobs: groups at once; None is one for every worker found at the start.
        address: of a running cluster; None starts one on this machine and stops it at the end.
    """

    name: str

    def __init__(self, jobs: int | None, address: str | None) -> None:
        self.asked, self.address, self.jobs = jobs, address, jobs or 1
        self.terms: Handshake | None = None
        self.backend: Any = None

    @abstractmethod
    def connected(self) -> AbstractContextManager[int]:
        """A connection for a block, to workers that are there; gives how many groups they should have at once."""

    def alive(self) -> bool:
        """Whether the connection stands, as far as that is known without asking."""
        return True

    @abstractmethod
    def probes(self, terms: Handshake, path: Path, text: str) -> dict[str, list[str]]:
        """What `nursery.probe` says on every machine (or worker) of the cluster."""

    @abstractmethod
    def joblib_backend(self) -> Any:
        """A backend of joblib that hands out a result as soon as it is there, a `Failing` one."""

    @contextmanager
    def opened(
        self, folder: Path, device: str, libraries: Iterable[str], label: str, modules: Sequence[str] = ()
    ) -> Iterator[None]:
        folder, names = folder.absolute(), tuple(libraries)
        self.terms = Handshake(
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
        with Heartbeat(folder, self.terms.label, self.terms.token, self.alive, self._silent):
            yield

    def reports(self, groups: Iterator[Group], settings: RunSettings) -> Iterator[list[RunReport]]:
        settings = _everywhere(settings)
        yield from self._spread(delayed(cluster_worker.serve_group)(runs, settings, self.terms) for runs, _ in groups)

    def alone(self, run: Run, settings: RunSettings, watchdog: Watchdog | None) -> RunReport:
        """Execute the run with the evaluation that was in flight recorded as crashed.

        The trial itself never kills a worker, see `nursery`; but the memory that it takes may.
        """
        settings, last = _everywhere(settings), -1
        while (index := count_evaluations(settings.folder / run.path)) > last:
            last = index
            fatal = FatalEvaluation(index=index, reason="its worker died each time", seconds=0.0)
            task = delayed(cluster_worker.serve_group)([run], settings, self.terms, {run.path: fatal})
            try:
                return next(report for reports in self._spread(iter([task])) for report in reports)
            except self.lost:
                continue  # At a later trial, if it got on.
        raise BackendLost(f"{run.path}: workers die even while nothing is trained")

    def _spread(self, tasks: Iterator[Any]) -> Iterator[list[RunReport]]:
        self.backend = self.joblib_backend()
        with parallel_config(backend=self.backend):
            parallel = Parallel(n_jobs=self.jobs, batch_size=1, pre_dispatch=self.jobs, return_as="generator_unordered")
            try:
                yield from parallel(tasks)
            except Exception as error:  # Whatever a cluster that falls apart raises, or a worker on a bad disk.
                if isinstance(error, (*self.lost, BackendLost)):
                    raise
                raise BackendLost(f"the {self.name} cluster gave up a task ({one_line(error)[:500]})") from error

    def _silent(self) -> None:
        """Nobody has answered for long: end what waits for it."""
        if self.backend is not None:
            self.backend.fail(BackendLost(f"no worker of the {self.name} cluster answers any more"))

    def _check(self, terms: Handshake) -> None:
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


class FailFastBackend:
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


def _everywhere(settings: RunSettings) -> RunSettings:
    """The settings as they hold in any process: an absolute folder, and no notes for this machine's watchdog."""
    return replace(settings, folder=settings.folder.absolute(), notes=None)
