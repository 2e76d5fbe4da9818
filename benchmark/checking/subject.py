"""An algorithm to be checked, built as a run of a suite builds it and driven by toy outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from algorithms.roles import Scheduler
from benchmark.checking.toy_objective import ALL_SPACES, MAX_EPOCHS, Toy
from benchmark.checking.toy_tasks import TASKS, error_in, information, toy_error, toy_values
from benchmark.reproducibility.isolated_scheduler import IsolatedScheduler
from benchmark.suite.model import Budget, Run
from benchmark.suite.parsing import parse
from benchmark.tuning.factory import build_scheduler, missing_features
from benchmark.tuning.tuner import Job, Outcome, TuningLoop
from objectives.space import FIDELITY, Config, Space

EVALUATIONS = 16
ErrorOf = Callable[[Config], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A searcher or scheduler with its options.

    Attributes:
        role: "searcher" (run under the basic scheduler) or "scheduler".
        algorithm: the table of a suite's `[algorithms.LABEL]`.
        evaluations: of a run.
        kind: of the task, a key of `TASKS`.
    """

    role: str
    algorithm: Mapping[str, Any]
    evaluations: int = EVALUATIONS
    kind: str = "one"

    def run(self, space: str, seed: int = 0, n_repetition: int = 0, under: Any = None, kind: str | None = None) -> Run:
        """A run of a suite that has this algorithm alone.

        Args:
            space: a key of `SPACES`.
            seed: of the suite.
            n_repetition: number of the run.
            under: another scheduler, for a searcher.
            kind: of the task; None: the subject's.
        """
        table = {
            "seed": seed,
            "budget": {"evaluations": 1000},
            "objectives": {"toy": {"name": f"{Toy.__module__}:Toy", "on": space, "kind": kind or self.kind}},
            "algorithms": {"it": dict(self.algorithm) if under is None else {**self.algorithm, "scheduler": under}},
            "repetitions": n_repetition + 1,
        }
        return list(parse("conformance", table).runs())[n_repetition]

    def scheduler(
        self, space: str, seed: int = 0, n_repetition: int = 0, under: Any = None, kind: str | None = None
    ) -> Scheduler:
        """Build a fresh scheduler; the arguments are those of `run`.

        Raises:
            BadInput: the algorithm cannot be built.
        """
        run = self.run(space, seed, n_repetition, under, kind)
        return build_scheduler(run, Toy(on=space, kind=kind or self.kind))

    def lacks(self) -> Mapping[str, str]:
        """Properties that it says itself not to have, and why."""
        return missing_features(self.run("conditional").algorithm, self.scheduler("conditional"))

    def drive(
        self,
        space: str,
        n_workers: int = 1,
        error_of: ErrorOf = toy_error,
        evaluations: int | None = None,
        seed: int = 0,
        **options: Any,
    ) -> list[Job]:
        """Run a fresh scheduler on toy outcomes: its jobs. The options are those of `run`."""
        scheduler = self.scheduler(space, seed, **options)
        return drive_on_toys(scheduler, ALL_SPACES[space][0], n_workers, error_of, evaluations or self.evaluations)

    def tell(self, scheduler: Scheduler, suggestion: Config) -> None:
        """Tell a scheduler the toy outcome of what it has suggested."""
        config, error, info = self.outcome(suggestion)
        scheduler.update(config, error, info)

    def outcome(self, suggestion: Config) -> tuple[Config, float, dict[str, Any]]:
        """The arguments of `update` after a suggestion was trained."""
        values = {**toy_values(suggestion), "error": toy_error(suggestion)}
        error = error_in(TASKS["one"], values)
        return dict(suggestion), error, information(values, suggestion.get(FIDELITY, MAX_EPOCHS))


def drive_on_toys(scheduler: Scheduler, space: Space, n_workers: int, error_of: ErrorOf, evaluations: int) -> list[Job]:
    """Run a scheduler on errors of the suggestions, with metrics beside them unless training failed."""

    def metrics_of(job: Job, error: float) -> dict[str, float | None] | None:
        return None if error == float("inf") else {**toy_values(job.suggestion), "error": error, "loss": error}

    options: dict[str, Any] = {
        "max_epochs": MAX_EPOCHS,
        "budget": Budget(evaluations=evaluations),
        "n_workers": n_workers,
    }
    return drive(scheduler, space, lambda job: error_of(job.suggestion), metrics_of=metrics_of, **options)[0]


def drive(
    scheduler: Scheduler,
    space: Space,
    error_of: Callable[[Job], float],
    end_of: Callable[[Job], float] | None = None,
    metrics_of: Callable[[Job, float], dict[str, float | None] | None] | None = None,
    max_epochs: int = MAX_EPOCHS,
    **options: Any,
) -> tuple[list[Job], TuningLoop, str]:
    """Run the tuning loop on outcomes that are functions of the job.

    Args:
        scheduler: what is driven.
        space: of its proposals.
        error_of: the error that a job comes to.
        end_of: when a job ends; None: within five seconds of its start, so that jobs end out of order.
        metrics_of: the metrics that a job comes to besides its error; None: there are none.
        max_epochs: the full fidelity.
        options: of the loop.

    Returns:
        Its jobs, the loop, and why it stopped.

    Raises:
        AlgorithmError: the scheduler raised, or suggested something impossible.
    """
    loop = TuningLoop(scheduler, check=space.check_proposal, nearest=space.nearest, max_epochs=max_epochs, **options)
    jobs, steps = [], loop.run()
    try:
        job = next(steps)
        while True:
            jobs.append(job)
            error = error_of(job)
            metrics = metrics_of(job, error) if metrics_of else None
            end = (end_of or end_out_of_order)(job)
            job = steps.send(Outcome(error=error, epochs=job.epochs, end=end, metrics=metrics))
    except StopIteration as stop:
        return jobs, loop, stop.value


def end_out_of_order(job: Job) -> float:
    """An end within five seconds of the start, whatever is trained."""
    return job.start + 1 + job.index * 7 % 5


def suggestions(jobs: list[Job]) -> list[Config]:
    """What a scheduler suggested."""
    return [job.suggestion for job in jobs]


def without_fidelity(suggestion: Config) -> Config:
    """The hyperparameters of a suggestion."""
    return {name: value for name, value in suggestion.items() if name != FIDELITY}


def unwrap(scheduler: Scheduler) -> Scheduler:
    """A third party's scheduler as it was made, without what keeps it apart."""
    return scheduler.scheduler if isinstance(scheduler, IsolatedScheduler) else scheduler
