"""Executes a suite's runs on the workers of a cluster; the common part of the Dask and the Ray backend."""

from __future__ import annotations

import os
import secrets
import sys
from abc import abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config

from benchmark.backends.base import Backend, BackendLost, Group
from benchmark.errors import BadInput, one_line
from benchmark.storage.ledger_format import count_evaluations
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Run
from benchmark.suite.module_folder import user_module_folders
from benchmark.tuning.run_report import RunReport
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.workers import cluster_worker
from benchmark.workers.handshake import Handshake, describe_process
from benchmark.workers.heartbeat import Heartbeat
from benchmark.workers.watchdog import Watchdog
from benchmark.workers.worker_process import safe_module_path


class Cluster(Backend):
    """Workers that may be on other machines; they write the ledgers themselves, into a folder that all share.

    Args:
        jobs: groups at the same time; None is one for every worker found at the start.
        address: of a running cluster; None starts one on this machine and stops it at the end.
    """

    name: str

    def __init__(self, jobs: int | None, address: str | None) -> None:
        self.requested_jobs, self.address, self.jobs = jobs, address, jobs or 1
        self.handshake: Handshake | None = None
        self.joblib_backend: Any = None

    @abstractmethod
    def connect_cluster(self) -> AbstractContextManager[int]:
        """Connect to workers for a block; yields how many groups they should execute at the same time."""

    def is_connected(self) -> bool:
        """Return whether the connection stands, as far as that is known without asking."""
        return True

    @abstractmethod
    def probe_workers(self, handshake: Handshake, path: Path, text: str) -> dict[str, list[str]]:
        """Return the problems that `cluster_worker.probe` finds, by machine or worker of the cluster."""

    @abstractmethod
    def build_joblib_backend(self) -> Any:
        """Build a joblib backend that hands out a result as soon as it is there, a `FailFastBackend`."""

    def starting_workers(self, modules: Sequence[str]) -> AbstractContextManager[None]:
        return nullcontext()  # A cluster is asked for only once the suite is checked.

    @contextmanager
    def connect(
        self, folder: Path, device: str, libraries: Iterable[str], label: str, modules: Sequence[str] = ()
    ) -> Iterator[None]:
        folder, names = folder.absolute(), tuple(libraries)
        self.handshake = Handshake(
            folder=folder,
            label=label,
            token=secrets.token_hex(8),
            driver=os.getpid() if self.address is None else None,
            working_folder=str(Path.cwd()),
            module_folders=user_module_folders(sys.path, sys.prefix),
            device=device,
            libraries=names,
            description=describe_process(device, names, modules),
            modules=tuple(modules),
        )
        with safe_module_path(), self.connect_cluster() as self.jobs:
            self._check_workers(self.handshake)
            yield

    @contextmanager
    def send_heartbeat(self, folder: Path) -> Iterator[None]:
        if self.handshake is None:  # The suite is complete, so nothing was started.
            yield
            return
        with Heartbeat(folder, self.handshake.label, self.handshake.token, self.is_connected, self._fail_pending_tasks):
            yield

    def execute_groups(self, groups: Iterator[Group], settings: RunSettings) -> Generator[list[RunReport], None, None]:
        settings = _settings_for_any_machine(settings)
        serve_group = delayed(cluster_worker.serve_group)
        yield from self._execute_tasks(serve_group(runs, settings, self.handshake) for runs, _ in groups)

    def execute_isolated(self, run: Run, settings: RunSettings, watchdog: Watchdog | None) -> RunReport:
        """Execute the run with the evaluation that was in flight recorded as crashed.

        The trial itself never kills a worker, see `cluster_worker`; but the memory that it takes may.
        """
        settings, last = _settings_for_any_machine(settings), -1
        while (index := count_evaluations(settings.folder / run.path)) > last:
            last = index
            fatal = FatalEvaluation(index=index, reason="its worker died each time", seconds=0.0)
            task = delayed(cluster_worker.serve_group)([run], settings, self.handshake, {run.path: fatal})
            try:
                return next(report for reports in self._execute_tasks(iter([task])) for report in reports)
            except self.worker_death_errors:
                continue  # At a later trial, if the run has made progress.
        raise BackendLost(f"{run.path}: workers die even while nothing is trained")

    def _execute_tasks(self, tasks: Iterator[Any]) -> Iterator[list[RunReport]]:
        self.joblib_backend = self.build_joblib_backend()
        with parallel_config(backend=self.joblib_backend):
            parallel = Parallel(n_jobs=self.jobs, batch_size=1, pre_dispatch=self.jobs, return_as="generator_unordered")
            try:
                yield from parallel(tasks)
            except Exception as error:  # Whatever a cluster that falls apart raises, or a worker on a bad disk.
                if isinstance(error, (*self.worker_death_errors, BackendLost)):
                    raise
                raise BackendLost(f"the {self.name} cluster gave up a task ({one_line(error)[:500]})") from error

    def _fail_pending_tasks(self) -> None:
        """Fail the pending joblib call: no worker answers."""
        if self.joblib_backend is not None:
            self.joblib_backend.fail(BackendLost(f"no worker of the {self.name} cluster answers any more"))

    def _check_workers(self, handshake: Handshake) -> None:
        """Refuse workers that do not see the folder or would not compute the same."""
        existing = next(path for path in (handshake.folder, *handshake.folder.parents) if path.is_dir())
        path = existing / f".incumbent-{handshake.token}"
        try:
            path.write_text(handshake.token)
            problems_by_worker = self.probe_workers(handshake, path, handshake.token)
        except OSError as error:
            raise BadInput(f"results folder {existing}: cannot be written ({error.strerror})") from error
        finally:
            path.unlink(missing_ok=True)
        for worker, problems in problems_by_worker.items():
            if problems:
                raise RunRefused(f"{self.name} worker {worker}: {'; '.join(problems)}")


class FailFastBackend:
    """Mixed into a joblib backend: reports every failure, exactly once, and can fail all pending tasks.

    joblib's own Dask backend reports nothing of a task whose worker died once too often, and waits for ever.
    """

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.pending: dict[int, Callable[[Any], None]] = {}
        self.count = 0

    def submit(self, function: Any, callback: Callable[[Any], None]) -> Any:
        number = self.count = self.count + 1
        self.pending[number] = callback

        def call_back_once(outcome: Any) -> None:
            callback = self.pending.pop(number, None)
            if callback is not None:
                callback(outcome)

        future = super().submit(function, call_back_once)  # type: ignore[misc]  # of the backend it is mixed into
        if hasattr(future, "add_done_callback"):
            future.add_done_callback(lambda done: call_back_once(done.exception()) if done.exception() else None)
        return future

    def fail(self, error: Exception) -> None:
        """End the call of joblib in progress with an error."""
        for callback in [self.pending.pop(number) for number in list(self.pending)]:
            callback(error)


def _settings_for_any_machine(settings: RunSettings) -> RunSettings:
    """Return settings that hold in any process: an absolute folder, and no notes for this machine's watchdog."""
    return replace(settings, folder=settings.folder.absolute(), notes=None)
