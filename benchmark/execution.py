"""Executes one run from its first line to its last: replays what is recorded, trains the rest."""

from __future__ import annotations

import math
import time
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import torch

from benchmark.build import build_objective, build_scheduler, is_dotted
from benchmark.environment import DECIDES_BITS, pinned
from benchmark.ledger import FORMAT, Ledger, LedgerError, Record
from benchmark.suite import Run
from benchmark.trainer import Trainer, Training, describe_problem, evaluation_record, lost
from benchmark.tuner import AlgorithmError, Job, Outcome, TuningLoop
from objectives.objective import Machine, Objective

REPLAYED = ("index", "trial", "config", "start_epoch", "start")
"""What a resumed run must propose again exactly as recorded (and the epochs asked for)."""


class ReplayMismatch(Exception):
    """A resumed run proposed something else than it had recorded."""


class RunRefused(Exception):
    """A recorded run that belongs to another suite, or to another machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Conditions:
    """What the runs of one command have in common.

    Attributes:
        folder: the suite's results.
        machine: device and data folder.
        environment: the machine card for the headers.
        allow_mixed: continue runs that began in another environment, and mark them.
    """

    folder: Path
    machine: Machine
    environment: dict[str, Any]
    allow_mixed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Crash:
    """The evaluation that killed its process, to be recorded instead of trained again."""

    index: int
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How a run went: "done", "failed" (its algorithm raised) or "refused" (its ledger), and why."""

    run: Run
    state: str
    evaluations: int
    best_error: float
    problem: str | None = None


def execute(run: Run, conditions: Conditions, crash: Crash | None = None, marker: Path | None = None) -> Report:
    """Execute one run; what is recorded of it is replayed, not trained.

    Args:
        run: which one.
        conditions: where.
        crash: record this evaluation as crashed instead of training it.
        marker: a file whose time is set whenever a training starts.

    Returns:
        A report; an algorithm's or a ledger's failure is in it, not raised.
    """
    try:
        with pinned(conditions.machine.device), Ledger(conditions.folder / run.path) as ledger:
            return _Execution(run, conditions, ledger, crash, marker).go()
    except (LedgerError, RunRefused) as error:
        return Report(run=run, state="refused", evaluations=0, best_error=math.inf, problem=str(error))
    except Exception as error:  # A raise in a worker would end every other run with it.
        return Report(run=run, state="failed", evaluations=0, best_error=math.inf, problem=describe_problem(error))


