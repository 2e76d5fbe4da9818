"""The interface of backends, which execute groups of runs in processes of this machine or of a cluster."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config

from benchmark.suite.definitions import definitions_file
from benchmark.suite.model import Run
from benchmark.suite.module_folder import used_module_folder
from benchmark.tuning.run_report import RunReport
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.workers import worker_process
from benchmark.workers.watchdog import Watchdog

Group = tuple[list[Run], FatalEvaluation | None]
"""Runs that one worker executes side by side, and an evaluation to record as crashed in every one of them."""


class BackendLost(Exception):
    """The cluster no longer answers; what is recorded stays, and the same command continues the suite."""


class Backend(ABC):
    """Executes groups of runs in worker processes.

    Attributes:
        jobs: groups executed at the same time; results do not depend on it. Known while `connect` is entered.
        worker_death_errors: what `execute_groups` raises when workers died together with their groups.
    """

    jobs: int
    worker_death_errors: tuple[type[BaseException], ...]

    @abstractmethod
    def starting_workers(self, modules: Sequence[str]) -> AbstractContextManager[None]:
        """Begin to start workers that import modules, while this process checks the suite in a block and executes it.

        Where nothing was given to them, the block ends when they have imported them.

        Args:
            modules: that train, and take long to import.
        """

    @abstractmethod
    def connect(
        self, folder: Path, device: str, libraries: Iterable[str], label: str, modules: Sequence[str] = ()
    ) -> AbstractContextManager[None]:
        """Start or find the workers for a block, and check that they compute as this process does; write nothing.

        Args:
            folder: the suite's results.
            device: on which trials train.
            libraries: distributions that the suite's algorithms belong to.
            label: tells processes apart that share the folder.
            modules: modules that the suite names by dotted path.

        Raises:
            BadInput: a library is not installed, or no cluster answers at the address.
            RunRefused: the workers cannot work for this driver.
        """

    @abstractmethod
    def send_heartbeat(self, folder: Path) -> AbstractContextManager[None]:
        """Show the workers during a block that this process is alive; it must hold the folder's lock."""

    @abstractmethod
    def execute_groups(self, groups: Iterator[Group], settings: RunSettings) -> Generator[list[RunReport], None, None]:
        """Execute groups of runs, in any order, and yield the reports of each.

        What is thrown into the generator ends the workers that are still busy.

        Raises:
            BackendLost: the cluster no longer answers.
        """

    @abstractmethod
    def execute_isolated(self, run: Run, settings: RunSettings, watchdog: Watchdog | None) -> RunReport:
        """Execute a run that was in flight at several deaths without progress, so that the fatal trial is found."""


def map_in_loky(
    call: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], processes: int, at_once: int, *, ordered: bool
) -> Iterator[Any]:
    """Call a function with each task's arguments in loky processes, in this process's working folder."""
    call, return_as = _in_folder(call, processes), "generator" if ordered else "generator_unordered"
    with _worker_settings(processes):
        parallel = Parallel(n_jobs=processes, batch_size=1, pre_dispatch=at_once, return_as=return_as)
        yield from parallel(delayed(call)(*task) for task in tasks)


def start_loky(call: Callable[..., Any], processes: int) -> Iterator[Any]:
    """Start the processes that `map_in_loky` takes later, let each call a function, and return at once.

    Returns:
        An iterator that waits for the calls.
    """
    call = _in_folder(call, processes)
    with _worker_settings(processes):
        parallel = Parallel(n_jobs=processes, batch_size=1, pre_dispatch="all", return_as="generator")
        started: Iterator[Any] = parallel(delayed(call)() for _ in range(processes))
        return started


@contextmanager
def _worker_settings(processes: int) -> Iterator[None]:
    """Settings under which worker processes start; loky takes its processes again where they are the same."""
    if processes == 1:
        with parallel_config(backend="loky"):
            yield
        return
    arguments = (os.getpid(), os.environ.get(worker_process.SAFE_PATH))
    options: dict[str, Any] = {"initializer": worker_process.initialize_worker, "initargs": arguments}
    with worker_process.safe_module_path(), parallel_config(backend="loky", inner_max_num_threads=1, **options):
        yield


def _in_folder(call: Callable[..., Any], processes: int) -> Callable[..., Any]:
    """A function called where it finds the suite's modules, and in another process what it was given in Python."""
    place = worker_process.ModulePlace(
        folder=worker_process.working_folder(),
        modules=used_module_folder(),
        definitions=definitions_file() if processes > 1 else None,
    )
    return partial(worker_process.call_in_folder, place, call)
