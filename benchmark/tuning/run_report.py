"""The report on a run: whether it is done, failed or refused, and why."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.reproducibility.setting_changes import SettingChange
from benchmark.storage.ledger_format import LedgerError, Record, evaluations_of, read_ledger
from benchmark.storage.resume_check import RunRefused
from benchmark.storage.run_files import RunFile, find_run_file, has_ended_under
from benchmark.suite.model import Run
from benchmark.tuning.evaluation import describe_problem
from benchmark.tuning.record_replay import RecordedOutcomes
from benchmark.tuning.tuner import Outcome
from objectives.metric import Metric
from objectives.task import Task, dominates


@dataclass(frozen=True, slots=True, kw_only=True)
class RunReport:
    """Whether a run is "done", "failed" (its algorithm raised), "refused" (its ledger) or "stopped", and why.

    It is stopped where the suite is to stop at the first failure and one of its evaluations came to no result.

    Attributes:
        best_error: the least error, of feasible trials where there are constraints.
        front_size: feasible trials that no other dominates; None where but one metric is optimised.
        metric: what `best_error` is the error of; None where no evaluation was trained here.
        changes: settings that third-party code has changed in the process that executed it, and others beside it.
    """

    run: Run
    state: str
    evaluations: int
    best_error: float
    front_size: int | None = None
    problem: str | None = None
    metric: Metric | None = None
    changes: tuple[SettingChange, ...] = ()


class BestSoFar:
    """Keeps what is best of a run's evaluations: the least error of feasible ones, and their front.

    Args:
        task: says what is feasible, and which metrics are optimised.
    """

    def __init__(self, task: Task) -> None:
        self.task, self.error, self.has_front = task, math.inf, task.is_multi_objective
        self.front: list[tuple[float, ...]] = []

    def add(self, outcome: Outcome) -> None:
        """Take in how an evaluation ended."""
        if outcome.metrics is None or not self.task.is_feasible(outcome.metrics):
            return
        self.error = min(self.error, outcome.error)
        vector = self.task.errors(outcome.metrics) if self.has_front else None
        if vector is not None and not any(dominates(other, vector) for other in self.front):
            self.front = [*(other for other in self.front if not dominates(vector, other)), vector]

    @property
    def front_size(self) -> int | None:
        """How many are on the front; None where but one metric is optimised."""
        return len(self.front) if self.has_front else None


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


def recorded_report(run: Run, folder: Path, task: Task | None = None) -> RunReport:
    """Report on a run that has ended, as its files say.

    Args:
        run: which one.
        folder: the suite's results.
        task: the objective's; None: no more is said of the evaluations than their number.
    """
    file = run_file(run, folder)
    done = file is not None and file.state == "done"
    records = [] if file is None or file.state == "partial" else read_ledger(file.path).records
    best = None if task is None else _best_of(records, task)
    problem = None if done else next((r["error"] for r in reversed(records) if r["kind"] == "failure"), "no ledger")
    return RunReport(
        run=run,
        state="done" if done else "failed",
        evaluations=len(evaluations_of(records)),
        best_error=math.inf if best is None else best.error,
        front_size=None if best is None else best.front_size,
        metric=None if task is None else task.metrics[0],
        problem=problem,
    )


def _best_of(records: Sequence[Record], task: Task) -> BestSoFar:
    best, outcomes = BestSoFar(task), RecordedOutcomes(task.metrics[0])
    for record in evaluations_of(records):
        best.add(outcomes.outcome(record))
    return best
