"""Executes a suite's runs in loky processes of this machine."""

from __future__ import annotations

import warnings
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path

from joblib.externals.loky.process_executor import BrokenProcessPool, TerminatedWorkerError

from benchmark.backends.base import Backend, Group, map_in_loky, start_loky
from benchmark.batching.run_group import execute_group
from benchmark.suite.model import Run
from benchmark.tuning.run_report import RunReport
from benchmark.tuning.run_settings import RunSettings
from benchmark.workers.isolated_run import run_isolated
from benchmark.workers.watchdog import Watchdog
from benchmark.workers.worker_process import import_modules


class Loky(Backend):
    """Processes on this machine; with one job, this process itself.

    Args:
        jobs: groups at the same time.
        separate: use another process even for one job, because a trial may kill it.
    """

    worker_death_errors = (TerminatedWorkerError, BrokenProcessPool)

    def __init__(self, jobs: int, *, separate: bool = False) -> None:
        self.jobs = jobs
        self.processes = max(2, jobs) if separate else jobs
        self._starting: Iterator[None] = iter(())

    @contextmanager
    def starting_workers(self, modules: Sequence[str]) -> Iterator[None]:
        if modules and self.processes > 1:
            self._starting = start_loky(partial(import_modules, (execute_group.__module__, *modules)), self.processes)
        try:
            yield
        finally:
            with suppress(*self.worker_death_errors):  # Stopped before, they would leave a traceback of loky's.
                self._wait_for_start()

    def _wait_for_start(self) -> None:
        starting, self._starting = self._starting, iter(())
        for _ in starting:
            pass

    def connect(
        self, folder: Path, device: str, libraries: Iterable[str], label: str, modules: Sequence[str] = ()
    ) -> AbstractContextManager[None]:
        return nullcontext()

    def send_heartbeat(self, folder: Path) -> AbstractContextManager[None]:
        return nullcontext()

    def execute_groups(self, groups: Iterator[Group], settings: RunSettings) -> Generator[list[RunReport], None, None]:
        # A worker that has grown by some 100 MB is replaced as planned; the warning would suggest an error.
        warnings.filterwarnings("ignore", message="A worker stopped while some jobs", category=UserWarning)
        tasks = ((runs, settings, fatal) for runs, fatal in groups)
        self._wait_for_start()
        yield from map_in_loky(execute_group, tasks, self.processes, self.jobs, ordered=False)

    def execute_isolated(self, run: Run, settings: RunSettings, watchdog: Watchdog | None) -> RunReport:
        return run_isolated(run, settings, watchdog)
