"""Constraints on the page: how many runs have met them by when, how far the others are, what holds on the test set."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.explanations import explain
from analysis.figures.violation import QUARTILES, bounds_text
from analysis.report.encoding import compact, interval_text, number_text
from analysis.report.html_table import Column, Row, html_table, integer_column, number_column, text_column
from analysis.report.section import Section, charts, table
from analysis.report.trajectories import kept
from analysis.study import Study
from analysis.tables.feasibility import constrained

MOST_ROWS = 12_000
"""Times in all cells together; with more of them every cell keeps an even share."""
FEWEST_ROWS = 40


def feasibility_section(study: Study) -> Section:
    """Shares of runs with a feasible trial and least violations over time, and counts at the end."""
    title = "Constraints"
    bounds = "; ".join(f"{entry.label}: {bounds_text(entry)}" for entry in constrained(study.results))
    below = explain("violation", study.results)
    lead = (
        f"{bounds}. Above: the share of runs that have a feasible trial. Below: {below[0].lower()}{below[1:]} "
        "The table counts what was chosen: incumbents, or members of fronts, and how many of them meet the constraints "
        "on the test set."
    )
    frame, summary = table(study, "feasibility"), table(study, "feasibility_summary")
    if frame is None or summary is None:
        return Section(name="feasibility", title=title, lead=lead, absent="No run is finished yet.")
    return Section(
        name="feasibility",
        title=title,
        lead=lead,
        charts=charts(study, "Feasible runs and violation on {}", "violation-{}", list(frame["objective"].unique())),
        data=_cells(frame),
        sheets=(html_table(title, summary, _columns()),),
        tables=("feasibility", "feasibility_runs", "feasibility_summary"),
    )


def _columns() -> list[Column]:
    return [
        text_column("objective", "objective"),
        text_column("algorithm", "algorithm"),
        Column(
            title="with a feasible trial",
            text=lambda row: f"{row['n_with_feasible']} of {row['n']}",
            key=lambda row: row["n_with_feasible"],
            hint="runs, of those that are finished",
        ),
        number_column("t_first_median", "first feasible [s]", number_text, "median over runs of the runtime"),
        integer_column("n_evaluations", "evaluations"),
        integer_column("n_infeasible", "infeasible"),
        integer_column("n_failed", "without a result"),
        integer_column("n_chosen_tested", "chosen and tested"),
        number_column("share_chosen_feasible", "feasible on test", number_text, "share of what was chosen and tested"),
        Column(title="95 %", text=_interval, key=lambda row: row["share_lo"], hint="Wilson's interval of the share"),
    ]


def _interval(row: Row) -> str:
    return interval_text(row["share_lo"], row["share_hi"], "{:.2g}")


def _cells(frame: pd.DataFrame) -> dict[str, Any]:
    """By objective, algorithm and axis: times, share of feasible runs, quartiles of the least violation."""
    groups = frame.groupby(["objective", "algorithm", "axis"], sort=False)
    share = max(FEWEST_ROWS, MOST_ROWS // max(groups.ngroups, 1))
    cells: dict[str, Any] = {}
    for names, rows in groups:
        objective, algorithm, axis = map(str, names)
        thin = rows.iloc[kept(rows["t"].to_numpy(), share)].replace(np.inf, np.nan)
        cell = {"t": compact(thin["t"], digits=7), "n": thin["n_feasible"].tolist(), "of": int(rows["n_runs"].iloc[0])}
        cell |= {name.removeprefix("violation_"): compact(thin[name]) for name in QUARTILES}
        cells.setdefault(objective, {}).setdefault(algorithm, {})[axis] = cell
    return cells
