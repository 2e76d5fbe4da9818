"""Executes the runs of one objective in one process: side by side in a stack if possible, else in turn."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmark.batching.batcher import TrialBatcher
from benchmark.batching.gpu_claim import claim_gpu
from benchmark.batching.one_slot import OneSlot
from benchmark.batching.out_of_memory import is_out_of_memory, release_memory
from benchmark.construction.objective_factory import build_objective
from benchmark.reproducibility.environment import deterministic_arithmetic
from benchmark.reproducibility.setting_changes import pop_changes
from benchmark.storage.ledger_format import Record, read_ledger
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Run
from benchmark.tabular.replay import replay_runs
from benchmark.tabular.table_runs import look_up_runs
from benchmark.tuning.evaluation import describe_problem
from benchmark.tuning.execution import execute_run
from benchmark.tuning.run_report import RunReport, failure_report
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.tuning.trial_cache import TrialCache, find_ledgers
from objectives.objective import Machine, Objective
from objectives.stack import Stack


def execute_group(
    runs: Sequence[Run], settings: RunSettings, fatal: FatalEvaluation | None = None, marker: Path | None = None
) -> list[RunReport]:
    """Execute runs of one objective: side by side where their clock and objective allow it, else in turn.

    Args:
        runs: of one objective; every algorithm of a repetition should be among them, so that they
            share what is trained.
        settings: common to them.
        fatal: record this evaluation (of every run) as crashed instead of training it.
        marker: a file whose time is set whenever a training starts.

    Returns:
        A report for every run; errors are in it, not raised. The first has the settings of the process that were
        changed and put back.
    """
    reports = _execute_runs(runs, settings, fatal, marker)
    return [replace(reports[0], changes=pop_changes()), *reports[1:]]


def _execute_runs(
    runs: Sequence[Run], settings: RunSettings, fatal: FatalEvaluation | None, marker: Path | None
) -> list[RunReport]:
    if settings.tables is not None:
        return replay_runs(runs, settings)
    if runs[0].objective.table is not None:
        return look_up_runs(runs, settings, fatal)
    try:
        objective = build_objective(runs[0].objective)
        if not settings.train:
            header = _recorded_header(runs[0], settings)
            settings = replace(settings, environment=header["environment"])
            return TrialBatcher(runs, objective, settings, None, header["data"]).execute()
        settings = replace(settings, machine=claim_gpu(settings.machine))
        shared = settings.reuse is not None and shares_trials(runs[0]) and objective.pausable
        if not (shared or trains_side_by_side(runs[0], objective)):
            return _execute_in_turn(runs, settings, fatal, marker)
        with deterministic_arithmetic(settings.machine.device):
            return _execute_stacked(runs, objective, settings, fatal, marker)
    except Exception as error:  # A raise in a worker would end every other run with it.
        return [failure_report(run, error) for run in runs]


def _execute_in_turn(
    runs: Sequence[Run], settings: RunSettings, fatal: FatalEvaluation | None, marker: Path | None
) -> list[RunReport]:
    """Execute one run after the other; where the first failure stops the suite, those after it are not begun."""
    reports: list[RunReport] = []
    for run in runs:
        reports.append(execute_run(run, settings, fatal, marker))
        if settings.fail_fast and reports[-1].state != "done":
            break
    return reports


def _execute_stacked(
    runs: Sequence[Run], objective: Objective, settings: RunSettings, fatal: FatalEvaluation | None, marker: Path | None
) -> list[RunReport]:
    """Execute runs side by side; where the stack does not fit into memory, go on with half the slots.

    Where there is no stack, they share the trials to reuse.
    """
    settings = settings.in_this_process()
    data = objective.prepare(settings.machine)
    reports: list[RunReport] = []
    cache, capacity = TrialCache(), settings.capacity
    while True:
        runs_left = _without(runs, reports)
        batcher = None
        try:
            stack = _build_stack(objective, settings.machine, capacity)
            batcher = TrialBatcher(runs_left, objective, _noted(settings, stack), stack, data, fatal, marker, cache)
            return [*reports, *batcher.execute()]
        except Exception as error:  # A raise in a worker would end every other run with it.
            if batcher is not None:
                reports += batcher.reports
            if batcher is None or not is_out_of_memory(error) or not batcher.abandon(describe_problem(error)):
                return [*reports, *(failure_report(run, error) for run in _without(runs, reports))]
        # Only here, where the exception has gone that held the tensors of all frames it went through.
        capacity = max(1, stack.capacity // 2)
        print(
            f"{runs[0].objective.label}: out of memory with {stack.capacity} trials side by side, "
            f"going on with {capacity}; results do not change",
            file=sys.stderr,
        )
        del stack, batcher
        release_memory()


def _build_stack(objective: Objective, machine: Machine, capacity: int | None) -> Stack:
    stack = objective.stack(machine, capacity)
    return OneSlot(objective, machine) if stack is None else stack


def _noted(settings: RunSettings, stack: Stack) -> RunSettings:
    """Add to the settings why the stack trains as it does, for the headers; mostly there is nothing to add."""
    if stack.route_reason is None:
        return settings
    return replace(settings, environment={**settings.environment, "route_reason": stack.route_reason})


def _without(runs: Sequence[Run], reports: Sequence[RunReport]) -> list[Run]:
    """Select the runs that have no report yet."""
    reported = {report.run.path for report in reports}
    return [run for run in runs if run.path not in reported]


def trains_side_by_side(run: Run, objective: Objective) -> bool:
    """Return whether the trials of a run may share a stack."""
    return shares_trials(run) and objective.stackable


def shares_trials(run: Run) -> bool:
    """Whether a run may take trials that were trained for another: measured, or within a limit, each is its own."""
    return run.clock == "modelled" and run.timeout is None


def _recorded_header(run: Run, settings: RunSettings) -> Record:
    """Read a header of the results to reuse: on which data and machine the objective was trained.

    Raises:
        RunRefused: there are none.
    """
    assert settings.reuse is not None
    path = next(iter(find_ledgers(settings.reuse, run)), None)
    if path is None:
        raise RunRefused(
            f"{run.path}: nothing of its repetition is recorded in {settings.reuse}; leave --reuse out to train it"
        )
    return read_ledger(path).records[0]
