"""What became of the selected configurations when they were trained again with fresh seeds."""

from __future__ import annotations

import pandas as pd

from analysis.explanations import ahead, explain
from analysis.report.encoding import interval_text, number_text
from analysis.report.html_table import (
    Column,
    error_column,
    html_table,
    integer_column,
    interval_place,
    number_column,
    text_column,
)
from analysis.report.section import Section, metric_columns, table
from analysis.study import Study


def recheck_section(study: Study) -> Section:
    """The winner's curse: selected against fresh errors, and the noise floor."""
    title = "The winner's curse"
    optimistic = ahead(study.results, "where optimism is negative", "where optimism is positive")
    shown = explain("recheck", study.results)
    lead = f"{shown} {optimistic[0].upper()}{optimistic[1:]}, what was selected looked better than it is."
    optimism, noise = table(study, "optimism"), table(study, "noise")
    if optimism is None:
        return Section(name="recheck", title=title, lead=lead, absent="No recheck was made of this suite.")
    columns = [
        text_column("objective", "objective"),
        text_column("algorithm", "algorithm"),
        *metric_columns(study),
        *(column for error in ("valid", "test") for column in _columns(error)),
        integer_column("n", "runs", "rechecked"),
    ]
    sheets = [html_table(title, optimism, columns)]
    if noise is not None:
        floor = [
            text_column("objective", "objective"),
            *metric_columns(study),
            number_column("test_sd", "noise floor, test", number_text),
            number_column("valid_sd", "validation", number_text),
            integer_column("n_configs", "configurations"),
            integer_column("n_trainings", "trainings"),
            integer_column("n_diverged", "diverged"),
            integer_column("n_crashed", "crashed", "left out of the noise floor"),
        ]
        sheets.append(html_table("Noise floor", noise, floor, about=()))
    fronts, feasibility = table(study, "recheck_front"), table(study, "recheck_feasibility")
    if fronts is not None:
        sheets.append(html_table("Dominance with fresh seeds", by_algorithm(fronts), _of_fronts()))
    if feasibility is not None:
        sheets.append(html_table("Feasibility with fresh seeds", by_algorithm(feasibility), _of_feasibility()))
    tables = ("optimism", "noise", "recheck", "recheck_front", "recheck_feasibility")
    return Section(name="recheck", title=title, lead=lead, sheets=tuple(sheets), tables=tables)


def by_algorithm(rows: pd.DataFrame) -> pd.DataFrame:
    """Sums of counts and means of all other numbers over runs, and how many runs there are."""
    groups = rows.groupby(["objective", "algorithm"], sort=False)
    counts = [name for name in rows if str(name).startswith("n_")]
    others = [name for name in rows.select_dtypes("number") if name not in (*counts, "repetition", "k")]
    parts = [groups[counts].sum(), groups[others].mean(), groups.size().rename("runs")]
    return pd.concat(parts, axis=1).reset_index()


def _of_fronts() -> list[Column]:
    return [
        text_column("objective", "objective"),
        text_column("algorithm", "algorithm"),
        Column(
            title="survive",
            text=lambda row: f"{row['n_survive']:.0f} of {row['n_rechecked']:.0f}",
            key=lambda row: row["n_survive"],
            hint="members of fronts that no other one of their run dominates in the means over fresh seeds",
        ),
        number_column("share_by_seed", "with a single seed", number_text, "share that survives, on average"),
        number_column("selected_hypervolume", "hypervolume: selected", number_text),
        number_column("fresh_hypervolume", "fresh", number_text),
        integer_column("runs", "runs", "rechecked"),
    ]


def _of_feasibility() -> list[Column]:
    return [
        text_column("objective", "objective"),
        text_column("algorithm", "algorithm"),
        Column(
            title="feasible",
            text=lambda row: f"{row['n_feasible']:.0f} of {row['n_trainings']:.0f}",
            key=lambda row: row["n_feasible"],
            hint="trainings with fresh seeds of what was chosen, its incumbent or its front",
        ),
        number_column("share", "share of a run", number_text, "on average"),
        integer_column("runs", "runs", "rechecked"),
    ]


def _columns(error: str) -> list[Column]:
    title, place = "validation" if error == "valid" else "test", interval_place(f"{error}_optimism")
    return [
        error_column(f"selected_{error}_mean", f"{title}: selected", place),
        error_column(f"fresh_{error}_mean", "fresh", place),
        error_column(f"{error}_optimism", "optimism", place, "selected less fresh"),
        Column(
            title="95 %",
            text=lambda row: interval_text(row[f"{error}_optimism_lo"], row[f"{error}_optimism_hi"]),
            key=lambda row: row[f"{error}_optimism_lo"],
        ),
    ]
