"""The report on a run: whether it is done, failed or refused, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from benchmark.reproducibility.setting_changes import SettingChange
from benchmark.storage.ledger_format import LedgerError, evaluations_of, read_ledger
from benchmark.storage.resume_check import RunRefused
from benchmark.storage.run_files import RunFile, find_run_file, has_ended_under
from benchmark.suite.model import Run
from benchmark.tuning.evaluation import describe_problem
from objectives.metric import Metric


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Whether a run is "done", "failed" (its algorithm raised), "refused" (its ledger) or "stopped", and why.

    It is stopped where the suite is to stop at the first failure and one of its evaluations came to no result.

    Attributes:
        metric: what `best_error` is the error of; None where no evaluation was trained here.
        changes: settings that third-party code has changed in the process that executed it, and others beside it.
    """

    run: Run
    state: str
    evaluations: int
    best_error: float
    problem: str | None = None
    metric: Metric | None = None
    changes: tuple[SettingChange, ...] = ()


def failure_report(run: Run, error: Exception) -> RunReport:
    """Report on a run that could not be executed."""
    refused = isinstance(error, LedgerError | RunRefused)
    return RunReport(
        run=run,
        state="refused" if refused else "failed",
        evaluations=0,
        best_error=math.inf,
        problem=str(error) if refused else describe_problem(error),
    )


def run_file(run: Run, folder: Path) -> RunFile | None:
    """Find the ledger of a run that counts under its budget; None where nothing is recorded."""
    return find_run_file(folder / run.path, run.budget.limits())


def is_done(run: Run, folder: Path) -> bool:
    """Whether a run has ended under its budget or a larger one."""
    path = folder / run.path
    return path.exists() and has_ended_under(path, run.budget.limits())


def recorded_report(run: Run, folder: Path) -> RunReport:
    """Report on a run that has ended, as its files say."""
    file = run_file(run, folder)
    done = file is not None and file.state == "done"
    records = [] if file is None or file.state == "partial" else read_ledger(file.path).records
    errors = [record["valid_error"] for record in records if record.get("valid_error") is not None]
    problem = None if done else next((r["error"] for r in reversed(records) if r["kind"] == "failure"), "no ledger")
    return RunReport(
        run=run,
        state="done" if done else "failed",
        evaluations=len(evaluations_of(records)),
        best_error=min(errors, default=math.inf),
        problem=problem,
    )
