"""Which method where: the map of tasks and algorithms, and what follows over all tasks together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pandas as pd

from analysis.explanations import explain
from analysis.figures.many_tasks import by_mean_rank
from analysis.figures.task_map import map_cells
from analysis.figures.win_rates import win_cells
from analysis.report.encoding import compact, count_text, interval_text, number_text
from analysis.report.html_table import Column, HtmlTable, html_table, integer_column, number_column, text_column
from analysis.report.section import Chart, Section, groups, table
from analysis.report.trajectories import kept
from analysis.study import Study

NAME = "many_tasks"
NAMED = 3
"""Algorithms that the summary names."""
MOST_POINTS = 120
"""Steps of a line; of more there are so many, on either scale."""


def many_tasks_section(study: Study) -> Section:
    """The charts of all tasks together, the map first, and a table of the algorithms."""
    title = "Many tasks"
    lead = (
        "All tasks of the suite together, each with the same weight. The normalised regret of a value is 0 for the "
        "best there is and 1 for what one random trial gives; both are declared with the task, so that no other "
        "algorithm changes it. Intervals (95 %) resample tasks and repetitions: they are about other tasks "
        "of this kind."
    )
    ranks = table(study, "mean_ranks")
    if ranks is None:
        return Section(name=NAME, title=title, lead=lead, absent="No run is finished yet.")
    names = [name for name in CHARTS if table(study, name) is not None]
    return Section(
        name=NAME,
        title=title,
        lead=lead,
        charts=tuple(_chart(study, name) for name in names),
        data={name: DATA[name](study) for name in names},
        sheets=(_sheet(study, ranks),),
        tables=tuple(CHARTS),
    )


CHARTS: Mapping[str, tuple[str, int]] = {
    "task_map": ("Map of tasks and algorithms", 3),
    "mean_ranks": ("Mean ranks", 1),
    "rank_over_budget": ("Mean rank over the budget", 2),
    "win_rates": ("Win rates", 3),
    "ratings": ("Ratings", 1),
    "performance_profiles": ("Performance profiles", 1),
    "data_profiles": ("Data profiles", 1),
}
"""Title of each chart and how many columns it takes, by the table that it is drawn from, in order."""


def _chart(study: Study, name: str) -> Chart:
    title, span = CHARTS[name]
    lead = explain(name, study.results)
    return Chart(objective=None, name=name, title=title, lead=lead, label=f"{title}. {lead}", figure=name, span=span)


def _map(study: Study) -> dict[str, Any]:
    order = by_mean_rank(study.tables)
    cells = map_cells(study.tables["task_map"], order)
    said = f"Held against {study.results.plan.control}."
    return {**_matrix(cells.tasks, order, cells.colours, cells.texts, "regret"), "said": said}


def _win_rates(study: Study) -> dict[str, Any]:
    order = by_mean_rank(study.tables)
    return {**_matrix(order, order, *win_cells(study.tables["win_rates"], order), "half"), "said": ""}


def _matrix(rows: list[str], columns: list[str], colours: Any, texts: list[list[str]], palette: str) -> dict[str, Any]:
    colour = [compact(row, digits=3) for row in colours]
    return {
        "kind": "matrix", "rows": rows, "columns": columns, "colour": colour, "text": texts, "palette": palette
    }  # fmt: skip


def _intervals(name: str, value: str, unit: str, *, upward: bool) -> Callable[[Study], dict[str, Any]]:
    """Make the data of values with intervals."""

    def make(study: Study) -> dict[str, Any]:
        rows = study.tables[name].dropna(subset=[value])
        columns = {"value": value, "lo": "low", "hi": "high"}
        cell = {"algorithm": rows["algorithm"].tolist()} | {key: compact(rows[at]) for key, at in columns.items()}
        return {"kind": "intervals", "unit": unit, "cell": cell, "upward": upward}

    return make


def _lines(name: str, x: str, y: str, words: tuple[str, str], **how: bool) -> Callable[[Study], dict[str, Any]]:
    """Make the data of lines."""

    def make(study: Study) -> dict[str, Any]:
        cells, right = {}, study.tables[name][x].max()
        for algorithm, rows in groups(study.tables[name], "algorithm"):
            thin = rows.iloc[kept(rows[x].to_numpy(), MOST_POINTS)]
            thin = pd.concat([thin, thin.iloc[-1:].assign(**{x: right})])  # It holds up to where the others end.
            cells[algorithm] = {"x": compact(thin[x]), "y": compact(thin[y])}
        return {"kind": "lines", "x": words[0], "y": words[1], "cells": cells, **how}

    return make


DATA: Mapping[str, Callable[[Study], dict[str, Any]]] = {
    "task_map": _map,
    "mean_ranks": _intervals("mean_ranks", "mean_rank", "mean rank", upward=False),
    "rank_over_budget": _lines(
        "rank_over_budget", "fraction", "mean_rank", ("share of the budget that is spent", "mean rank"), turned=True
    ),
    "win_rates": _win_rates,
    "ratings": _intervals("ratings", "elo", "Elo points", upward=True),
    "performance_profiles": _lines(
        "performance_profiles", "tau", "share", ("times the time of the fastest", "share solved"), steps=True, log=True
    ),
    "data_profiles": _lines(
        "data_profiles", "trainings", "share", ("budget [typical trainings]", "share solved"), steps=True
    ),
}
"""What each chart is drawn from."""


def _sheet(study: Study, ranks: pd.DataFrame) -> HtmlTable:
    """A row for each algorithm: mean rank, rating, and on how many tasks it is better or worse than the control."""
    frame = ranks.sort_values("mean_rank", kind="stable")
    found = table(study, "ratings")
    if found is not None:
        columns = {"elo": "elo", "low": "elo_low", "high": "elo_high"}
        frame = frame.merge(found[["algorithm", *columns]].rename(columns=columns), on="algorithm", how="left")
    frame = frame.assign(**_verdicts(study, frame))
    return html_table("Algorithms over all tasks", frame, [*_columns(frame)])


def _columns(frame: pd.DataFrame) -> Iterator[Column]:
    yield text_column("algorithm", "algorithm")
    yield number_column("mean_rank", "mean rank", lambda value: number_text(value, "{:.2f}"), "less is better")
    yield Column(title="95 %", text=lambda row: interval_text(row["low"], row["high"]), key=lambda row: row["low"])
    if "elo" in frame:
        yield number_column("elo", "rating", lambda value: number_text(value, "{:.0f}"), "Elo points")
        yield Column(
            title="95 %",
            text=lambda row: interval_text(row["elo_low"], row["elo_high"], "{:.0f}"),
            key=lambda row: row["elo_low"],
        )
    if "better" in frame:
        yield integer_column("better", "better on", "tasks on which it is better than the control")
        yield integer_column("worse", "worse on", "tasks on which it is worse than the control")
    yield integer_column("n_tasks", "tasks", "on which it was ranked")


def _verdicts(study: Study, frame: pd.DataFrame) -> dict[str, pd.Series]:
    """Tasks on which each algorithm of a frame is better, and worse, than the control."""
    cells = table(study, "task_map")
    if cells is None:
        return {}
    counts = {name: cells[cells["verdict"] == name]["algorithm"].value_counts() for name in ("better", "worse")}
    return {name: frame["algorithm"].map(count).fillna(0) for name, count in counts.items()}


def many_tasks_findings(study: Study) -> Iterator[str]:
    """Say who ranks first over all tasks, where the control is, and whether the advice helps on held-out tasks."""
    ranks, summary = table(study, "mean_ranks"), table(study, "advice_summary")
    if ranks is None or len(ranks) < 2:
        return
    rows = ranks.sort_values("mean_rank", kind="stable").to_dict("records")
    control = study.results.plan.control
    first = ", ".join(_ranked(row) for row in rows[:NAMED])
    beside = [f"{control}, the control: {row['mean_rank']:.1f}" for row in rows[NAMED:] if row["algorithm"] == control]
    head = f"mean ranks of {len(rows)} algorithms over {count_text(rows[0]['n_tasks'], 'task')}: {first}"
    yield f"{'; '.join([head, *beside])}."
    for row in [] if summary is None else summary[summary["fraction"] == 1.0].to_dict("records"):
        yield _advice(row)


def _ranked(row: Mapping[Any, Any]) -> str:
    """`dehb 5.1 (4.0 to 6.3)`."""
    interval = interval_text(row["low"], row["high"], "{:.1f}")
    known = not pd.isna(row["low"])
    return f"{row['algorithm']} {row['mean_rank']:.1f}{f' ({interval})' if known else ''}"


def _advice(row: Mapping[Any, Any]) -> str:
    """Whether the advice by kind of task is better than one algorithm for all, on held-out tasks."""
    advised, always = (number_text(row[f"{name}_regret"]) for name in ("advised", "always"))
    verdict = "better" if row["high"] < 0 else "worse" if row["low"] > 0 else "no difference shown"
    interval = "too few for an interval"
    if not pd.isna(row["low"]):
        interval = f"difference {interval_text(row['low'], row['high'], '{:.2g}')}"
    return (
        f"to follow the advice by kind of task leaves a mean regret of {advised} on held-out tasks, to take the same "
        f"algorithm everywhere {always}: {verdict} ({row['n_tasks']} tasks, {interval})."
    )
