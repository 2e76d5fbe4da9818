"""Anytime curves of what is recorded so far: the mean of the runs that have ended, and unfinished ones by themselves.

A mean over unfinished runs would be one of those that happen to be far; so, as in all tables, they are no part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from analysis.live.followed_run import FollowedRun
from analysis.loading.ledgers import Ledger
from analysis.loading.plan import Objective, Plan
from analysis.loading.results import Results, results_of
from analysis.statistics.anytime import Curve, Trajectory, aggregate

MISSING = Ledger(state="missing")


@dataclass(frozen=True, slots=True, kw_only=True)
class CellCurves:
    """The curves of an algorithm on an objective, over runtime, as errors.

    Attributes:
        runs: that the mean is over: those that are done and those that have failed.
        planned: how many runs there will be.
        mean: of these, as the table `trajectory` has it.
        unfinished: a curve of each run that has begun and not ended.
        tested: whether a test error is known.
    """

    algorithm: str
    runs: int
    planned: int
    mean: Trajectory
    unfinished: tuple[Curve, ...]
    tested: bool


class CellFollower:
    """Keeps the curves of a cell, and makes them anew when one of its runs has grown.

    Args:
        folder: the suite's, for messages.
        plan: of the suite.
        objective: one of its objectives.
        algorithm: the label of one of its algorithms.
        runs: the planned runs of the two.
    """

    def __init__(
        self, folder: Path, plan: Plan, objective: Objective, algorithm: str, runs: Sequence[FollowedRun]
    ) -> None:
        by_label = {algorithm: plan.algorithm_by_label[algorithm]}
        self.plan = replace(plan, objectives=(objective,), algorithms=(algorithm,), algorithm_by_label=by_label)
        self.folder, self.algorithm, self.runs = folder, algorithm, runs
        self._ended: tuple[tuple[int, ...], Trajectory, bool] = ((), aggregate([]), False)

    @property
    def revision(self) -> tuple[int, ...]:
        """Differs whenever a curve may."""
        return tuple(run.revision for run in self.runs)

    def curves(self) -> CellCurves:
        """The curves as of the last look.

        Raises:
            BadInput: ledgers of another clock, or other values that the analysis refuses.
        """
        mean, tested = self._mean()
        growing = self._results(lambda run: run.state == "partial")
        return CellCurves(
            algorithm=self.plan.display_names[self.algorithm],
            runs=sum(run.ended for run in self.runs),
            planned=len(self.runs),
            mean=mean,
            unfinished=tuple(
                curve
                for curve in growing.curves([run for run in growing.runs if run.state == "partial"], "runtime")
                if len(curve.t)
            ),
            tested=tested or _is_tested(growing),
        )

    def _mean(self) -> tuple[Trajectory, bool]:
        """The mean over the runs that have ended, made anew when another one has."""
        revision = tuple(run.revision if run.ended else -1 for run in self.runs)
        if revision != self._ended[0]:
            results = self._results(lambda run: run.ended)
            runs = [run for run in results.runs if run.aggregated]
            self._ended = revision, aggregate(results.curves(runs, "runtime")), _is_tested(results)
        return self._ended[1:]

    def _results(self, chosen: Callable[[FollowedRun], bool]) -> Results:
        ledgers = (run.ledger() if chosen(run) else MISSING for run in self.runs)
        return results_of(self.folder, self.plan, ledgers)


def _is_tested(results: Results) -> bool:
    return bool(results.evaluations["test_error"].notna().any())
