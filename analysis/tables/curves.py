"""Learning curves: the errors after each epoch of each trial, of one repetition of every cell."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.loading.ledgers import read_run
from analysis.loading.results import Results, Run
from benchmark.errors import BadInput
from benchmark.storage.ledger_format import Record

CURVES = ("objective", "algorithm", "repetition", "trial", "epoch", "valid_error", "test_error", "incumbent")
"""Columns of the table, in order; incumbent: whether the trial is the run's incumbent at the end of its record."""


def curves_table(results: Results, folder: Path, repetition: int = 0) -> pd.DataFrame:
    """One row an epoch of a trial, cells in the order of the plan, trials and epochs ascending.

    A diverged epoch has the chance error. A trial that crashed has the epochs of its evaluations before; one
    that was trained again from the start has each epoch once, of the last training. Ledgers are read
    again, for the evaluations in memory are without curves; only those of one repetition.

    Args:
        results: plan and evaluations.
        folder: the suite's folder.
        repetition: of every cell.

    Raises:
        BadInput: a damaged ledger, or a curve that is no list of numbers.
    """
    runs = [run for run in results.runs if run.repetition == repetition]
    return pd.DataFrame([row for run in runs for row in _rows(results, folder, run)], columns=list(CURVES))


def records(results: Results, folder: Path, run: Run) -> list[Record]:
    """Read the records of a run's ledger below a suite's folder; none of a missing one.

    Raises:
        BadInput: a damaged ledger.
    """
    _, told, _ = read_run(folder, run.objective, run.algorithm, run.repetition, results.plan.budget)
    return told


def _rows(results: Results, folder: Path, run: Run) -> list[dict[str, Any]]:
    best = _final_trial(results, run)
    epochs: dict[tuple[int, int], tuple[float, float]] = {}
    for record in records(results, folder, run):
        if record["kind"] == "evaluation":
            epochs |= _epochs(record, run)
    labels = {"objective": run.objective, "algorithm": run.algorithm, "repetition": run.repetition}
    return [
        {**labels, "trial": trial, "epoch": epoch, "valid_error": valid, "test_error": test, "incumbent": trial == best}
        for (trial, epoch), (valid, test) in sorted(epochs.items())
    ]


def _final_trial(results: Results, run: Run) -> int | None:
    """The trial of a run's incumbent at the end of its record; None where there is none."""
    place = results.final_incumbent(run)
    return None if place is None else int(results.evaluations["trial"].iloc[place])


def _epochs(record: Record, run: Run) -> dict[tuple[int, int], tuple[float, float]]:
    """Errors by trial and epoch, as many as an evaluation's record has; none of an epoch that was not measured."""
    curves = [record.get(f"{name}_curve", []) for name in ("valid", "test")]
    for name, values in zip(("valid_curve", "test_curve"), curves, strict=True):
        if not _is_curve(values, ends_unknown=name == "test_curve"):
            where = f"ledger of {run.objective}/{run.algorithm}, repetition {run.repetition}, index {record['index']}"
            raise BadInput(f"{where}: {name} = {values!r}: need a list of numbers; run that run again")
    first = record["start_epoch"] + 1
    test = [math.nan if error is None else error for error in curves[1]]
    errors = enumerate(zip(curves[0], test, strict=False))
    return {(record["trial"], first + place): both for place, both in errors if both[0] is not None}


def _is_curve(values: Any, *, ends_unknown: bool) -> bool:
    """Whether these are errors, None where one was not measured; at its end a validation curve was."""
    if not isinstance(values, list) or (values[-1:] == [None] and not ends_unknown):
        return False
    return all(value is None or (type(value) in (int, float) and math.isfinite(value)) for value in values)
