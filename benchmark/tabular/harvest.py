"""Makes offline tables, one an objective, of the trials in a suite's ledgers."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.construction.objective_factory import build_objective
from benchmark.errors import BadInput
from benchmark.reproducibility import canonical_json
from benchmark.storage.ledger_format import Record, read_ledger
from benchmark.storage.resume_check import RunRefused, check_header
from benchmark.suite.model import ObjectiveEntry, Run, Suite
from benchmark.tables.new_table import NewTable
from benchmark.tables.second_format import LONGEST_TEXT
from benchmark.tables.table import Table
from benchmark.tables.table_ends import metrics_with_ends
from benchmark.tables.table_file import write_table
from benchmark.tuning.clock import Clock, build_clock
from benchmark.tuning.trial_cache import CachedTrial, TrialCache, find_ledgers
from objectives.epoch import Epoch
from objectives.finite.finite_space import FiniteSpace
from objectives.metric import Metric
from objectives.objective import Objective
from objectives.space import Config, Space


def harvest(suite: Suite, folder: Path, out: Path, *, publish: bool = False) -> Iterator[tuple[str, Table]]:
    """Make a table of every objective of a suite from all that its ledgers hold.

    Args:
        suite: the comparison.
        folder: its results.
        out: folder for `<objective>.npz`.
        publish: for a table that is an objective by itself: seconds of an epoch are those of the suite's calibration,
            the same wherever it was trained, and metrics have the best and the typical value of the trials.

    Yields:
        Label and table of each objective.

    Raises:
        BadInput: an objective of which nothing is recorded, whose ledgers do not belong together, or that has no
            modelled seconds; before any table is written.
        LedgerError: likewise, a damaged ledger.
    """
    tables = {}
    for entry in suite.objectives:
        runs = {run.repetition: run for run in suite.runs() if run.objective.label == entry.label}
        tables[entry.label] = _tabulate(entry, *_collect(folder, list(runs.values())))
        if publish:
            clock = build_clock(next(iter(runs.values())), build_objective(entry))
            tables[entry.label] = _prepare_to_publish(tables[entry.label], clock)
    for label, table in tables.items():
        yield label, write_table(out / f"{label}.npz", table)


def _collect(folder: Path, runs: list[Run]) -> tuple[Record, dict[int, list[CachedTrial]]]:
    """Collect the first ledger's header and the trials of every repetition."""
    cache, first = TrialCache(), None
    for run in runs:
        for path in find_ledgers(folder, run):
            records = read_ledger(path).records
            if records:
                first = first or records[0]
                _require_same_trials(first, records[0], run, path)
                cache.add_records(run, records)
    if first is None:
        raise BadInput(f"{folder}: nothing is recorded of {runs[0].objective.label}; run the suite first")
    return first, {run.repetition: cache.trials_of(run.repetition) for run in runs}


def _require_same_trials(first: Record, header: Record, run: Run, path: Path) -> None:
    """Refuse trials of another suite, other data, or a machine that gives other bits than the first ledger's."""
    identity = run.identity()
    alike = {name: identity[name] for name in ("suite_seed", "objective", "repetition")}
    libraries = {"libraries": header["environment"].get("libraries")}  # Of an algorithm; no trial depends on them.
    expected = {
        "run": header["run"] | alike,
        "data": first["data"],
        "environment": first["environment"] | libraries,
    }
    try:
        check_header(header, expected, path, allow_mixed=False)
    except RunRefused as error:
        raise BadInput(str(error)) from error


def _tabulate(entry: ObjectiveEntry, header: Record, trials: dict[int, list[CachedTrial]]) -> NewTable:
    """Make the table of an objective of what its ledgers hold."""
    known = {number: {_name(trial): trial for trial in block if trial.epochs} for number, block in trials.items()}
    configs = {name: trial.config for block in known.values() for name, trial in block.items()}
    objective = build_objective(entry)
    grid = _whole_grid(objective.space, configs.values())
    names = sorted(configs, key=(lambda name: grid.row(configs[name]) or 0) if grid is not None else None)
    numbers = [number for number, block in known.items() if block]
    if not names:
        raise BadInput(f"{entry.label}: no trial of it was trained; nothing to harvest")
    cells = {
        (row, column): known[number][name]
        for column, number in enumerate(numbers)
        for row, name in enumerate(names)
        if name in known[number]
    }
    metrics = _metrics(objective, cells)
    longest = max(len(trial.epochs) for trial in cells.values())
    curves = _Curves((len(names), len(numbers), longest), metrics, cells)
    harvest = _harvest(header, numbers)
    digest = hashlib.sha256(canonical_json.encode(harvest, sort_keys=True)).hexdigest()
    return NewTable(
        space=objective.space,
        configs=None if grid is not None else [configs[name] for name in names],
        metrics=metrics,
        values=curves.values,
        test_values=curves.test_values,
        seconds=curves.seconds,
        reported=curves.reported,
        reached=curves.reached,
        diverged=curves.diverged,
        unmeasured=any(epoch.skipped for trial in cells.values() for epoch in trial.epochs),
        seeds=tuple(map(str, numbers)),
        source="harvested",
        version=str(header["environment"].get("code") or "unknown")[:LONGEST_TEXT],
        license="MIT",
        source_digest=digest,
        harvest=harvest,
    )


