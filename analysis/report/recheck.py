"""What became of the selected configurations when they were trained again with fresh seeds."""

from __future__ import annotations

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
from analysis.report.section import Section, ahead, metric_columns, table
from analysis.study import Study


def recheck_section(study: Study) -> Section:
    """The winner's curse: selected against fresh errors, and the noise floor."""
    title = "The winner's curse"
    what = "best of many noisy values" if study.results.plan.declares_metrics else "least of many noisy errors"
    optimistic = ahead(study, "where optimism is negative", "where optimism is positive")
    lead = (
        f"The {what} was partly lucky. Each run's final incumbent was trained again with fresh "
        f"seeds: {optimistic}, what was selected looked better than it is. Gaps below the noise floor, "
        "the sd of one configuration trained again, are called ties."
    )
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
    tables = ("optimism", "noise", "recheck")
    return Section(name="recheck", title=title, lead=lead, sheets=tuple(sheets), tables=tables)


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
