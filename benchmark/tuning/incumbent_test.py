"""Tests the configurations that become a run's incumbent, for objectives that test no others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmark.reproducibility.seeding import trial_seed
from benchmark.suite.model import Run
from benchmark.tuning.evaluation import TrainingResult, checked_test, describe_problem
from benchmark.tuning.tuner import Job, Outcome
from objectives.metric import is_classic
from objectives.objective import Machine, Objective
from objectives.task import dominates

EVERY_TRIAL = "listed"
"""A scheduler whose trials are all tested: others have selected them, for an audit or a recheck."""


class IncumbentTest:
    """Asks an objective for the test metrics of a run's incumbents, or of what may be on its front.

    A trial may be the incumbent unless one that ended no later was at least as good; where several metrics are
    optimised, it may be on the front unless such a one dominates it. Infeasible trials are neither. With parallel
    workers one that is still to be started may turn out to have ended before it; then it is tested all the same.

    Args:
        run: which one.
        objective: its own.
        machine: device and data folder.
    """

    def __init__(self, run: Run, objective: Objective, machine: Machine) -> None:
        self.run, self.objective, self.machine = run, objective, machine
        self.asks, self.task = objective.tests_incumbents, objective.task
        self.ended: list[tuple[float, tuple[float, ...]]] = []

    def note(self, outcome: Outcome) -> None:
        """Take in how an evaluation ended."""
        vector = self._vector(outcome) if self.asks else None
        if vector is not None:
            self.ended.append((outcome.end, vector))

    def is_due(self, outcome: Outcome) -> bool:
        """Return whether an evaluation that is about to be recorded has to be tested."""
        if not self.asks or outcome.state != "ok":
            return False
        if self.run.algorithm.scheduler.name == EVERY_TRIAL:
            return True
        vector = self._vector(outcome)
        return vector is not None and not any(
            end <= outcome.end and self._is_better(earlier, vector) for end, earlier in self.ended
        )

    def add_test(self, job: Job, result: TrainingResult) -> tuple[TrainingResult, str | None]:
        """Add test metrics to the result of a trial.

        Its state stays what it is, whatever the test comes to: the test never decides what an algorithm learns.

        Returns:
            The result, and the problem of a test that failed.
        """
        try:
            seed = trial_seed(self.run.suite_seed, self.run.objective.part.name, self.run.repetition, job.config)
            values = self.objective.test_metrics(dict(job.config), seed, self.machine, result.epochs)
            return self._with_test(result, checked_test(values, self.objective.metrics, self.objective.label)), None
        except (Exception, SystemExit, GeneratorExit) as error:  # A user's function may raise anything.
            return result, describe_problem(error)

    def _vector(self, outcome: Outcome) -> tuple[float, ...] | None:
        """Return what a feasible evaluation has reached, in minimised form; None of any other."""
        feasible = outcome.metrics is not None and self.task.is_feasible(outcome.metrics)
        if not feasible or outcome.metrics is None:
            return None
        return self.task.errors(outcome.metrics) if self.task.is_multi_objective else (outcome.error,)

    def _is_better(self, earlier: tuple[float, ...], vector: tuple[float, ...]) -> bool:
        """Return whether an earlier evaluation keeps one out: an equal one does where there is but one incumbent."""
        return dominates(earlier, vector) or (not self.task.is_multi_objective and earlier == vector)

    def _with_test(self, result: TrainingResult, test: Mapping[str, Any]) -> TrainingResult:
        first, before = self.objective.metrics[0], [None] * (len(result.test_curve) - 1)
        value = test.get(first.name)
        error = None if value is None else first.to_error(value)
        classic = is_classic(self.objective.metrics)
        curves = None if classic else {name: [*before, known] for name, known in test.items()}
        return replace(result, test_error=error, test_curve=[*before, error], test_metrics=curves)