def _prepare_to_publish(table: NewTable, clock: Clock) -> NewTable:
    """A table with modelled seconds, whose metrics have the best and the typical value of its trials."""
    bare = tuple(replace(metric, best=None, typical=None) for metric in table.metrics)
    ends = metrics_with_ends(bare, table.values, table.test_values, table.reached)
    pairs = zip(table.metrics, ends, strict=True)
    metrics = tuple(replace(metric, best=end.best, typical=end.typical) for metric, end in pairs)
    return replace(table, metrics=metrics, seconds=_model_seconds(table, clock))


def _model_seconds(table: NewTable, clock: Clock) -> np.ndarray:
    """The modelled seconds of every epoch, (C, S, E); the first one pays for setting up."""
    known = np.arange(next(iter(table.values.values())).shape[2]) < table.reached[..., None]
    configs = table.configs or _members_of(FiniteSpace(dict(table.space)))
    seconds = np.zeros(known.shape)
    for row, config in enumerate(configs):
        first, second = clock.price_of(config, 0, 1), clock.price_of(config, 1, 2)
        if first is None or second is None:
            raise BadInput("--publish: the suite has no calibration; name one, or leave the option out")
        seconds[row] = np.where(np.arange(known.shape[2]) == 0, first, second)
    return np.where(known, seconds, 0.0)


def _members_of(grid: FiniteSpace) -> list[Config]:
    return [grid.member(row) for row in range(grid.size)]


def _whole_grid(space: Space, configs: Collection[Config]) -> FiniteSpace | None:
    """The space as a grid, if it is one and these are all of its configurations; a table then need not list them."""
    if space.conditions or not all(axis.choices for axis in space.axes.values()):
        return None
    grid = FiniteSpace({name: space[name] for name in space})
    return grid if grid.size == len(configs) else None


def _metrics(objective: Objective, cells: Mapping[tuple[int, int], CachedTrial]) -> tuple[Metric, ...]:
    """The objective's metrics as far as they are recorded: its one error, or those that records name."""
    recorded = (epoch.metrics for trial in cells.values() for epoch in trial.epochs if epoch.metrics is not None)
    names = next((list(metrics) for metrics in recorded), None)
    if names is None:
        return objective.metrics[:1]
    declared = {metric.name: metric for metric in objective.metrics}
    return tuple(declared[name] for name in names)


class _Curves:
    """The arrays of a table, filled trial by trial.

    Args:
        shape: configurations, repetitions, epochs.
        metrics: what is recorded.
        cells: the trials by row and column.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        metrics: tuple[Metric, ...],
        cells: Mapping[tuple[int, int], CachedTrial],
    ) -> None:
        self.metrics = metrics
        self.values = {metric.name: np.full(shape, math.nan) for metric in metrics}
        self.test_values = {metric.name: np.full(shape, math.nan) for metric in metrics}
        self.seconds = np.zeros(shape)
        self.reached, self.diverged = np.zeros(shape[:2], np.int64), np.zeros(shape[:2], np.bool_)
        reports = any(epoch.reported_seconds is not None for trial in cells.values() for epoch in trial.epochs)
        self.reported = np.zeros(shape) if reports else None
        for cell, trial in cells.items():
            self.reached[cell], self.diverged[cell] = len(trial.epochs), trial.epochs[-1].diverged
            for number, epoch in enumerate(trial.epochs):
                self._fill((*cell, number), epoch)
        self.test_values = {name: array for name, array in self.test_values.items() if not np.isnan(array).all()}

    def _fill(self, cell: tuple[int, int, int], epoch: Epoch) -> None:
        self.seconds[cell] = epoch.seconds
        if self.reported is not None:
            self.reported[cell] = epoch.reported_seconds or 0.0
        first = self.metrics[0]
        if epoch.metrics is None and not epoch.skipped:
            self.values[first.name][cell] = first.from_error(epoch.valid_error)
            self.test_values[first.name][cell] = np.float64(epoch.test_error)  # NaN for None.
        for array, values in ((self.values, epoch.metrics or {}), (self.test_values, epoch.test_metrics or {})):
            for name, value in values.items():
                array[name][cell] = np.float64(value)


def _harvest(header: Record, numbers: list[int]) -> dict[str, Any]:
    """Return what the trials depend on, without what belongs to one run."""
    environment = {name: value for name, value in header["environment"].items() if name != "libraries"}
    run = header["run"]
    return {
        "suite_seed": run["suite_seed"],
        "objective": run["objective"],
        "data": header["data"],
        "environment": environment,
        "repetitions": numbers,
    }


def _name(trial: CachedTrial) -> str:
    return repr(list(trial.config.items()))
