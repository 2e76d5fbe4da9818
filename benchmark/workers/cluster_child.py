"""The process that a cluster worker keeps for trials: a trial that kills its process kills this one, not the worker."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from benchmark.workers import worker_process

if TYPE_CHECKING:
    from benchmark.suite.model import Run
    from benchmark.tuning.run_report import RunReport
    from benchmark.tuning.run_settings import FatalEvaluation, RunSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """Runs that a child is asked to execute.

    Attributes:
        runs: of one objective.
        settings: where and how they are executed.
        fatal: evaluation to record as crashed, in every run.
        isolated: execute each run in a process of its own, so that the trial that kills it is found.
    """

    runs: tuple[Run, ...]
    settings: RunSettings
    fatal: FatalEvaluation | None = None
    isolated: bool = False


def main() -> None:
    """Send a description of this process, then execute requests until the worker ends."""
    worker_process.initialize_worker(int(sys.argv[2]))
    with Connection(int(sys.argv[1])) as connection:
        from benchmark.workers import handshake

        device, libraries, modules = connection.recv()
        connection.send(handshake.describe_process(device, libraries, modules))
        with suppress(EOFError):
            while True:
                connection.send(_execute_request(connection.recv(), device))
    os._exit(0)  # Threads of third-party code may still run.


def _execute_request(request: RunRequest, device: str) -> list[RunReport]:
    from benchmark.batching.run_group import execute_group
    from benchmark.workers import handshake
    from benchmark.workers.isolated_run import run_isolated
    from benchmark.workers.watchdog import Watchdog

    settings = request.settings
    if settings.train and settings.tables is None:
        settings = replace(settings, environment={**settings.environment, **handshake.describe_machine(device)})
    if request.isolated:
        with Watchdog(print) as watchdog:
            watched = replace(settings, notes=watchdog.notes)
            return [run_isolated(run, watched, watchdog) for run in request.runs]
    return execute_group(request.runs, settings, request.fatal)
