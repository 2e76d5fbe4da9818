"""Executes runs on the table that their suite names: every trial is looked up, in some 50 microseconds each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from benchmark.construction.objective_factory import build_objective
from benchmark.reproducibility.environment import deterministic_arithmetic, one_thread
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Run
from benchmark.tables.table_objective import TableObjective
from benchmark.tabular.lookup import look_up
from benchmark.tuning.clock import Clock, build_clock
from benchmark.tuning.evaluation import TrainingResult, failed_training
from benchmark.tuning.execution import RunExecution
from benchmark.tuning.factory import library_parts
from benchmark.tuning.run_report import RunReport, failure_report
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.tuning.tuner import Job
from objectives.derived.derived import Derived
from objectives.objective import Objective

ROUTE = "table"
"""How the trials of these runs are trained, for their headers."""


def look_up_runs(runs: Sequence[Run], settings: RunSettings, fatal: FatalEvaluation | None = None) -> list[RunReport]:
    """Execute runs of one objective on its table; a run that asks for what the table does not hold is refused."""
    try:
        needs_torch = any(library_parts(run.algorithm) for run in runs)  # Some of them import it sooner or later.
        with deterministic_arithmetic(settings.machine.device) if needs_torch else one_thread():
            answers = _Answers(build_objective(runs[0].objective))
            clock = build_clock(runs[0], answers.objective)
            return _execute_in_turn(runs, settings, answers, clock, fatal)
    except Exception as error:  # A raise in a worker would end every other run with it.
        return [failure_report(run, error) for run in runs]


def _execute_in_turn(
    runs: Sequence[Run], settings: RunSettings, answers: _Answers, clock: Clock, fatal: FatalEvaluation | None
) -> list[RunReport]:
    """Execute one run after the other; where the first failure stops the suite, those after it are not begun."""
    reports: list[RunReport] = []
    for run in runs:
        reports.append(_execute(run, settings, answers, clock, fatal))
        if settings.fail_fast and reports[-1].state != "done":
            break
    return reports


def _execute(
    run: Run, settings: RunSettings, answers: _Answers, clock: Clock, fatal: FatalEvaluation | None
) -> RunReport:
    objective = answers.objective
    arithmetic = objective.arithmetic(settings.machine, stacked=False)
    execution = RunExecution(run, objective, settings, arithmetic, fatal, route=ROUTE, clock=clock)
    steps = execution.steps(objective.prepare(settings.machine))
    try:
        job = next(steps)
        while True:
            job = steps.send(answers.answer(run, job))
    except StopIteration as stop:
        report: RunReport = stop.value
        return report
    except RunRefused as error:
        steps.close()
        return failure_report(run, error)


class _Answers:
    """Answers the jobs of runs of an objective.

    Args:
        objective: a table's, with whatever the suite chooses of its metrics.
    """

    def __init__(self, objective: Objective) -> None:
        self.objective, inner = objective, objective
        while isinstance(inner, Derived):
            inner = inner.inner
        assert isinstance(inner, TableObjective), "groups are of one objective"
        self.table, self.column = inner.table, inner.column
        first, *others = objective.trained_metrics
        optimised = [first, *(metric for metric in others if metric.reference is not None)]
        self.worthless = next((metric.name for metric in optimised if metric.chance is None), None)

    def answer(self, run: Run, job: Job) -> TrainingResult:
        """Return what the table holds.

        Raises:
            RunRefused: it does not hold the trial.
        """
        result = look_up(self.table, self.column(run.repetition), job)
        if result is None:
            seed = self.objective.repetition_data(run.repetition)["seed"]
            what = f"asks for {job.config} until epoch {job.epochs} under the seed {seed}"
            raise RunRefused(f"{run.path}: {what}, which the table does not hold; leave that objective out")
        if result.state == "diverged" and self.worthless is not None:
            problem = f"it has diverged, and {self.worthless} has no chance value in the table, need one"
            failed = failed_training(job, "error", problem, result.train_seconds, 0.0)
            return replace(failed, reported_seconds=result.reported_seconds)
        return result
