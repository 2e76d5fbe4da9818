"""Makes offline tables, one an objective, of the trials in a suite's ledgers."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import BadInput
from benchmark.storage.ledger_format import Record, read_ledger
from benchmark.storage.resume_check import RunRefused, check_header
from benchmark.suite.model import Run, Suite
from benchmark.tabular.table import Table, save_table
from benchmark.tuning.trial_cache import CachedTrial, TrialCache, find_ledgers
from objectives.space import Config


def harvest(suite: Suite, folder: Path, out: Path) -> Iterator[tuple[str, Table]]:
    """Make a table of every objective of a suite from all that its ledgers hold.

    Args:
        suite: the comparison.
        folder: its results.
        out: folder for `<objective>.npz`.

    Yields:
        Label and table of each objective.

    Raises:
        BadInput: an objective of which nothing is recorded, or whose ledgers do not belong together;
            before any table is written.
        LedgerError: likewise, a damaged ledger.
    """
    contents = {}
    for label in [entry.label for entry in suite.objectives]:
        runs = {run.repetition: run for run in suite.runs() if run.objective.label == label}
        contents[label] = _tabulate(label, *_collect(folder, list(runs.values())))
    for label, (header, configs, arrays) in contents.items():
        yield label, save_table(out / f"{label}.npz", header, configs, arrays)


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


def _tabulate(
    label: str, header: Record, trials: dict[int, list[CachedTrial]]
) -> tuple[dict[str, Any], list[Config], dict[str, np.ndarray]]:
    """Build header, configurations and arrays of an objective's table."""
    known = {number: {_name(trial): trial for trial in block if trial.epochs} for number, block in trials.items()}
    configs = {name: trial.config for block in known.values() for name, trial in block.items()}
    names = sorted(configs)
    numbers = [number for number, block in known.items() if block]
    if not names:
        raise BadInput(f"{label}: no trial of it was trained; nothing to harvest")
    shape = len(names), len(numbers)
    longest = max(len(trial.epochs) for block in known.values() for trial in block.values())
    arrays = {name: np.zeros((*shape, longest)) for name in ("valid", "test", "seconds")}
    arrays |= {"reached": np.zeros(shape, np.int64), "diverged": np.zeros(shape, np.bool_)}
    for column, number in enumerate(numbers):
        for row, name in enumerate(names):
            if name in known[number]:
                _fill(arrays, row, column, known[number][name])
    arrays["repetitions"] = np.array(numbers, np.int64)
    metrics = _metric_arrays(arrays, [known[number] for number in numbers], names)
    return _header(header) | metrics, [configs[name] for name in names], arrays


def _fill(arrays: dict[str, np.ndarray], row: int, column: int, trial: CachedTrial) -> None:
    cells = row, column, slice(0, len(trial.epochs))
    arrays["valid"][cells] = [math.nan if epoch.skipped else epoch.valid_error for epoch in trial.epochs]
    arrays["test"][cells] = np.array([epoch.test_error for epoch in trial.epochs], np.float64)  # NaN for None.
    arrays["seconds"][cells] = [epoch.seconds for epoch in trial.epochs]
    arrays["reached"][row, column] = len(trial.epochs)
    arrays["diverged"][row, column] = trial.epochs[-1].diverged


def _metric_arrays(
    arrays: dict[str, np.ndarray], blocks: list[dict[str, CachedTrial]], names: list[str]
) -> dict[str, Any]:
    """Add arrays of metrics and of reported seconds where trials have any; return what the header says of them."""
    cells = [
        ((row, column, index), epoch)
        for column, block in enumerate(blocks)
        for row, name in enumerate(names)
        if name in block
        for index, epoch in enumerate(block[name].epochs)
    ]
    if any(epoch.reported_seconds is not None for _, epoch in cells):
        arrays["reported"] = np.zeros(arrays["valid"].shape)
        for cell, epoch in cells:
            arrays["reported"][cell] = epoch.reported_seconds or 0.0
    said = {"unmeasured": True} if any(epoch.skipped for _, epoch in cells) else {}
    metrics = next((list(epoch.metrics) for _, epoch in cells if epoch.metrics is not None), None)
    if metrics is None:
        return said
    tested = any(epoch.test_metrics is not None for _, epoch in cells)
    for array in ("metrics", "test_metrics") if tested else ("metrics",):
        arrays[array] = np.full((*arrays["valid"].shape, len(metrics)), math.nan)
        for cell, epoch in cells:
            values = getattr(epoch, array) or {}
            arrays[array][cell] = np.array([values.get(name) for name in metrics], np.float64)
    return {**said, "metrics": metrics}


def _header(header: Record) -> dict[str, Any]:
    """Return what the trials depend on, without what belongs to one run."""
    environment = {name: value for name, value in header["environment"].items() if name != "libraries"}
    run = header["run"]
    return {
        "suite_seed": run["suite_seed"],
        "objective": run["objective"],
        "data": header["data"],
        "environment": environment,
    }


def _name(trial: CachedTrial) -> str:
    return repr(list(trial.config.items()))
