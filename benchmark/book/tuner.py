"""The book's tuner, over the same loop as a suite's."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Generator, Mapping
from typing import Any

from algorithms.roles import Scheduler
from benchmark.book.hyperparameters import HyperParameters
from benchmark.reproducibility.environment import deterministic_arithmetic
from benchmark.reproducibility.isolated_objective import IsolatedObjective
from benchmark.reproducibility.isolated_scheduler import IsolatedScheduler
from benchmark.reproducibility.process_state import ProcessState
from benchmark.reproducibility.seeding import trial_seed
from benchmark.reproducibility.setting_changes import pop_changes
from benchmark.suite.model import Budget
from benchmark.tuning.clock import Clock
from benchmark.tuning.evaluation import evaluation_record
from benchmark.tuning.record_replay import RecordedOutcomes
from benchmark.tuning.trainer import Trainer
from benchmark.tuning.tuner import Job, Outcome, TuningLoop, takes_info
from objectives.function.call import EPOCH_NAMES, call_unbound, error_of, metrics_of, offer, parameter_names
from objectives.function.function_objective import FunctionObjective
from objectives.metric import Metric
from objectives.native_value import native_scalar
from objectives.objective import Machine, Objective
from objectives.space import FIDELITY, Config, argument_name


class Tuner(HyperParameters):
    """The book's tuner: runs a scheduler on an objective and keeps the incumbent's trajectory.

    Args:
        scheduler: ours or a reader's.
        objective: any callable `objective(**config) -> error`, called with `max_epochs` when the
            scheduler asks for a fidelity (the hyperparameter `optimizer.lr` is its argument
            `optimizer_lr`); or one of our objectives, whose promoted trials continue instead of
            training anew. A callable may be what a suite takes as a function: it is given `seed`, `epochs`,
            `device` and `data` if it has such parameters, and may return a mapping, whose first metric counts in
            the direction that its name says, a pair of validation and test, or yield one of these an epoch.
        repetition: seeds the trials of one of our objectives.
        verbose: print every evaluation as the book does, counted from 0 in each call of `run`.

    Attributes:
        incumbent: the best configuration so far, as suggested, or None.
        incumbent_error: its error, or None.
        incumbent_trajectory: after each evaluation, the incumbent's error.
        cumulative_runtime: after each evaluation, the seconds spent, deciding included.
        current_runtime: the last of these, or 0.
        records: a dict with config, error and runtime for each evaluation.
    """

    scheduler: Scheduler
    objective: Callable[..., Any] | Objective
    repetition: int
    verbose: bool

    def __init__(
        self,
        scheduler: Scheduler,
        objective: Callable[..., Any] | Objective,
        *,
        repetition: int = 0,
        verbose: bool = False,
    ) -> None:
        self.save_hyperparameters()
        self.incumbent: Config | None = None
        self.incumbent_error: float | None = None
        self.incumbent_trajectory: list[float] = []
        self.cumulative_runtime: list[float] = []
        self.current_runtime = 0.0
        self.records: list[dict[str, Any]] = []
        self._trainer = _trainer_of(objective, repetition)
        self._loop = _loop_of(scheduler, objective)
        self._outcomes = RecordedOutcomes(objective.metrics[0] if isinstance(objective, Objective) else Metric("error"))
        self._trained_seconds: dict[int, float] = {}

    def run(self, number_of_trials: int) -> None:
        """Evaluate that many suggestions (promotions count); calling it again goes on.

        Raises:
            ValueError: the objective returned something that is no number.
            AlgorithmError: the scheduler raised or suggested something impossible.
        """
        self._loop.budget = Budget(evaluations=self._loop.started + number_of_trials)
        self._loop.stopped = None
        self._first = len(self.records)
        steps: Generator[Job, Outcome, str] = self._loop.run()
        try:
            job = next(steps)
            while True:
                job = steps.send(self._evaluate(job))
        except StopIteration:
            return
        finally:
            for change in pop_changes():
                print(change.describe(), file=sys.stderr)

    def bookkeeping(self, config: Config, error: float, runtime: float) -> None:
        """Record one evaluation and update the incumbent."""
        self.records.append({"config": config, "error": error, "runtime": runtime})
        if self.incumbent_error is None or error < self.incumbent_error:
            self.incumbent, self.incumbent_error = config, error
        self.incumbent_trajectory.append(self.incumbent_error)
        self.current_runtime += runtime
        self.cumulative_runtime.append(self.current_runtime)

    def _evaluate(self, job: Job) -> Outcome:
        if self.verbose:
            print(f"Trial {len(self.records) - self._first}: config = {job.suggestion}")
        outcome, runtime = self._call(job) if self._trainer is None else self._train(self._trainer, job)
        self.bookkeeping(job.suggestion, outcome.error, runtime)
        if self.verbose:
            print(f"    error = {outcome.error}, runtime = {runtime}")
        return outcome

    def _call(self, job: Job) -> tuple[Outcome, float]:
        began = time.perf_counter()
        objective: Callable[..., Any] = self.objective
        with ProcessState("the objective").active():
            seed = trial_seed(0, type(self).__name__, self.repetition, job.config)
            offered = offer(seed, job.epochs, Machine())
            asked = job.epochs if FIDELITY in job.suggestion else None
            if asked is None:  # Nobody asks for a fidelity, so the function's own default counts.
                offered = {name: value for name, value in offered.items() if name not in EPOCH_NAMES}
            arguments = _arguments(job.suggestion)
            if "epochs" in parameter_names(objective) and FIDELITY not in parameter_names(objective):
                arguments.pop(FIDELITY, None)  # It takes the fidelity under the other name.
            returned = call_unbound(objective, arguments, offered, asked)
            error, metrics = error_of(returned), metrics_of(returned)
        runtime = job.decide_seconds + time.perf_counter() - began
        return Outcome(error=error, epochs=job.epochs, end=job.start + runtime, metrics=metrics), runtime

    def _train(self, trainer: Trainer, job: Job) -> tuple[Outcome, float]:
        with deterministic_arithmetic(trainer.machine.device):
            result = trainer.train(job)
        runtime = job.decide_seconds + result.train_seconds
        before = self._trained_seconds.get(job.trial, 0.0) if job.start_epoch else 0.0
        self._trained_seconds[job.trial] = before + result.train_seconds
        clock = Clock(kind="measured", objective=trainer.objective, cost_model=None)
        result = clock.add_metrics(job, result, self._trained_seconds[job.trial], trainer.machine)
        return self._outcomes.outcome(evaluation_record(job, result, runtime, None)), runtime


class HPOTuner(Tuner):
    """The book's tuner as the book has it: it prints every evaluation."""

    def __init__(
        self,
        scheduler: Scheduler,
        objective: Callable[..., Any] | Objective,
        *,
        repetition: int = 0,
        verbose: bool = True,
    ) -> None:
        super().__init__(scheduler, objective, repetition=repetition, verbose=verbose)


