"""The report on a run: whether it is done, failed or refused, and why."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

from benchmark.storage.ledger_format import LedgerError, evaluations_of, failed_path, read_ledger
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Run
from benchmark.tuning.evaluation import describe_problem


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Whether a run is "done", "failed" (its algorithm raised) or "refused" (its ledger), and why."""

    run: Run
    state: str
    evaluations: int
    best_error: float
    problem: str | None = None


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


def recorded_report(run: Run, folder: Path) -> RunReport:
    """Report on a run that has ended, as its files say."""
    path = folder / run.path
    done = path.exists()
    contents = read_ledger(path if done else failed_path(path)) if done or failed_path(path).exists() else None
    records = contents.records if contents else []
    errors = [record["valid_error"] for record in records if record.get("valid_error") is not None]
    problem = None if done else next((r["error"] for r in reversed(records) if r["kind"] == "failure"), "no ledger")
    return RunReport(
        run=run,
        state="done" if done else "failed",
        evaluations=len(evaluations_of(records)),
        best_error=min(errors, default=math.inf),
        problem=problem,
    )
