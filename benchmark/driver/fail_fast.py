"""Says which failure stops a suite that is to stop at its first one."""

from __future__ import annotations

from pathlib import Path

from benchmark.storage.ledger_format import Record, failed_path, partial_path
from benchmark.storage.problem_text import exception_line
from benchmark.suite.model import Run
from benchmark.tuning.run_report import RunReport


class SuiteStopped(BaseException):
    """A failure has stopped the suite; no `except Exception` of a backend on the way keeps it."""


def stop_at_evaluation(run: Run, record: Record, folder: Path) -> SuiteStopped:
    """Describe an evaluation that came to no result."""
    problem = exception_line(str(record.get("problem") or ""))
    what = f"evaluation {record['index']}: {record['state']}" + (f": {problem}" if problem else "")
    return SuiteStopped(f"{_describe_place(run)}, {what} ({_find_ledger(run, folder)})")


def stop_at_run(report: RunReport, folder: Path) -> SuiteStopped:
    """Describe a run that has failed or was refused."""
    problem = exception_line(report.problem or "")
    what = f"run {report.state}" + (f": {problem}" if problem else "")
    return SuiteStopped(f"{_describe_place(report.run)}, {what} ({_find_ledger(report.run, folder)})")


def _describe_place(run: Run) -> str:
    return f"objective {run.objective.label}, algorithm {run.algorithm.label}, repetition {run.repetition}"


def _find_ledger(run: Run, folder: Path) -> Path:
    """Return the file in which the failure is recorded: a run that failed has another name than one unfinished."""
    path = folder / run.path
    return next((name for name in (failed_path(path), partial_path(path)) if name.exists()), path)
