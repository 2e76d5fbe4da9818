"""Counts what a suite's evaluations came to: failures of each kind, and runs that ended before their budget."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmark.storage.ledger_format import Record
from benchmark.storage.problem_text import exception_line
from benchmark.suite.model import Run

Cell = tuple[str, str]
"""Labels of an objective and of an algorithm."""

HAPPENED = {
    "error": "raised",
    "diverged": "diverged",
    "crashed": "killed their process",
    "timeout": "took longer than the suite allows",
}
"""What is said of evaluations in a state other than ok."""

LISTED = "listed"
"""The scheduler of given lists of configurations, which always ends when its list does."""


@dataclass(slots=True, kw_only=True)
class Failure:
    """The evaluations of an objective that failed in one way.

    Attributes:
        run: of the first.
        index: of the first in its run.
        state: one of `HAPPENED`.
        text: what the first raised; empty where it raised nothing.
        count: how many there are.
    """

    run: Run
    index: int
    state: str
    text: str
    count: int = 0

    def describe_first(self) -> str:
        """Describe the first of them, for the moment at which it becomes known."""
        reason = f": {self.text}" if self.text else ""
        return f"{self.run.path}: evaluation {self.index} {HAPPENED[self.state]}{reason}; further ones are counted"

    def describe_all(self, evaluations: int) -> str:
        """Describe all of them, of so many evaluations of the objective."""
        reason = f": {self.text}" if self.text else ""
        happened = f"{self.count} of {evaluations} evaluations {HAPPENED[self.state]}{reason}"
        return f"{self.run.objective.label}: {happened} (the first in {self.run.path}, evaluation {self.index})"


class Outcomes:
    """The outcomes of all evaluations that a suite's runs have recorded, as far as they were added.

    Attributes:
        evaluations: counts by cell.
        succeeded: likewise of those whose state is ok.
        failures: by objective, state and type of exception, in the order of their first.
    """

    def __init__(self) -> None:
        self.evaluations: Counter[Cell] = Counter()
        self.succeeded: Counter[Cell] = Counter()
        self.failures: dict[tuple[str, str, str], Failure] = {}
        self._runs: dict[Cell, set[Path]] = {}
        self._trials: dict[Path, set[int]] = {}
        self._ended_early: dict[Path, tuple[Run, int]] = {}

    @property
    def failed(self) -> int:
        """Number of evaluations that failed; another thread may be adding records meanwhile."""
        return sum(failure.count for failure in list(self.failures.values()))

    def add(self, run: Run, records: Sequence[Record]) -> list[Failure]:
        """Add records of a run, in the order of its ledger; returns the failures that are the first of their kind."""
        if not records:
            return []
        cell = run.objective.label, run.algorithm.label
        self._runs.setdefault(cell, set()).add(run.path)
        evaluations = [record for record in records if record.get("kind") == "evaluation"]
        failed = [record for record in evaluations if record["state"] != "ok"]
        if evaluations:
            self.evaluations[cell] += len(evaluations)
            self.succeeded[cell] += len(evaluations) - len(failed)
            self._trials.setdefault(run.path, set()).update([record["trial"] for record in evaluations])
        if records[-1].get("kind") == "end":
            self._add_end(run, records[-1])
        return [failure for record in failed if (failure := self._add_failure(run, record)) is not None]

    def describe(self) -> Iterator[str]:
        """Describe the failures of every kind, of how many evaluations."""
        totals: Counter[str] = Counter()
        for (objective, _), count in self.evaluations.items():
            totals[objective] += count
        for failure in self.failures.values():
            yield failure.describe_all(totals[failure.run.objective.label])

    def cells_without_success(self) -> list[Cell]:
        """List the cells with evaluations of which none is ok."""
        return [cell for cell in self.evaluations if not self.succeeded[cell]]

    def describe_cells_without_success(self) -> Iterator[str]:
        """Describe the cells with evaluations of which none is ok."""
        for objective, algorithm in self.cells_without_success():
            count = self.evaluations[objective, algorithm]
            yield f"{objective}/{algorithm}: none of its {count} evaluations came to a result"

    def describe_early_ends(self) -> Iterator[str]:
        """Describe by cell how many runs ended with some of their budget left, and after how many trials."""
        cells: dict[Cell, list[tuple[Run, int]]] = {}
        for run, trials in self._ended_early.values():
            cells.setdefault((run.objective.label, run.algorithm.label), []).append((run, trials))
        for (objective, algorithm), ended in cells.items():
            counts = [trials for _, trials in ended]
            span = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
            run = ended[0][0]
            budget = ", ".join(f"{limit:g} {name}" for name, limit in run.budget.limits().items() if name != "trials")
            of = f"of {run.budget.trials} trials" if run.budget.trials is not None else f"trials, budget {budget}"
            runs = f"{len(ended)} of {len(self._runs[objective, algorithm])} runs"
            yield f"{objective}/{algorithm}: {runs} ended after {span} {of}: no configurations left"

    def _add_failure(self, run: Run, record: Record) -> Failure | None:
        """Count an evaluation that failed; returns the failure if it is the first of its kind."""
        text = exception_line(str(record.get("problem") or ""))
        key = run.objective.label, record["state"], text.partition(":")[0]
        first = key not in self.failures
        if first:
            self.failures[key] = Failure(run=run, index=record["index"], state=record["state"], text=text)
        self.failures[key].count += 1
        return self.failures[key] if first else None

    def _add_end(self, run: Run, record: Record) -> None:
        trials = len(self._trials.get(run.path, ()))
        spent = run.budget.trials is not None and trials >= run.budget.trials
        scheduler = run.algorithm.scheduler
        if record.get("reason") == "exhausted" and not spent and (scheduler is None or scheduler.name != LISTED):
            self._ended_early[run.path] = run, trials
