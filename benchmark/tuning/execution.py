"""Executes one run: replays what its ledger has recorded and trains the rest."""

from __future__ import annotations

import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

from algorithms.roles import Scheduler
from benchmark.construction.objective_factory import build_objective
from benchmark.reproducibility.environment import deterministic_arithmetic
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import FORMAT, LedgerError, Record, evaluations_of
from benchmark.storage.resume_check import RunRefused, changed_environment, changed_sources, check_header
from benchmark.suite.model import Run
from benchmark.tuning.clock import Clock, build_clock
from benchmark.tuning.evaluation import (
    WITHOUT_RESULT,
    ImpureTrial,
    TrainingResult,
    describe_problem,
    evaluation_record,
    failed_training,
)
from benchmark.tuning.factory import (
    build_loop,
    build_scheduler,
    closing_algorithm,
    library_versions,
    relevant_missing_features,
)
from benchmark.tuning.incumbent_test import IncumbentTest
from benchmark.tuning.record_replay import RecordedOutcomes, ReplayMismatch
from benchmark.tuning.run_report import BestSoFar, RunReport, failure_report, is_done, recorded_report
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.tuning.time_limit import TimeLimit
from benchmark.tuning.trainer import Trainer
from benchmark.tuning.tuner import AlgorithmError, Job, Outcome
from objectives.objective import Machine, Objective


class EvaluationFailed(Exception):
    """An evaluation is recorded that came to no result, and the suite is to stop at the first of these."""


class RunExecution:
    """A run in progress: replays what is recorded and yields the jobs that have to be trained.

    Args:
        run: which one.
        objective: built for it.
        settings: folder, machine and environment.
        arithmetic: what its trainings' bits depend on besides the machine (see `Stack.arithmetic`).
        fatal: record this evaluation as crashed instead of asking for it.
        route: how its trials are trained (see `Stack.route`), for the record.
        clock: that of another run like it, which has computed prices already.
    """

    def __init__(
        self,
        run: Run,
        objective: Objective,
        settings: RunSettings,
        arithmetic: str,
        fatal: FatalEvaluation | None = None,
        route: str = "alone",
        clock: Clock | None = None,
    ) -> None:
        self.run, self.objective, self.settings, self.fatal = run, objective, settings, fatal
        self.environment = {**settings.environment, "arithmetic": arithmetic, "route": route}
        self.environment.pop("libraries", None)  # A recorded environment may bring those of another algorithm.
        self.clock = build_clock(run, objective) if clock is None else clock
        self.test = IncumbentTest(run, objective, settings.machine)
        self.outcomes = RecordedOutcomes(objective.metrics[0])
        self.best = BestSoFar(objective.task)
        self.evaluations = 0
        self.trained_seconds: dict[int, float] = {}

    def steps(self, data: dict[str, str]) -> Generator[Job, TrainingResult, RunReport]:
        """Yield what has to be trained and be sent the results; every record is durable before the next job.

        Args:
            data: checksums of the objective's data, for the header.

        Returns:
            A report, as the generator's value; failures of the algorithm or the ledger are in it, not raised.
        """
        try:
            scheduler = build_scheduler(self.run, self.objective)
            # What a table answers is computed again in milliseconds; waiting for the disk would take longer.
            durable = self.settings.tables is None and not self.objective.tabulated
            path = self.settings.folder / self.run.path
            with (
                closing_algorithm(scheduler),
                Ledger(path, durable=durable, reopen=not is_done(self.run, self.settings.folder)) as ledger,
            ):
                data = {**data, **self.objective.repetition_data(self.run.repetition)}
                self._write_or_check_header(ledger, data, scheduler)
                if ledger.ended:
                    ledger.rename_complete()  # It was killed between its last record and the final name.
                    return recorded_report(self.run, self.settings.folder, self.objective.task)
                return (yield from self._tune(ledger, scheduler))
        except (LedgerError, RunRefused) as error:
            return self._report("refused", str(error))
        except EvaluationFailed as error:
            return self._report("stopped", str(error))
        except Exception as error:  # A raise in a worker would end every other run with it.
            return self._report("failed", describe_problem(error))

    def _write_or_check_header(self, ledger: Ledger, data: dict[str, str], scheduler: Scheduler) -> None:
        """Write the header of a new ledger, or compare the recorded one with this run."""
        versions = library_versions(self.run.algorithm, scheduler)
        if versions:
            self.environment["libraries"] = versions
        lacks = relevant_missing_features(self.run, self.objective, scheduler)
        header = {
            "kind": "header",
            "format": FORMAT,
            "run": self.run.identity(),
            "data": data,
            "environment": self.environment,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
        }
        if lacks:
            header["lacks"] = lacks
        if not ledger.records:
            ledger.append(header)
            return
        check_header(ledger.records[0], header, ledger.part, allow_mixed=self.settings.allow_mixed)
        ledger.change_budget(self.run.identity()["budget"])
        if ledger.ended:
            return
        latest = [record["environment"] for record in ledger.records if "environment" in record][-1]
        if changed_environment(latest, self.environment) or changed_sources(latest, self.environment):
            ledger.append({"kind": "resumed", "environment": self.environment})

    def _tune(self, ledger: Ledger, scheduler: Scheduler) -> Generator[Job, TrainingResult, RunReport]:
        recorded = evaluations_of(ledger.records)
        try:
            loop = build_loop(self.run, self.objective, scheduler)
            reason = yield from self._drive(loop.run(), recorded, ledger)
        except (AlgorithmError, ReplayMismatch, ImpureTrial) as error:
            cause = error.__cause__ if error.__cause__ is not None else error
            ledger.fail({"kind": "failure", "error": str(error)[:1000], "traceback": describe_problem(cause)})
            return self._report("failed", str(error))
        ledger.complete({"kind": "end", "reason": reason, "evaluations": self.evaluations})
        return self._report("done", None)

    def _drive(
        self, loop: Generator[Job, Outcome, str], recorded: list[Record], ledger: Ledger
    ) -> Generator[Job, TrainingResult, str]:
        try:
            job = next(loop)
            while True:
                if job.index < len(recorded):
                    outcome = self.outcomes.replay(job, recorded[job.index])
                    self._note_seconds(job, recorded[job.index]["train_seconds"])
                else:
                    result = self._fatal_result(job)
                    if result is None:
                        result = yield job
                    outcome = self._record(job, result, ledger)
                self.evaluations += 1
                self.test.note(outcome)
                self.best.add(outcome)
                job = loop.send(outcome)
        except StopIteration as stop:
            return str(stop.value)

    def _record(self, job: Job, result: TrainingResult, ledger: Ledger) -> Outcome:
        result = self.clock.require_seconds(job, result)
        result = self.clock.add_metrics(
            job, result, self._note_seconds(job, result.train_seconds), self.settings.machine
        )
        runtime, price = self.clock.charge(job, result)
        record = evaluation_record(job, result, runtime, price)
        outcome = self.outcomes.outcome(record)
        if self.test.is_due(outcome):
            result, problem = self.test.add_test(job, result)
            record = evaluation_record(job, result, runtime, price)
            record |= {} if problem is None else {"test_problem": problem}
        ledger.append(record)
        if self.settings.fail_fast and result.state in WITHOUT_RESULT:
            raise EvaluationFailed(f"evaluation {job.index}: {result.state}")
        return outcome

    def _note_seconds(self, job: Job, train_seconds: float) -> float:
        """Add up the measured seconds of a trial over its evaluations; one from the start begins anew."""
        before = self.trained_seconds.get(job.trial, 0.0) if job.start_epoch else 0.0
        self.trained_seconds[job.trial] = before + train_seconds
        return self.trained_seconds[job.trial]

    def _fatal_result(self, job: Job) -> TrainingResult | None:
        if self.fatal is None or self.fatal.index != job.index:
            return None
        return failed_training(job, self.fatal.state, self.fatal.reason, self.fatal.seconds, self.fatal.seconds)

    def _report(self, state: str, problem: str | None) -> RunReport:
        return RunReport(
            run=self.run,
            state=state,
            evaluations=self.evaluations,
            best_error=self.best.error,
            front_size=self.best.front_size,
            metric=self.objective.metrics[0],
            problem=problem,
        )


