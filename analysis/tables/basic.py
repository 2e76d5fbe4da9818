"""The tables of a suite: trials, runs, trajectory and summary, as data frames and as CSV.

Under the modelled and the tabulated clock they hold no measured time, so that a suite run again gives the same bytes;
`analysis.tables.timing` has what was measured.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.imported import count_planned
from analysis.loading.metric_values import shown_columns
from analysis.loading.plan import Plan
from analysis.loading.records import WORTHLESS
from analysis.loading.results import AXES, Results, Run
from analysis.statistics.anytime import Array, aggregate, mean_and_std, total
from analysis.value_format import spread_text

TRIALS = (
    "objective", "algorithm", "repetition", "run_state", "index", "trial", "config", "start_epoch", "epochs",
    "state", "valid_error", "test_error", "train_seconds", "decide_seconds", "start", "end",
    "completed", "cumulative_epochs", "counted",
)  # fmt: skip
RUNS = (
    "objective", "algorithm", "repetition", "state", "n_evaluations", "n_trials", "n_diverged", "n_crashed",
    "epochs", "runtime", "train_seconds", "decide_seconds", "t_first", "final_valid_error", "final_test_error",
    "incumbent",
)  # fmt: skip
TRAJECTORY = (
    "objective", "algorithm", "axis", "t", "n_defined", "valid_mean", "valid_std", "test_mean", "test_std",
    "n_runs", "n_active",
)  # fmt: skip
SUMMARY = (
    "objective", "algorithm", "n", "n_planned", "n_failed", "valid_mean", "valid_std", "test_mean", "test_std",
    "runtime_mean", "decide_share",
)  # fmt: skip
"""Columns of the tables, in order. They are an interface: others read the files by these names."""

CHARGED = {"modelled": "modelled_seconds", "tabulated": "reported_seconds"}
"""The column of charged seconds of training that takes the place of the measured ones, by clock.

Under these clocks deciding costs nothing, and what it took is not shown either.
"""
MEASURED_DECISIONS = ("decide_seconds", "decide_share")
SECONDS = ("train_seconds", "decide_seconds", *CHARGED.values())
READ = ("state", "trial", "start_epoch", "epochs", "end", "valid_error", "test_error", "config")
"""Columns of the evaluations that a run's row is made of; the first ones are summed."""


def columns(names: Sequence[str], results: Results) -> list[str]:
    """The columns that a table shows under the suite's clock."""
    charged = CHARGED.get(results.plan.clock)
    if charged is None:
        return list(names)
    return [charged if name == "train_seconds" else name for name in names if name not in MEASURED_DECISIONS]


def trials_table(results: Results) -> pd.DataFrame:
    """One row an evaluation, runs in the order of the plan, in the order of completion; errors of crashed ones +inf.

    Where several metrics are optimised, or there are constraints, there are further columns: `valid:NAME` and
    `test:NAME` of the further metrics in their own directions, and violation and feasible.
    """
    return results.evaluations[[*columns(TRIALS, results), *shown_columns(results.evaluations)]]


def runs_table(results: Results, runs: pd.DataFrame) -> pd.DataFrame:
    """One row for every planned run, missing ones too.

    Counts and seconds are over all that is recorded, the final errors are the incumbent's at the end
    of the record, within the budget, and +inf when every evaluation crashed; whether they may be
    averaged is a matter of `state`. Where some run ended with budget left there is a column more, ended:
    "budget", or "exhausted" of one whose algorithm had nothing left to try. A hypervolume has no incumbent.
    """
    ended = ["ended"] if ended_early(results) else []
    shown = [name for name in columns(RUNS, results) if not (results.so_far and name == "incumbent")]
    there = runs if results.plan.imported is None else runs[runs["state"] != "missing"]
    return there[[*shown, *ended]]


def ended_early(results: Results) -> dict[tuple[str, str], list[int]]:
    """The runs that ended with budget left, since their algorithm had nothing left to try: their trials, by cell."""
    limit = results.plan.budget.get("trials", math.inf)
    found: dict[tuple[str, str], list[int]] = {}
    for run in results.runs:
        if run.ended == "exhausted":
            trials = results.evaluations["trial"].iloc[run.rows].nunique()
            if trials < limit:
                found.setdefault((run.objective, run.algorithm), []).append(trials)
    return found


def end_notes(results: Results) -> list[tuple[str, str]]:
    """A sentence for every cell with runs that ended with budget left; the objective's label, and the rest."""
    limits = [f"{limit:g} {name}" for name, limit in results.plan.budget.items()]
    of = f"of {limits[0]}" if "trials" in results.plan.budget else f"trials (budget: {', '.join(limits)})"
    notes = []
    for (objective, algorithm), counts in ended_early(results).items():
        span = f"{min(counts)}" if min(counts) == max(counts) else f"{min(counts)} to {max(counts)}"
        runs = f"{len(counts)} of {results.plan.repetitions} runs"
        notes.append((objective, f"{algorithm}: {runs} ended after {span} {of}: no configurations left."))
    return notes


def all_of_runs(results: Results) -> pd.DataFrame:
    """The runs with the columns of either clock."""
    columns = {name: results.evaluations[name].to_numpy() for name in (*READ, *SECONDS)}
    rows = [_run_row(results, run, columns) for run in results.runs]
    return pd.DataFrame(rows, columns=[*RUNS, *CHARGED.values(), "ended"])


def trajectory_table(results: Results) -> pd.DataFrame:
    """Mean and std of every cell (see `analysis.statistics.anytime`) on the three axes, one row an event time."""
    parts = [
        _cell_rows(results, objective, algorithm, axis, [run for run in runs if run.aggregated])
        for objective, algorithm, runs in results.cells()
        for axis in AXES
    ]
    return pd.concat(parts, ignore_index=True)


