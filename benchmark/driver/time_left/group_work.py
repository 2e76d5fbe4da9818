"""A group of runs that one worker executes: when it began, what it has recorded since, and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass

from benchmark.driver.time_left.run_work import RunWork, Step


@dataclass(slots=True, kw_only=True)
class GroupWork:
    """What a group has done in this call; what its runs recorded earlier does not count.

    Attributes:
        runs: those that have not ended.
        began: seconds on the caller's clock; None before a worker has begun.
        ended: likewise.
        spent: real seconds of deciding and training that were recorded.
        evaluations: how many were recorded.
    """

    runs: list[RunWork]
    began: float | None = None
    ended: float | None = None
    spent: float = 0.0
    evaluations: float = 0.0

    @property
    def objective(self) -> str:
        """The objective of all its runs."""
        return self.runs[0].run.objective.label

    @property
    def in_flight(self) -> bool:
        """Whether a worker executes it now."""
        return self.began is not None and self.ended is None

    def add(self, step: Step) -> None:
        """Add evaluations that were recorded in this call."""
        self.spent += step.decide + step.train
        self.evaluations += step.evaluations

    def elapsed(self, now: float) -> float:
        """Return the seconds that a worker has spent on it."""
        return 0.0 if self.began is None else (now if self.ended is None else self.ended) - self.began
