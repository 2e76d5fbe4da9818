"""Replays runs from an offline table instead of training them, in some milliseconds each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.construction.objective_factory import build_objective
from benchmark.reproducibility.environment import deterministic_arithmetic
from benchmark.storage.ledger_format import Record
from benchmark.storage.resume_check import RunRefused, changed_environment, first_difference
from benchmark.suite.model import Run
from benchmark.tables.table import Table
from benchmark.tables.table_file import load_table
from benchmark.tabular.lookup import look_up
from benchmark.tuning.clock import Clock, build_clock
from benchmark.tuning.evaluation import TrainingResult
from benchmark.tuning.execution import RunExecution, build_trainer
from benchmark.tuning.run_report import RunReport, failure_report
from benchmark.tuning.run_settings import RunSettings
from benchmark.tuning.trainer import Trainer
from benchmark.tuning.tuner import Job
from objectives.objective import Objective


def replay_runs(runs: Sequence[Run], settings: RunSettings) -> list[RunReport]:
    """Replay runs of one objective against the settings' table.

    A run that asks for a trial which the table does not hold is refused, or the trial is trained as
    any other, as the settings say; it is never interpolated.
    """
    try:
        objective = build_objective(runs[0].objective)
        table = load_table_of(runs[0], settings.tables)
        if not settings.train:
            settings = replace(settings, environment=harvest_of(table)["environment"])
        with deterministic_arithmetic(settings.machine.device):
            clock = build_clock(runs[0], objective)  # The same for every run of an objective in a suite.
            return [_replay(run, objective, table, settings, clock) for run in runs]
    except Exception as error:  # A raise in a worker would end every other run with it.
        return [failure_report(run, error) for run in runs]


def load_table_of(run: Run, tables: Path | None) -> Table:
    """Load the table of a run's objective.

    Raises:
        RunRefused: it is of another objective or of another seed.
        BadInput: there is none.
    """
    assert tables is not None
    path = tables / f"{run.objective.label}.npz"
    table = load_table(path)
    identity = run.identity()
    mine = {"suite_seed": run.suite_seed, "objective": identity["objective"]["part"]}
    if table.harvest is None:
        name = table.origin["source"]
        raise RunRefused(f'{path}: not harvested but converted from {name}; name it in the suite, by table = "..."')
    its = {"suite_seed": table.harvest["suite_seed"], "objective": table.harvest["objective"]["part"]}
    difference = first_difference(its, mine)
    if difference:
        raise RunRefused(f"{path}: harvested from other trials: {difference}; give the --tables of this suite")
    return table


def harvest_of(table: Table) -> Mapping[str, Any]:
    """What the trials of a harvested table depend on."""
    assert table.harvest is not None, "load_table_of refuses others"
    return table.harvest


def require_same_machine(table: Table, environment: Record, path: Path) -> None:
    """Refuse to train a table's missing trials on a machine that would give other bits.

    Raises:
        RunRefused: naming the first difference.
    """
    recorded, current = ({**card, "libraries": None} for card in (harvest_of(table)["environment"], environment))
    difference = changed_environment(recorded, current)
    if difference:
        raise RunRefused(
            f"{path}: harvested on another machine or library version: {difference}; "
            "leave --miss train out, or harvest it anew here"
        )


def _replay(run: Run, objective: Objective, table: Table, settings: RunSettings, clock: Clock) -> RunReport:
    column = table.column(run.repetition, recycle=settings.recycle)
    if column is None and not settings.train:
        held = ", ".join(map(str, table.repetitions[:5])) + (", ..." if len(table.repetitions) > 5 else "")
        return failure_report(run, RunRefused(f"{run.path}: the table holds repetitions {held}; --recycle uses them"))
    arithmetic = str(harvest_of(table)["environment"].get("arithmetic"))
    steps = RunExecution(run, objective, settings, arithmetic, route="replayed", clock=clock).steps(
        harvest_of(table)["data"]
    )
    trainer = build_trainer(run, objective, settings.machine) if settings.train else None
    try:
        job = next(steps)
        while True:
            job = steps.send(_looked_up(run, look_up(table, column, job)) or _train(run, job, trainer))
    except StopIteration as stop:
        report: RunReport = stop.value
        return report
    except RunRefused as error:
        steps.close()
        return failure_report(run, error)


def _looked_up(run: Run, result: TrainingResult | None) -> TrainingResult | None:
    """Let a tabulated clock charge the seconds that the table holds, whoever has measured them."""
    if result is None or run.clock != "tabulated" or result.reported_seconds is not None:
        return result
    return replace(result, reported_seconds=result.train_seconds)


def _train(run: Run, job: Job, trainer: Trainer | None) -> TrainingResult:
    """Train what the table does not hold, or refuse the run."""
    if trainer is None:
        raise RunRefused(
            f"{run.path}: asks for {job.config} until epoch {job.epochs}, which the table does not hold; "
            "--miss train trains it, a grid (objectives.*.discretise) makes all of them known"
        )
    return trainer.train(job)
