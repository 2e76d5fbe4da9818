"""A run in a process of its own, so that a trial that kills it can be found and recorded as crashed."""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import tempfile
import time
from pathlib import Path

from benchmark.batching.run_group import execute_group
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import count_evaluations
from benchmark.suite.model import Run
from benchmark.tuning.run_report import RunReport, recorded_report
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.workers import worker_process
from benchmark.workers.watchdog import Watchdog


def run_isolated(run: Run, settings: RunSettings, watchdog: Watchdog | None = None) -> RunReport:
    """Execute a run in a process of its own; an evaluation that kills it is recorded as crashed.

    Args:
        run: which one.
        settings: where.
        watchdog: knows whether it killed the process; then the evaluation is recorded as timeout.
    """
    path = settings.folder / run.path
    fatal: FatalEvaluation | None = None
    with tempfile.TemporaryDirectory() as scratch:
        while True:
            marker = Path(scratch, "training")
            marker.unlink(missing_ok=True)
            code = _alone(run, settings, fatal, marker)
            if code == 0:
                return recorded_report(run, settings.folder)
            index = count_evaluations(path)
            if fatal is not None and fatal.index == index:
                return _give_up(run, path, f"its process ended with {_reason(code)} outside training")
            overdue = [] if watchdog is None else [one for one in watchdog.found() if one.run == run.path]
            if overdue:
                (one,) = overdue
                fatal = FatalEvaluation(index=index, reason=one.reason, seconds=one.seconds, state="timeout")
                continue
            fatal = FatalEvaluation(index=index, reason=_reason(code), seconds=_seconds_since(marker))


def _alone(run: Run, settings: RunSettings, fatal: FatalEvaluation | None, marker: Path) -> int:
    arguments = (os.getpid(), run, settings, fatal, marker)
    process = multiprocessing.get_context("spawn").Process(target=_execute_in_child, args=arguments)
    process.start()
    try:
        process.join()
    finally:
        process.kill()
        process.join()
    return process.exitcode or 0


def _execute_in_child(
    parent: int, run: Run, settings: RunSettings, fatal: FatalEvaluation | None, marker: Path
) -> None:
    worker_process.initialize_worker(parent)
    execute_group([run], settings, fatal, marker)


def _seconds_since(marker: Path) -> float:
    """How long ago the last training started, by a clock that nobody sets; 0 where none did."""
    try:
        return time.monotonic() - float(marker.read_text())
    except (OSError, ValueError):  # Killed while it wrote.
        return 0.0


def _reason(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _give_up(run: Run, path: Path, problem: str) -> RunReport:
    with Ledger(path) as ledger:
        ledger.fail({"kind": "failure", "error": problem, "traceback": ""})
    return RunReport(run=run, state="failed", evaluations=0, best_error=math.inf, problem=problem)
