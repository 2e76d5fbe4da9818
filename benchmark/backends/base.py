"""Engines: what spreads a suite's runs over processes, on this machine or on a cluster, through joblib."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from joblib import Parallel, delayed, parallel_config

from benchmark.suite.model import Run
from benchmark.tuning.run_report import RunReport
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.workers import worker_process
from benchmark.workers.watchdog import Watchdog

Group = tuple[list[Run], FatalEvaluation | None]
"""Runs that one worker executes side by side, and an evaluation to record as crashed in every one of them."""


class BackendLost(Exception):
    """The cluster no longer answers; what is recorded stays, and the same command goes on."""


class Backend(ABC):
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
    def reports(self, groups: Iterator[Group], settings: RunSettings) -> Iterator[list[RunReport]]:
        """Execute groups of runs, in any order.

        Raises:
            EngineLost: nobody answers any more.
        """

    @abstractmethod
    def alone(self, run: Run, settings: RunSettings, watchdog: Watchdog | None) -> RunReport:
        """Execute a run that has been in flight at several deaths without getting on."""

    def fewer(self) -> int | None:
        """Have one group fewer at once from now on; how many that is, None where it cannot be."""
        return None


def map_in_loky(
    call: Callable[..., Any], tasks: Iterable[tuple[Any, ...]], processes: int, at_once: int, *, ordered: bool
) -> Iterator[Any]:
    """What a call gives for each task's arguments, by processes of this machine that work where this one does."""
    several = processes > 1
    options: dict[str, Any] = (
        {"initializer": worker_process.initialize_worker, "initargs": (os.getpid(),)} if several else {}
    )
    here = worker_process.working_folder()
    with parallel_config(backend="loky", inner_max_num_threads=1 if several else None, **options):
        return_as = "generator" if ordered else "generator_unordered"
        parallel = Parallel(n_jobs=processes, batch_size=1, pre_dispatch=at_once, return_as=return_as)
        yield from parallel(delayed(worker_process.call_in_folder)(here, call, *task) for task in tasks)
