"""Predicts what a run will ask for where no result can change it, so that idle slots can train it ahead of time."""

from __future__ import annotations

from collections.abc import Iterator

from benchmark.suite.model import Run
from benchmark.tuning.factory import build_loop, build_scheduler
from benchmark.tuning.tuner import AlgorithmError, Outcome, TuningLoop
from objectives.objective import Objective
from objectives.space import Config


def predict_jobs(run: Run, objective: Objective) -> Iterator[tuple[Config, int]] | None:
    """Predict every configuration that a run will ask for and the epochs; None where results decide.

    They do unless the scheduler says `adaptive = False`, and always under a budget of seconds or
    epochs: how long a trial trains is known only when it has diverged or not.
    """
    scheduler = build_scheduler(run, objective)
    if getattr(scheduler, "adaptive", True) or {"runtime", "trainings", "epochs"} & set(run.budget.limits()):
        return None
    return _drive(build_loop(run, objective, scheduler))


def _drive(loop: TuningLoop) -> Iterator[tuple[Config, int]]:
    """Yield the proposals of a loop that is sent made-up results."""
    jobs = loop.run()
    try:
        job = next(jobs)
        while True:
            yield job.config, job.epochs
            job = jobs.send(Outcome(error=0.0, epochs=job.epochs, end=job.start + 1.0))
    except (StopIteration, AlgorithmError):  # A failing algorithm fails in its own run.
        return
