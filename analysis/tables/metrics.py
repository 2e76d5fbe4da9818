"""The table of metrics: everything that the objective measured of what each run selected in the end."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from analysis.loading.metric_values import last_values
from analysis.loading.plan import Objective
from analysis.loading.results import Results, Run
from analysis.statistics.anytime import mean_and_std
from analysis.tables.curves import records

METRICS = (
    "objective", "algorithm", "repetition", "state", "trial", "epochs", "metric", "goal", "unit", "valid", "test",
)  # fmt: skip
"""Columns, in order; an interface. One row for every planned run and metric of its objective, the first one too, of
the incumbent at the end of the record. valid and test are in the metric's own direction and unit, and empty where the
metric was not measured, or the run has no incumbent."""

SUMMARY = (
    "objective", "algorithm", "metric", "goal", "unit", "n", "n_valid", "valid_mean", "valid_std",
    "n_test", "test_mean", "test_std",
)  # fmt: skip
"""Columns of the summary: n counts the complete runs with an incumbent, n_valid and n_test those of them in which the
metric was measured; mean and std (ddof = 1) are over these."""

READ = ("index", "trial", "epochs", "valid_error", "test_error")
"""Columns of the evaluations that are asked for of an incumbent."""


def metrics_table(results: Results, folder: Path) -> pd.DataFrame:
    """One row a run and metric, runs in the order of the plan, metrics as declared; none where none is declared.

    Ledgers of objectives that declare metrics are read again, for the evaluations in memory hold the first one alone.

    Args:
        results: plan and evaluations.
        folder: the suite's folder.

    Raises:
        BadInput: a damaged ledger, or metrics that are no lists of numbers.
    """
    declared = {objective.label: objective for objective in results.plan.objectives if objective.metric.declared}
    rows = [
        row for run in results.runs if run.objective in declared
        for row in _rows(results, folder, run, declared[run.objective])
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=list(METRICS)).astype({"trial": "Int64", "epochs": "Int64"})


def metrics_summary(metrics: pd.DataFrame) -> pd.DataFrame:
    """One row a cell and metric, over the complete runs.

    Args:
        metrics: from `metrics_table`.
    """
    keys = ["objective", "algorithm", "metric", "goal", "unit"]
    rows = []
    for names, cell in metrics.groupby(keys, sort=False):
        final = cell[(cell["state"] == "done") & cell["trial"].notna()]
        row = dict(zip(keys, names, strict=True)) | {"n": len(final)}
        for data in ("valid", "test"):
            values = final[data].dropna().to_numpy(dtype=float)
            mean, std = mean_and_std(values[:, None])
            row |= {f"n_{data}": len(values), f"{data}_mean": float(mean[0]), f"{data}_std": float(std[0])}
        rows.append(row)
    return pd.DataFrame(rows, columns=list(SUMMARY))


def _rows(results: Results, folder: Path, run: Run, objective: Objective) -> Iterator[dict[str, Any]]:
    place = results.final_incumbent(run)
    evaluation = None if place is None else {name: results.evaluations[name].iloc[place] for name in READ}
    labels = {"objective": run.objective, "algorithm": run.algorithm, "repetition": run.repetition, "state": run.state}
    of_run = {} if evaluation is None else {name: int(evaluation[name]) for name in ("trial", "epochs")}
    values = {} if evaluation is None else _values(results, folder, run, objective, evaluation)
    for metric in objective.metrics:
        named = {"metric": metric.name, "goal": metric.goal, "unit": metric.unit}
        yield labels | {"trial": None, "epochs": None} | of_run | named | values.get(metric.name, {})


def _values(
    results: Results, folder: Path, run: Run, objective: Objective, evaluation: Mapping[Any, Any]
) -> dict[str, dict[str, float]]:
    """By metric what was measured of an evaluation after its last epoch; the first one is what selected it."""
    record = next(
        found for found in records(results, folder, run)
        if found["kind"] == "evaluation" and found["index"] == evaluation["index"]
    )  # fmt: skip
    where = f"ledger of {run.objective}/{run.algorithm}, repetition {run.repetition}, index {record['index']}"
    measured = {data: last_values(where, record, f"{data}_metrics") for data in ("valid", "test")}
    first = objective.metric
    values = {
        metric.name: {data: measured[data].get(metric.name, math.nan) for data in measured}
        for metric in objective.metrics
    }
    values[first.name] = {data: float(first.own(evaluation[f"{data}_error"])) for data in measured}
    return values
