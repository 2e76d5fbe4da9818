"""Tests the configurations that become a run's incumbent, for objectives that test no others."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from benchmark.reproducibility.seeding import trial_seed
from benchmark.suite.model import Run
from benchmark.tuning.evaluation import TrainingResult, checked_test, describe_problem
from benchmark.tuning.tuner import Job
from objectives.metric import is_classic
from objectives.objective import Machine, Objective

EVERY_TRIAL = "listed"
"""A scheduler whose trials are all tested: others have selected them, for an audit or a recheck."""


class IncumbentTest:
    """Asks an objective for the test metrics of a run's incumbents.

    A trial may be the incumbent unless one that ended no later was at least as good. With parallel workers one that
    is still to be started may turn out to have ended before it; then it is tested all the same.

    Args:
        run: which one.
        objective: its own.
        machine: device and data folder.
    """

    def __init__(self, run: Run, objective: Objective, machine: Machine) -> None:
        self.run, self.objective, self.machine = run, objective, machine
        self.asks = objective.tests_incumbents
        self.ended: list[tuple[float, float]] = []

    def note(self, end: float, error: float) -> None:
        """Take in how an evaluation ended."""
        if self.asks:
            self.ended.append((end, error))

    def add_test(self, job: Job, result: TrainingResult, end: float) -> tuple[TrainingResult, str | None]:
        """Add test metrics to the result of a trial that may be the incumbent.

        Its state stays what it is, whatever the test comes to: the test never decides what an algorithm learns.

        Returns:
            The result, and the problem of a test that failed.
        """
        if not self.asks or result.state != "ok" or not self._may_be_incumbent(result, end):
            return result, None
        try:
            seed = trial_seed(self.run.suite_seed, self.run.objective.part.name, self.run.repetition, job.config)
            values = self.objective.test_metrics(dict(job.config), seed, self.machine, result.epochs)
            return self._with_test(result, checked_test(values, self.objective.metrics, self.objective.label)), None
        except (Exception, SystemExit, GeneratorExit) as error:  # A user's function may raise anything.
            return result, describe_problem(error)

    def _may_be_incumbent(self, result: TrainingResult, end: float) -> bool:
        error = math.inf if result.valid_error is None else result.valid_error
        earlier = (other for ended, other in self.ended if ended <= end)
        return self.run.algorithm.scheduler.name == EVERY_TRIAL or error < min(earlier, default=math.inf)

    def _with_test(self, result: TrainingResult, test: Mapping[str, Any]) -> TrainingResult:
        first, before = self.objective.metrics[0], [None] * (len(result.test_curve) - 1)
        value = test.get(first.name)
        error = None if value is None else first.to_error(value)
        classic = is_classic(self.objective.metrics)
        curves = None if classic else {name: [*before, known] for name, known in test.items()}
        return replace(result, test_error=error, test_curve=[*before, error], test_metrics=curves)
