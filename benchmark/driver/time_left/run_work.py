"""The work of one run, as its ledger records it: the share of its budget, charged seconds and real seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.suite.model import Run

Cell = tuple[str, str]
"""Labels of an objective and of an algorithm."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An evaluation: the share of the run's budget between two points, and what it took.

    Attributes:
        start: share of the budget spent before it.
        end: and after it.
        charged: seconds on the run's clock.
        decide: real seconds that the algorithm took to propose it.
        train: real seconds of training that were not spent for another run before.
    """

    start: float
    end: float
    charged: float
    decide: float
    train: float


@dataclass(slots=True, kw_only=True)
class RunWork:
    """What a run has recorded so far.

    Attributes:
        run: which one.
        typical_seconds: the objective's, for a budget of trainings.
        share: of its budget, 0 to 1.
        evaluations: how many there are.
    """

    run: Run
    typical_seconds: float | None = None
    share: float = 0.0
    evaluations: int = 0
    _spent: Counter[str] = field(default_factory=Counter)
    _trials: set[int] = field(default_factory=set)

    @property
    def cell(self) -> Cell:
        """The run's objective and algorithm."""
        return self.run.objective.label, self.run.algorithm.label

    def add(self, record: Mapping[str, Any]) -> Step:
        """Add an evaluation, in the order of the ledger; returns what it took."""
        before, charged = self.share, record.get("end", 0.0) - record.get("start", 0.0)
        self._trials.add(record["trial"])
        self._spent["trials"] = len(self._trials)
        self._spent["evaluations"] += 1
        self._spent["epochs"] += max(1, record.get("epochs", 0) - record.get("start_epoch", 0))
        self._spent["runtime"] = max(self._spent["runtime"], record.get("end", 0.0))
        self.evaluations += 1
        self.share = max(before, self._share_spent())
        decide, train = record.get("decide_seconds") or 0.0, record.get("paid_seconds") or 0.0
        return Step(start=before, end=self.share, charged=charged, decide=decide, train=train)

    def close(self) -> None:
        """Forget what only further records would need."""
        self._trials.clear()

    def _share_spent(self) -> float:
        budget = self.run.budget
        limits: dict[str, float | None] = {
            **{"trials": budget.trials, "evaluations": budget.evaluations, "epochs": budget.epochs},
            "runtime": budget.seconds(self.typical_seconds),
        }
        shares = [self._spent[name] / limit for name, limit in limits.items() if limit]
        return min(1.0, max(shares, default=0.0))
