"""A process that a worker of a cluster keeps for trials: what a trial kills is this, not the worker."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from benchmark import worker

if TYPE_CHECKING:
    from benchmark.execution import Conditions, Crash
    from benchmark.report import Report
    from benchmark.suite import Run


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Runs that a child is asked to execute.

    Attributes:
        runs: of one objective.
        conditions: under which.
        crash: evaluation to record as crashed, in every run.
        aside: execute them in a process of their own again, one by one, so that a killer is found.
    """

    runs: tuple[Run, ...]
    conditions: Conditions
    crash: Crash | None = None
    aside: bool = False


def main() -> None:
    """Show a card, then answer errands until the worker ends."""
    worker.begin(int(sys.argv[2]))
    with Connection(int(sys.argv[1])) as connection:
        from benchmark.engines import peer

        device, libraries, modules = connection.recv()
        connection.send(peer.card(device, libraries, modules))
        with suppress(EOFError):
            while True:
                connection.send(_answer(connection.recv(), device))
    os._exit(0)  # Threads of third-party code may still run.


def _answer(errand: Errand, device: str) -> list[Report]:
    from benchmark.aside import execute_aside
    from benchmark.engines import peer
    from benchmark.group import execute_all
    from benchmark.watchdog import Watchdog

    conditions = errand.conditions
    if conditions.train and conditions.tables is None:
        conditions = replace(conditions, environment={**conditions.environment, **peer.own(device)})
    if errand.aside:
        with Watchdog(print) as watchdog:
            watched = replace(conditions, notes=watchdog.notes)
            return [execute_aside(run, watched, watchdog) for run in errand.runs]
    return execute_all(errand.runs, conditions, errand.crash)


if __name__ == "__main__":
    main()