def summary_table(results: Results, runs: pd.DataFrame) -> pd.DataFrame:
    """One row a cell: how many runs, what they reached and what it took.

    n counts complete and failed runs. Final means are given only when every one of these is complete
    and has an incumbent.

    Args:
        results: for the plan.
        runs: from `all_of_runs`.
    """
    size = results.plan.repetitions
    rows = [
        _summary_row(results, objective.label, algorithm, runs.iloc[place * size : (place + 1) * size])
        for place, (objective, algorithm) in enumerate(results.plan.cells())
    ]
    return pd.DataFrame(rows, columns=list(SUMMARY))[columns(SUMMARY, results)]


def as_csv(tables: Mapping[str, pd.DataFrame]) -> dict[str, bytes]:
    """The tables as CSV files by name; floats read back exactly, lines end with a newline alone."""
    frames = dict(tables)  # All computed before the first is written down: the texts take as much memory again.
    return {f"{name}.csv": frame.to_csv(index=False, lineterminator="\n").encode() for name, frame in frames.items()}


def as_text(summary: pd.DataFrame, plan: Plan) -> str:
    """The summary to read: mean ± std of the final errors or metrics, and how many of the planned runs."""
    heads: tuple[str, ...] = ("objective", "algorithm", "validation error", "test error", "runs")
    lines = [heads, *(_summary_line(row) for row in summary.to_dict("records"))]
    if plan.declares_metrics:
        metrics = (plan.objective(row["objective"]).metric for row in summary.to_dict("records"))
        names = ["metric", *(f"{metric.name}{metric.direction}{metric.in_unit}" for metric in metrics)]
        lines = [(*line[:2], name, *line[2:]) for line, name in zip(lines, names, strict=True)]
        lines[0] = tuple(head.removesuffix(" error") for head in lines[0])
    widths = [max(len(line[column]) for line in lines) for column in range(len(lines[0]))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def _cell_rows(results: Results, objective: str, algorithm: str, axis: str, runs: list[Run]) -> pd.DataFrame:
    trajectory = aggregate(results.curves(runs, axis))
    columns: dict[str, Any] = {
        "objective": objective, "algorithm": algorithm, "axis": axis, "n_runs": len(runs)
    }  # fmt: skip
    columns |= {name: getattr(trajectory, name) for name in TRAJECTORY if hasattr(trajectory, name)}
    return pd.DataFrame(columns, index=range(len(trajectory.t)))[list(TRAJECTORY)]


def _run_row(results: Results, run: Run, columns: Mapping[str, Array]) -> dict[str, Any]:
    own = {name: column[run.rows] for name, column in columns.items()}
    row = {
        "objective": run.objective,
        "algorithm": run.algorithm,
        "repetition": run.repetition,
        "state": run.state,
        "ended": run.ended,
        "n_evaluations": len(own["end"]),
        "n_trials": len(np.unique(own["trial"])),
        "n_diverged": np.count_nonzero(own["state"] == "diverged"),
        "n_crashed": np.count_nonzero(np.isin(own["state"], WORTHLESS)),
        "epochs": (own["epochs"] - own["start_epoch"]).sum(),
        "runtime": own["end"].max() if len(own["end"]) else 0.0,
    } | {name: total(own[name].tolist()) for name in SECONDS}
    return row | _final(results.incumbent_rows(run), columns)


def _final(incumbents: Array, columns: Mapping[str, Array]) -> dict[str, Any]:
    """The incumbent at the end of a run, by the rows of its incumbents; nothing where no evaluation counts."""
    if not len(incumbents):
        return {}
    if incumbents[-1] < 0:
        return {"final_valid_error": math.inf, "final_test_error": math.inf}
    return {
        "t_first": columns["end"][incumbents[incumbents >= 0][0]],
        "final_valid_error": columns["valid_error"][incumbents[-1]],
        "final_test_error": columns["test_error"][incumbents[-1]],
        "incumbent": columns["config"][incumbents[-1]],
    }


def _summary_row(results: Results, objective: str, algorithm: str, runs: pd.DataFrame) -> dict[str, Any]:
    aggregated = runs[runs["state"].isin(["done", "failed"])]
    defined = (aggregated["state"] == "done") & np.isfinite(aggregated["final_valid_error"])
    valid, test = (_defined_mean(aggregated[f"final_{name}_error"], defined) for name in ("valid", "test"))
    decide, train = (total(aggregated[f"{name}_seconds"]) for name in ("decide", "train"))
    return {
        "objective": objective,
        "algorithm": algorithm,
        "n": len(aggregated),
        "n_planned": count_planned(runs["state"], results.plan.imported),
        "n_failed": (runs["state"] == "failed").sum(),
        "valid_mean": valid[0],
        "valid_std": valid[1],
        "test_mean": test[0],
        "test_std": test[1],
        "runtime_mean": total(aggregated["runtime"], len(aggregated)) if len(aggregated) else math.nan,
        "decide_share": decide / (decide + train) if 0 < decide + train < math.inf else math.nan,
    }


def _defined_mean(errors: pd.Series, defined: pd.Series) -> tuple[float, float]:
    values: Array = errors.where(defined).to_numpy(dtype=np.float64)
    mean, std = mean_and_std(values[:, np.newaxis])
    return float(mean[0]), float(std[0])


def _summary_line(row: Mapping[Any, Any]) -> tuple[str, ...]:
    failed = f", {row['n_failed']} failed" if row["n_failed"] else ""
    return (
        row["objective"],
        row["algorithm"],
        spread_text(row["valid_mean"], row["valid_std"]),
        spread_text(row["test_mean"], row["test_std"]),
        f"{row['n']} of {row['n_planned']}{failed}",
    )
