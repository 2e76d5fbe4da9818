"""Estimates how long a suite still takes, from the charged seconds of all recorded work, runs in flight included."""

from __future__ import annotations

from collections.abc import Iterable

from benchmark.result_folder.outcomes import Outcomes
from benchmark.storage.progress_file import Work
from benchmark.suite.model import Run

ENOUGH = 0.5
"""Runs' worth of work of every algorithm on every objective that is not finished, before there is an estimate."""


class TimeLeft:
    """Extrapolates this command's pace, in charged seconds a second, to the work that is left.

    What a run of a cell costs is its charged seconds over the share of its budget that they have spent.

    Args:
        outcomes: of what is recorded; it grows.
        pending: the runs that this command is to execute.
    """

    def __init__(self, outcomes: Outcomes, pending: Iterable[Run]) -> None:
        self.outcomes = outcomes
        self.left = {run.path: run for run in pending}
        self.recorded_before = outcomes.charged.total()
        self.began: tuple[float, float] | None = None

    def end(self, run: Run) -> None:
        """Note that a run has ended, however."""
        self.left.pop(run.path, None)

    def seconds(self, now: float) -> float | None:
        """Estimate the seconds left; None before it rests on enough of every kind of work."""
        charged = self.outcomes.charged.total()
        if self.began is None:  # Workers start, and what was recorded earlier is read, before this counts.
            self.began = (now, charged) if charged > self.recorded_before else None
            return None
        began, charged_before = self.began
        remaining = self._remaining()
        if remaining is None or charged <= charged_before:
            return None
        return (now - began) / (charged - charged_before) * remaining

    def work(self) -> Work:
        """Return the charged work that is recorded, of what the suite is expected to take."""
        charged, shares_left = sum(list(self.outcomes.charged.values())), 0.0
        shares_done = sum(self.outcomes.share(run) for run in list(self.outcomes.runs.values()))
        for run in list(self.left.values()):
            shares_left += 1.0 - self.outcomes.share(run)
        rest = self._remaining()
        if rest is None:
            rest = charged / shares_done * shares_left if shares_done else shares_left
        return Work(done=charged, total=charged + rest, unit="seconds")

    def _remaining(self) -> float | None:
        """Charged seconds that the runs left will take."""
        remaining = 0.0
        shares_left: dict[tuple[str, str], float] = {}
        for run in list(self.left.values()):
            cell = run.objective.label, run.algorithm.label
            shares_left[cell] = shares_left.get(cell, 0.0) + 1.0 - self.outcomes.share(run)
        for cell, share_left in shares_left.items():
            charged, shares = self.outcomes.work(cell)
            if shares < ENOUGH or charged <= 0:
                return None
            remaining += charged / shares * share_left
        return remaining
