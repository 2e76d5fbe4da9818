"""Executes a run in a process of its own, so that a trial that kills it is found and recorded as crashed."""

from __future__ import annotations

import math
import os
import signal
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from joblib.externals.loky.backend import get_context

from benchmark.batching.run_group import execute_group
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import count_evaluations
from benchmark.suite.definitions import definitions_file, use_definitions
from benchmark.suite.model import Run
from benchmark.tuning.run_report import RunReport, is_done, recorded_report
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.workers import worker_process
from benchmark.workers.watchdog import Watchdog


def run_isolated(run: Run, settings: RunSettings, watchdog: Watchdog | None = None) -> RunReport:
    """Execute a run in a process of its own; an evaluation that kills it is recorded as crashed.

    Args:
        run: the run.
        settings: where and how it is executed.
        watchdog: knows whether it killed the process; then the evaluation is recorded as timeout.
    """
    path = settings.folder / run.path
    fatal: FatalEvaluation | None = None
    with tempfile.TemporaryDirectory() as scratch:
        marker = Path(scratch, "training")
        while True:
            marker.unlink(missing_ok=True)
            exit_code = _execute_in_process(run, settings, fatal, marker)
            if exit_code == 0:
                return recorded_report(run, settings.folder)
            index = count_evaluations(path)
            if fatal is not None and fatal.index == index:
                return _fail_run(
                    run, settings.folder, f"its process ended with {_describe_exit(exit_code)} outside training"
                )
            fatal = _timed_out_evaluation(run, index, watchdog) or FatalEvaluation(
                index=index, reason=_describe_exit(exit_code), seconds=_seconds_since(marker)
            )


def _timed_out_evaluation(run: Run, index: int, watchdog: Watchdog | None) -> FatalEvaluation | None:
    """Return the evaluation for which the watchdog killed the process, if it did."""
    overdue = [] if watchdog is None else [one for one in watchdog.pop_overdue() if one.run == run.path]
    return replace(overdue[0].as_fatal_evaluation(), index=index) if overdue else None


def _execute_in_process(run: Run, settings: RunSettings, fatal: FatalEvaluation | None, marker: Path) -> int:
    """Execute the run in a new process and return its exit code."""
    safe_path, definitions = os.environ.get(worker_process.SAFE_PATH), definitions_file()
    arguments = (os.getpid(), safe_path, definitions, run, settings, fatal, marker)
    # As the workers are started: unlike by "spawn", a script without a main guard does not begin again in the process.
    process = get_context("loky").Process(target=_execute_in_child, args=arguments)
    with worker_process.safe_module_path():
        process.start()
    try:
        process.join()
    finally:
        if process.is_alive():
            os.kill(process.pid, signal.SIGKILL)
        process.join()
    return process.exitcode or 0


def _execute_in_child(
    parent: int,
    safe_path: str | None,
    definitions: str | None,
    run: Run,
    settings: RunSettings,
    fatal: FatalEvaluation | None,
    marker: Path,
) -> None:
    worker_process.initialize_worker(parent, safe_path)
    use_definitions(definitions)
    execute_group([run], settings, fatal, marker)


def _seconds_since(marker: Path) -> float:
    """Return the seconds since the last training started, by a clock that nobody sets; 0 where none did."""
    try:
        return time.monotonic() - float(marker.read_text())
    except (OSError, ValueError):  # Killed while it wrote.
        return 0.0


def _describe_exit(code: int) -> str:
    return signal.Signals(-code).name if code < 0 else f"exit code {code}"


def _fail_run(run: Run, folder: Path, problem: str) -> RunReport:
    with Ledger(folder / run.path, reopen=not is_done(run, folder)) as ledger:
        ledger.change_budget(run.identity()["budget"])
        ledger.fail({"kind": "failure", "error": problem, "traceback": ""})
    return RunReport(run=run, state="failed", evaluations=0, best_error=math.inf, problem=problem)
