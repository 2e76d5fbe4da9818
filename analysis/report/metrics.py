"""Everything that was measured of the final incumbents, beside the metric that selected them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from analysis.report.encoding import error_text
from analysis.report.html_table import Column, html_table, integer_column, text_column
from analysis.report.section import Section, table
from analysis.study import Study
from analysis.tables.metrics import metrics_summary
from analysis.value_format import last_place

NOT_MEASURED = "not measured"


def metrics_section(study: Study) -> Section:
    """All metrics of the final incumbents."""
    title = "All metrics of the final incumbents"
    lead = (
        "Mean ± std over the runs in which the metric was measured. The first metric of an objective is the one that "
        "algorithms see, and selects the incumbent; the others are recorded beside it."
    )
    frame = table(study, "metrics")
    if frame is None:
        return Section(name="metrics", title=title, lead=lead, absent="The suite declares no metrics.")
    columns = [
        text_column("objective", "objective"),
        text_column("algorithm", "algorithm"),
        text_column("metric", "metric"),
        Column(title="better", text=lambda row: "higher" if row["goal"] == "max" else "lower"),
        text_column("unit", "unit"),
        *(column for data, word in (("valid", "validation"), ("test", "test")) for column in _columns(data, word)),
        integer_column("n", "runs", "complete, with an incumbent"),
    ]
    sheet = html_table(title, metrics_summary(frame), columns)
    return Section(name="metrics", title=title, lead=lead, sheets=(sheet,), tables=("metrics",))


def _columns(data: str, word: str) -> list[Column]:
    def text(name: str) -> Callable[[Any], str]:
        return lambda row: (
            error_text(row[f"{data}_{name}"], last_place([row[f"{data}_std"]])) if row[f"n_{data}"] else ""
        )

    return [
        Column(
            title=word,
            text=lambda row: (text("mean")(row) + _some(row, data)) if row[f"n_{data}"] else NOT_MEASURED,
            key=lambda row: row[f"{data}_mean"],
            hint="mean over the runs in which it was measured",
        ),
        Column(title="std", text=text("std"), key=lambda row: row[f"{data}_std"], hint="between repetitions, ddof = 1"),
    ]


def _some(row: Any, data: str) -> str:
    """In how many runs it was measured, where that is not in all."""
    return "" if row[f"n_{data}"] == row["n"] else f" ({row[f'n_{data}']} of {row['n']} runs)"