class _Execution:
    """One run in progress."""

    def __init__(
        self, run: Run, conditions: Conditions, ledger: Ledger, crash: Crash | None, marker: Path | None
    ) -> None:
        self.run, self.conditions, self.ledger = run, conditions, ledger
        self.crash, self.marker = crash, marker
        self.objective = build_objective(run.objective)
        self.best_error = math.inf
        self.evaluations = 0

    def go(self) -> Report:
        data = self.objective.prepare(self.conditions.machine)
        self._begin(data)
        recorded = [record for record in self.ledger.records if record["kind"] == "evaluation"]
        try:
            reason = self._tune(recorded)
        except (AlgorithmError, ReplayMismatch) as error:
            cause = error.__cause__ if error.__cause__ is not None else error
            self.ledger.fail({"kind": "failure", "error": str(error)[:1000], "traceback": describe_problem(cause)})
            return self._report("failed", str(error))
        self.ledger.complete({"kind": "end", "reason": reason, "evaluations": self.evaluations})
        return self._report("done", None)

    def _begin(self, data: dict[str, str]) -> None:
        """Write the header, or hold the recorded one against this run."""
        header = {
            "kind": "header",
            "format": FORMAT,
            "run": self.run.identity(),
            "data": data,
            "environment": self.conditions.environment,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if not self.ledger.records:
            self.ledger.append(header)
            return
        check_header(self.ledger.records[0], header, self.ledger.part, allow_mixed=self.conditions.allow_mixed)
        latest = [record["environment"] for record in self.ledger.records if "environment" in record][-1]
        if changed_environment(latest, self.conditions.environment):
            self.ledger.append({"kind": "resumed", "environment": self.conditions.environment})

    def _tune(self, recorded: list[Record]) -> str:
        loop = self._loop(build_scheduler(self.run, self.objective))
        trainer = _trainer(self.run, self.objective, self.conditions.machine)
        try:
            job = next(loop)
            while True:
                outcome = self._replay(job, recorded) if job.index < len(recorded) else self._train(job, trainer)
                self.evaluations += 1
                self.best_error = min(self.best_error, outcome.error)
                job = loop.send(outcome)
        except StopIteration as stop:
            return str(stop.value)

    def _loop(self, scheduler: Any) -> Generator[Job, Outcome, str]:
        return TuningLoop(
            scheduler,
            check=self.objective.space.check,
            max_epochs=self.objective.max_epochs,
            budget=self.run.budget,
            n_workers=self.run.n_workers,
            resume=self.run.resume,
        ).run()

    def _replay(self, job: Job, recorded: list[Record]) -> Outcome:
        record = recorded[job.index]
        proposed = {name: getattr(job, name) for name in REPLAYED} | {"asked_epochs": job.epochs}
        for name, value in proposed.items():
            if record[name] != value:
                raise ReplayMismatch(
                    f"evaluation {job.index}: {name} was recorded as {record[name]!r}, now {value!r} is proposed; "
                    "the algorithm does not repeat itself, or its code has changed"
                )
        error = math.inf if record["valid_error"] is None else record["valid_error"]
        return Outcome(error=error, epochs=record["epochs"], end=record["end"])

    def _train(self, job: Job, trainer: Trainer) -> Outcome:
        training = self._crashed(job) or self._trained(job, trainer)
        # The measured clock charges deciding and training; other clocks will charge a model's price.
        runtime = job.decide_seconds + training.train_seconds
        record = evaluation_record(job, training, runtime, job.decide_seconds)
        self.ledger.append(record)
        error = math.inf if training.valid_error is None else training.valid_error
        return Outcome(error=error, epochs=training.epochs, end=record["end"])

    def _trained(self, job: Job, trainer: Trainer) -> Training:
        if self.marker is not None:
            self.marker.write_text(str(time.time()))
        torch.set_num_threads(1)  # An earlier third-party trial of this run may have changed it.
        return trainer.train(job)

    def _crashed(self, job: Job) -> Training | None:
        if self.crash is None or self.crash.index != job.index:
            return None
        return lost(job, "crashed", self.crash.reason, self.crash.seconds)

    def _report(self, state: str, problem: str | None) -> Report:
        return Report(
            run=self.run,
            state=state,
            evaluations=self.evaluations,
            best_error=self.best_error,
            problem=problem,
        )


def check_header(recorded: Record, expected: Record, path: Path, *, allow_mixed: bool) -> None:
    """Hold a recorded header against the run that would continue it.

    Raises:
        RunRefused: another suite, other data, or an environment whose bits may differ.
    """
    for part in ("run", "data"):
        difference = first_difference(recorded[part], expected[part])
        if difference:
            raise RunRefused(
                f"{path}: recorded with another suite: {difference}; "
                "use another --results folder, or delete the old results"
            )
    changed = changed_environment(recorded["environment"], expected["environment"])
    if changed and not allow_mixed:
        raise RunRefused(
            f"{path}: recorded on another machine or library version: {changed}; continuing could mix bits: "
            "use another --results folder, or --allow-mixed to continue and mark the runs"
        )


def changed_environment(recorded: Record, current: Record) -> str | None:
    """The first difference in what decides a trial's bits, or None."""
    return first_difference(
        {name: recorded.get(name) for name in DECIDES_BITS}, {name: current.get(name) for name in DECIDES_BITS}
    )


def first_difference(recorded: Any, expected: Any, where: str = "") -> str | None:
    """Where two JSON values first differ, in words, or None."""
    if isinstance(recorded, dict) and isinstance(expected, dict):
        for key in [*recorded, *(key for key in expected if key not in recorded)]:
            inner = f"{where}.{key}" if where else str(key)
            difference = first_difference(recorded.get(key), expected.get(key), inner)
            if difference:
                return difference
        return None
    return None if recorded == expected else f"{where} was {recorded!r} and is now {expected!r}"


def _trainer(run: Run, objective: Objective, machine: Machine) -> Trainer:
    name = run.objective.part.name
    return Trainer(
        objective,
        suite_seed=run.suite_seed,
        objective_name=name,
        repetition=run.repetition,
        machine=machine,
        isolated=is_dotted(name),
    )
