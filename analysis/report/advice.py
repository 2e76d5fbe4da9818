"""Which algorithm for which tasks and budget, and how well that advice does on tasks that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.explanations import explain
from analysis.figures.advice_table import kind_text, share_text, source_text
from analysis.report.encoding import interval_text, number_text
from analysis.report.html_table import Column, HtmlTable, html_table, integer_column, number_column, text_column
from analysis.report.section import Section, table
from analysis.study import Study

NAME = "advice"
STRATEGIES = {
    "advised_regret": ("advice", "the best mean rank on the tasks of the same kind among the others"),
    "always_regret": ("always the same", "the best mean rank on all other tasks"),
    "best_single_regret": ("best single, afterwards", "the one algorithm with the least mean regret, with hindsight"),
    "oracle_regret": ("best of each task, afterwards", "what no advice can beat"),
}
"""Columns of regrets, with their titles and hints."""


def advice_section(study: Study) -> Section:
    """The advice by kind of task and budget, and the regrets of following it on held-out tasks."""
    title = "Which algorithm for which task?"
    lead = (
        f"{explain('advice', study.results)} Kinds of fewer than three tasks are merged with those beside them. Where "
        "the difference to always the same algorithm has 0 in its interval, the kinds of tasks made no difference "
        "that could be shown."
    )
    frame, summary = table(study, "advice"), table(study, "advice_summary")
    if frame is None:
        return Section(name=NAME, title=title, lead=lead, absent="No run is finished yet.")
    return Section(
        name=NAME,
        title=title,
        lead=lead,
        sheets=(_sheet(frame), *(() if summary is None else (_held_out(summary),))),
        tables=("advice", "advice_summary", "advice_held_out"),
        notes=(f"Drawn by: python -m analysis figures {study.results.plan.name} --only advice",),
    )


def _sheet(frame: pd.DataFrame) -> HtmlTable:
    several = frame["n_workers"].nunique() > 1

    def kind(row: Mapping[Any, Any]) -> str:
        return kind_text(row, workers=several)

    columns = [
        Column(title="tasks", text=kind),
        Column(title="decided by", text=lambda row: source_text(row, kind(row)), hint="whose ranks decided"),
        Column(title="of the budget", text=lambda row: share_text(row["fraction"]), key=lambda row: row["fraction"]),
        text_column("algorithm", "algorithm"),
        number_column("mean_rank", "mean rank", lambda value: number_text(value, "{:.2f}"), "less is better"),
        Column(title="95 %", text=lambda row: interval_text(row["low"], row["high"]), key=lambda row: row["low"]),
        Column(title="not shown to be worse", text=lambda row: str(row["not_worse"]).replace("; ", ", ")),
    ]
    return html_table("The best algorithm by kind of task and budget", frame, columns)


def _held_out(summary: pd.DataFrame) -> HtmlTable:
    columns = [
        Column(title="of the budget", text=lambda row: share_text(row["fraction"]), key=lambda row: row["fraction"]),
        *(
            number_column(name, title, lambda value: number_text(value, "{:.3g}"), f"mean regret: {hint}")
            for name, (title, hint) in STRATEGIES.items()
        ),
        number_column("difference", "advice less always", lambda value: number_text(value, "{:.2g}"), "< 0: better"),
        Column(title="95 %", text=lambda row: interval_text(row["low"], row["high"]), key=lambda row: row["low"]),
        integer_column("n_better", "better on", "tasks on which the advice is better than always the same"),
        integer_column("n_worse", "worse on", "tasks on which it is worse"),
        integer_column("n_tasks", "tasks"),
    ]
    return html_table("Following the advice on held-out tasks: mean normalised regrets", summary, columns, about=())