def execute_run(
    run: Run, settings: RunSettings, fatal: FatalEvaluation | None = None, marker: Path | None = None
) -> RunReport:
    """Execute one run by itself, one trial at a time; what is recorded of it is replayed, not trained.

    Args:
        run: which one.
        settings: folder, machine and environment.
        fatal: record this evaluation as crashed instead of training it.
        marker: a file whose time is set whenever a training starts.

    Returns:
        A report; errors are in it, not raised.
    """
    try:
        with deterministic_arithmetic(settings.machine.device):
            return _execute(run, settings, fatal, marker)
    except Exception as error:  # A raise in a worker would end every other run with it.
        return failure_report(run, error)


def _execute(run: Run, settings: RunSettings, fatal: FatalEvaluation | None, marker: Path | None) -> RunReport:
    objective = build_objective(run.objective)
    settings = settings.in_this_process()
    data = objective.prepare(settings.machine)
    arithmetic = objective.arithmetic(settings.machine, stacked=False)
    steps = RunExecution(run, objective, settings, arithmetic, fatal).steps(data)
    trainer = build_trainer(run, objective, settings.machine, settings.notes)
    try:
        job = next(steps)
        while True:
            note_training_start(marker)
            job = steps.send(trainer.train(job))
    except StopIteration as stop:
        report: RunReport = stop.value
        return report


def note_training_start(marker: Path | None) -> None:
    """Write the time at which a training starts, by the monotonic clock, for whoever finds the process dead."""
    if marker is not None:
        marker.write_text(str(time.monotonic()))


def build_trainer(run: Run, objective: Objective, machine: Machine, notes: Path | None = None) -> Trainer:
    """Build the trainer of a run's trials, which respects the run's time limit."""
    return Trainer(
        objective,
        suite_seed=run.suite_seed,
        objective_name=run.objective.part.name,
        repetition=run.repetition,
        machine=machine,
        limit=None if run.timeout is None else TimeLimit(seconds=run.timeout, run=run.path, notes=notes),
    )
