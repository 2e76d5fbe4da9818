"""What the page is made of: sections with charts, tables and the files behind them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.report.html_table import Column, HtmlTable
from analysis.study import Study


@dataclass(frozen=True, slots=True, kw_only=True)
class Chart:
    """One drawing.

    Attributes:
        objective: what it shows; None for one of the whole suite.
        label: its accessible name.
        figure: name of its static version, as in `python -m analysis figures SUITE --only NAME`.
        span: how many of three columns it takes on a wide screen.
        name: what it is called in the section's data; the objective's label unless given.
        title: over it; the objective's label unless given.
        lead: how to read it.
    """

    objective: str | None
    label: str
    figure: str
    span: int = 1
    name: str = ""
    title: str = ""
    lead: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of the page.

    Attributes:
        name: its anchor, and the name of what draws its charts.
        lead: how to read it.
        data: what its charts are drawn from, as JSON.
        tables: names of the CSV files behind it.
        notes: what a reader must know besides, a sentence each.
        absent: why there is nothing to show.
    """

    name: str
    title: str
    lead: str
    charts: tuple[Chart, ...] = ()
    data: Any = None
    sheets: tuple[HtmlTable, ...] = ()
    tables: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    absent: str = ""


def table(study: Study, name: str) -> pd.DataFrame | None:
    """A table of the study; None where it has none of that name, or an empty one."""
    frame = study.tables.get(name)
    return None if frame is None or frame.empty else frame


def metric_columns(study: Study) -> list[Column]:
    """The column that says what a row's values are, and which of them are better; none where all are errors."""
    plan = study.results.plan
    if not plan.declares_metrics:
        return []
    words = {
        entry.label: f"{entry.metric.name}{entry.metric.direction}{entry.metric.in_unit}" for entry in plan.objectives
    }
    return [Column(title="metric", text=lambda row: "" if row.get("endpoint") == "score" else words[row["objective"]])]


def groups(frame: pd.DataFrame, name: str) -> Iterator[tuple[str, pd.DataFrame]]:
    """The rows of each label of a column, in the order in which they come."""
    for label, rows in frame.groupby(name, sort=False):
        yield str(label), rows


def charts(study: Study, label: str, figure: str, objectives: Sequence[str] | None = None) -> tuple[Chart, ...]:
    """A chart for every objective.

    Args:
        study: for its objectives.
        label: accessible name; `{}` becomes the objective.
        figure: name of the static version; `{}` becomes the objective's key.
        objectives: those that have something to draw; all by default.
    """
    return tuple(
        Chart(objective=entry.label, label=label.format(entry.label), figure=figure.format(entry.key))
        for entry in study.results.plan.objectives
        if objectives is None or entry.label in objectives
    )