def _trainer_of(objective: Callable[..., Any] | Objective, repetition: int) -> Trainer | None:
    if not isinstance(objective, Objective):
        return None
    own = type(objective).__module__.partition(".")[0] == "objectives" and not isinstance(objective, FunctionObjective)
    isolated = objective if own else IsolatedObjective(objective, "the objective")
    isolated.prepare(Machine())
    return Trainer(
        isolated,
        suite_seed=0,
        objective_name=type(objective).__name__,
        repetition=repetition,
        machine=Machine(),
    )


def _loop_of(scheduler: Scheduler, objective: Callable[..., Any] | Objective) -> TuningLoop:
    return TuningLoop(
        IsolatedScheduler(scheduler, ProcessState("the scheduler"), takes_info=takes_info(scheduler)),
        check=objective.space.check_proposal if isinstance(objective, Objective) else _native,
        nearest=objective.space.nearest if isinstance(objective, Objective) else None,
        max_epochs=objective.max_epochs if isinstance(objective, Objective) else None,
        budget=Budget(evaluations=0),
        resume=isinstance(objective, Objective) and objective.pausable,
    )


def _native(config: Mapping[str, Any]) -> Config:
    """The configuration with Python's own scalars in the place of numpy's and others'."""
    return {name: native_scalar(value) for name, value in config.items()}


def _arguments(config: Mapping[str, Any]) -> dict[str, Any]:
    """The configuration as arguments of a function: `optimizer.lr` is passed as `optimizer_lr`.

    Raises:
        ValueError: two hyperparameters would be the same argument.
    """
    arguments = {argument_name(name): value for name, value in config.items()}
    if len(arguments) < len(config):
        raise ValueError(f"hyperparameters {list(config)}: two are the same argument, since . - : / become _")
    return arguments
