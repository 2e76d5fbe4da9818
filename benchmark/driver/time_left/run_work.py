"""The work of one run, as its ledger records it: the share of its budget, charged seconds and real seconds."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmark.suite.model import Run

Cell = tuple[str, str]
"""Labels of an objective and of an algorithm."""

BINS = 10
"""Parts of a run's budget, each with a cost of its own: proposals of a model take longer the more trials it has."""


@dataclass(slots=True, kw_only=True)
class Step:
    """One evaluation, or several within one part of the run's budget: the share that they spent, and what they took.

    Attributes:
        start: share of the budget spent before them.
        end: and after them.
        evaluations: how many there are.
        charged: seconds on the run's clock.
        decide: real seconds that the algorithm took to propose them.
        train: real seconds of training that were not spent for another run before.
    """

    start: float
    end: float
    evaluations: int = 0
    charged: float = 0.0
    decide: float = 0.0
    train: float = 0.0

    def reaches(self, end: float) -> bool:
        """Return whether the next evaluation, which ends at that share, lies in the part of the budget of these."""
        boundary = math.floor(self.start * BINS) + 1
        return self.end * BINS < boundary and end * BINS <= boundary

    def add(self, record: Mapping[str, Any], end: float) -> None:
        """Add an evaluation after which that share is spent."""
        self.end = end
        self.evaluations += 1
        self.charged += record.get("end", 0.0) - record.get("start", 0.0)
        self.decide += record.get("decide_seconds") or 0.0
        self.train += record.get("paid_seconds") or 0.0


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
    _epochs: int = 0
    _trials: set[int] = field(default_factory=set)

    @property
    def cell(self) -> Cell:
        """The run's objective and algorithm."""
        return self.run.objective.label, self.run.algorithm.label

    def add(self, records: Iterable[Mapping[str, Any]]) -> Iterator[Step]:
        """Add evaluations, in the order of the ledger; yields what they took, those of one part of the budget at once.

        So many that are read together cost no more than a few.
        """
        limits, step = self._limits(), None
        for record in records:
            share = self._share_with(record, *limits)
            if step is None or not step.reaches(share):
                if step is not None:
                    yield step
                step = Step(start=self.share, end=share)
            step.add(record, share)
            self.share = share
        if step is not None:
            yield step

    def close(self) -> None:
        """Forget what only further records would need."""
        self._trials.clear()

    def _limits(self) -> tuple[float, float, float, float]:
        """The budget in trials, evaluations, epochs and seconds; infinite where it has no such limit."""
        budget = self.run.budget
        limits = budget.trials, budget.evaluations, budget.epochs, budget.seconds(self.typical_seconds)
        trials, evaluations, epochs, seconds = (limit or math.inf for limit in limits)
        return trials, evaluations, epochs, seconds

    def _share_with(
        self, record: Mapping[str, Any], trials: float, evaluations: float, epochs: float, seconds: float
    ) -> float:
        """Count one more evaluation; returns the share of the budget, within these limits, that is spent after it."""
        self._trials.add(record["trial"])
        self.evaluations += 1
        self._epochs += max(1, record.get("epochs", 0) - record.get("start_epoch", 0))
        spent: float = max(
            len(self._trials) / trials,
            self.evaluations / evaluations,
            self._epochs / epochs,
            record.get("end", 0.0) / seconds,
        )
        return max(self.share, min(1.0, spent))
