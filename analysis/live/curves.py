"""Anytime curves of what is recorded so far: the mean of the runs that have ended, and unfinished ones by themselves.

A mean over unfinished runs would be one of those that happen to be far; so, as in all tables, they are no part of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from analysis.live.followed_run import FollowedRun
from analysis.loading.ledgers import Ledger
from analysis.loading.metric import Metric
from analysis.loading.metric_values import TEST, VALID
from analysis.loading.plan import Objective, Plan
from analysis.loading.results import Results, Run, results_of
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
        self._ended: dict[str, tuple[tuple[int, ...], Trajectory, bool]] = {}

    @property
    def revision(self) -> tuple[int, ...]:
        """Differs whenever a curve may."""
        return tuple(run.revision for run in self.runs)

    def curves(self, metric: Metric) -> CellCurves:
        """The curves as of the last look.

        Args:
            metric: of the objective; of a further one its values of the incumbents, which the first selects.

        Raises:
            BadInput: ledgers of another clock, or other values that the analysis refuses.
        """
        mean, tested = self._mean(metric)
        growing = self._results(lambda run: run.state == "partial")
        return CellCurves(
            algorithm=self.plan.display_names[self.algorithm],
            runs=sum(run.ended for run in self.runs),
            planned=len(self.runs),
            mean=mean,
            unfinished=tuple(
                curve for curve in self._of_metric(growing, metric, lambda run: run.state == "partial") if len(curve.t)
            ),
            tested=tested or _is_tested(growing),
        )

    def _mean(self, metric: Metric) -> tuple[Trajectory, bool]:
        """The mean over the runs that have ended, made anew when another one has."""
        revision = tuple(run.revision if run.ended else -1 for run in self.runs)
        known = self._ended.get(metric.name)
        if known is None or revision != known[0]:
            results = self._results(lambda run: run.ended)
            curves = self._of_metric(results, metric, lambda run: run.aggregated)
            known = self._ended[metric.name] = revision, aggregate(curves), _is_tested(results)
        return known[1:]

    def _of_metric(self, results: Results, metric: Metric, chosen: Callable[[Run], bool]) -> list[Curve]:
        """The curves of some runs; those of a further metric as its errors, of the incumbents of the first one."""
        if metric.name == self.plan.objectives[0].metric.name:
            return results.curves([run for run in results.runs if chosen(run)], "runtime")
        pairs = zip(results.runs, self.runs, strict=True)
        return [self._further(results, run, known.ledger(), metric) for run, known in pairs if chosen(run)]

    def _further(self, results: Results, run: Run, ledger: Ledger, metric: Metric) -> Curve:
        rows = results.evaluations.iloc[run.rows]
        counted = rows["counted"].to_numpy()
        best = results.incumbent_rows(run)
        valid, test = (
            np.where(best >= 0, metric.own(ledger.evaluations[f"{data}{metric.name}"])[best - run.rows.start], np.nan)
            for data in (VALID, TEST)
        )
        return Curve(t=rows["end"].to_numpy()[counted], valid=valid, test=test, carried=run.state == "done")

    def _results(self, chosen: Callable[[FollowedRun], bool]) -> Results:
        ledgers = (run.ledger() if chosen(run) else MISSING for run in self.runs)
        return results_of(self.folder, self.plan, ledgers)


def _is_tested(results: Results) -> bool:
    return bool(results.evaluations["test_error"].notna().any())
