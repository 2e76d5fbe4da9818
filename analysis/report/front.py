"""Fronts on the page: attainment surfaces, the configurations on them, and the trade-offs that nothing dominates."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import orjson
import pandas as pd

from analysis.explanations import explain
from analysis.figures.front_values import known_front_of, surfaces_of
from analysis.figures.metric_axis import MetricAxis, metric_axis
from analysis.loading.metric import KINDS, Metric
from analysis.loading.plan import Objective
from analysis.loading.results import Results
from analysis.report.encoding import compact, error_text
from analysis.report.html_table import Column, HtmlTable, Row, html_table, integer_column, text_column
from analysis.report.section import Section, charts, table
from analysis.statistics.anytime import Array
from analysis.study import Study
from analysis.tables.front import multi_objective
from analysis.tables.trade_offs import trade_offs, undominated

MOST_POINTS = 1200
"""Configurations drawn of one objective; a phone draws so many without a pause."""
MOST_ROWS = 300
"""Trade-offs of one objective that the page lists."""


def front_section(study: Study) -> Section:
    """The fronts of all objectives of several metrics."""
    title = "Fronts"
    lead = (
        f"{explain('front', study.results)} Of an algorithm that is shown alone also the best and the worst runs. "
        "Points: the configurations on the front of any run; strong ones are dominated by none of any run. The table "
        "lists these."
    )
    front, attainment = table(study, "front"), table(study, "attainment")
    if front is None or attainment is None:
        return Section(name="front", title=title, lead=lead, absent="No run has a front yet.")
    objectives = [entry for entry in multi_objective(study.results) if (front["objective"] == entry.label).any()]
    listed = {entry.label: trade_offs(front, entry) for entry in objectives}
    long = [f"{MOST_ROWS} of {len(rows)} on {label}" for label, rows in listed.items() if len(rows) > MOST_ROWS]
    return Section(
        name="front",
        title=title,
        lead=lead,
        charts=tuple(
            replace(chart, span=min(3, max(1, len(entry.optimised) - 1)))
            for entry, chart in zip(objectives, charts(study, "Fronts on {}", "front-{}", list(listed)), strict=True)
        ),
        data={entry.label: _front(study, entry, front, attainment) for entry in objectives},
        sheets=tuple(_sheet(entry, listed[entry.label]) for entry in objectives),
        tables=("front", "attainment", "indicators"),
        notes=(f"Listed: {', '.join(long)}; all are in front.csv.",) if long else (),
    )


def _sheet(objective: Objective, rows: pd.DataFrame) -> HtmlTable:
    """The trade-offs of an objective as a table."""
    known = [(metric, data) for metric in objective.metrics for data in KINDS if _is_known(rows, metric, data)]
    columns = [
        text_column("objective", "objective"),
        *(_column(metric, data) for metric, data in known),
        text_column("algorithm", "algorithm"),
        integer_column("repetition", "repetition"),
        integer_column("trial", "trial"),
        integer_column("epochs", "epochs"),
        Column(title="configuration", text=_configuration),
    ]
    return html_table(f"Trade-offs on {objective.label}", rows.head(MOST_ROWS), columns)


def _is_known(rows: pd.DataFrame, metric: Metric, data: str) -> bool:
    """Whether a column has something to say: on test it has not where nothing but validation was measured."""
    values = rows[f"{data}:{metric.name}"]
    return bool(values.notna().any()) and not (data == "test" and values.equals(rows[f"valid:{metric.name}"]))


def _column(metric: Metric, data: str) -> Column:
    name = f"{data}:{metric.name}"
    return Column(
        title=f"{metric.title(data)}{metric.in_unit}",
        text=_text(name),
        key=lambda row: row[name],
        hint="higher is better" if metric.maximised else "lower is better",
    )


def _configuration(row: Row) -> str:
    """A configuration with four digits of its numbers."""
    values = orjson.loads(row["config"]).items()
    return ", ".join(f"{name} = {value:.4g}" if type(value) is float else f"{name} = {value}" for name, value in values)


def _text(name: str) -> Callable[[Row], str]:
    return lambda row: error_text(row[name])


def _front(study: Study, objective: Objective, front: pd.DataFrame, attainment: pd.DataFrame) -> dict[str, Any]:
    """What the charts of an objective are drawn from."""
    mine = front[front["objective"] == objective.label]
    tested = study.hypervolume.results.has_test(objective.label)
    kinds = [data for data in KINDS if data == "valid" or tested]
    known = known_front_of(study, objective)
    return {
        "data": kinds,
        "metrics": [_metric(metric, mine, known[:, k], kinds) for k, metric in enumerate(objective.optimised)],
        "recorded": [metric.name for metric in objective.metrics],
        "known": [compact(column) for column in known.T] if len(known) else [],
        "surfaces": {data: _surfaces(attainment, objective, data) for data in kinds},
        "points": _points(study.results, objective, mine, kinds),
    }


def _metric(metric: Metric, rows: pd.DataFrame, known: Array, kinds: list[str]) -> dict[str, Any]:
    axes = {
        data: metric_axis(metric, np.append(rows[f"{data}:{metric.name}"].to_numpy(dtype=np.float64), known))
        for data in kinds
    }
    return {
        "name": metric.name,
        "higher": metric.maximised,
        "log": {data: axis.size is None for data, axis in axes.items()},
        "ends": {data: _ends(axis) for data, axis in axes.items()},
        "label": {data: axis.label(data) for data, axis in axes.items()},
    }


def _ends(axis: MetricAxis) -> list[float | int | None]:
    """The ends of an axis in the metric's unit."""
    ends = (axis.low, axis.high)
    power = 0 if axis.size is None else axis.size.power
    return compact([10.0**end for end in ends] if axis.size is None else [float(f"{end!r}e{power}") for end in ends])


def _surfaces(attainment: pd.DataFrame, objective: Objective, data: str) -> list[dict[str, Any]]:
    """For every two metrics their places, and corners by algorithm and surface."""
    metrics = objective.optimised
    return [
        {
            "x": x,
            "y": y,
            "of": {
                algorithm: {name: [compact(column) for column in corners.T] for name, corners in found.items()}
                for algorithm, found in surfaces_of(
                    attainment, objective, data, metrics[x].name, metrics[y].name
                ).items()
            },
        }
        for x, y in combinations(range(len(metrics)), 2)
    ]


def _points(results: Results, objective: Objective, rows: pd.DataFrame, kinds: list[str]) -> dict[str, Any]:
    """Configurations that are drawn: those that nothing dominates, and an even part of the others."""
    strong = undominated(rows, objective)
    step = -(-len(rows) // MOST_POINTS)
    kept = strong | (np.arange(len(rows)) % step == 0)
    rows, strong = rows[kept], strong[kept]
    places = {name: place for place, name in enumerate(results.plan.algorithms)}
    return {
        "algorithm": [places[name] for name in rows["algorithm"]],
        "repetition": rows["repetition"].tolist(),
        "trial": rows["trial"].tolist(),
        "strong": [int(one) for one in strong],
        "config": rows["config"].tolist(),
        "values": {data: [compact(rows[f"{data}:{metric.name}"]) for metric in objective.metrics] for data in kinds},
        "optimised": [objective.metrics.index(_declared(objective, metric)) for metric in objective.optimised],
    }


def _declared(objective: Objective, metric: Metric) -> Metric:
    return next(declared for declared in objective.metrics if declared.name == metric.name)
