"""Anytime scores: how much of the error each run had taken away, on average over the whole budget."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.panels import aside, caption, finished, lanes, name_lanes, opacity
from analysis.figures.theme import INK, Style, algorithm_styles, notice_figure
from analysis.loading.metric import Metric
from analysis.loading.results import Results
from analysis.statistics.anytime import Array
from analysis.tables.scores import scale_notes

AXES = {"runtime": "runtime [s]", "epochs": "epochs", "trials": "evaluations"}


def scores(results: Results, tables: Mapping[str, pd.DataFrame], objective: str) -> Figure:
    """A lane for each algorithm: the score of every repetition, their mean and its 95 % interval.

    Args:
        results: plan and evaluations.
        tables: "scores", and "statistics" with the intervals.
        objective: its label.
    """
    mine = tables["scores"][tables["scores"]["objective"] == objective]
    values = {name: mine.loc[mine["algorithm"] == name, "score"] for name in results.plan.algorithms}
    metric = results.plan.objective(objective).metric
    title = f"{objective} ({results.plan.title}): anytime scores"
    if metric.scale is None:
        return notice_figure(title, dict(scale_notes(results))[objective])
    if mine["score"].isna().all():
        return notice_figure(title, f"no score: {finished(results, objective)}")
    algorithms = results.plan.algorithms
    figure, [axes] = lanes(len(algorithms), title, columns=1, width=8.0)
    intervals = _intervals(tables["statistics"], objective)
    for place, (algorithm, look) in enumerate(algorithm_styles(algorithms).items()):
        _lane(axes, values[algorithm].dropna().to_numpy(), intervals.get(algorithm), place, look)
    counts = [f"{name} ({values[name].notna().sum()} of {len(values[name])})" for name in algorithms]
    name_lanes(axes, counts)
    axis, limit = results.plan.axis, results.plan.horizon(objective)
    axes.set_xlabel("anytime score (more is better)")
    caption(
        figure, _legend(),
        f"{_scale_words(metric, limit, AXES[axis])}, from the start on. One point a repetition; behind each name how "
        "many of the runs are finished; failed ones count 0 after their last result. No interval of fewer than 6.",
    )  # fmt: skip
    return figure


def _scale_words(metric: Metric, limit: float, unit: str) -> str:
    """What 0 and 1 mean."""
    what = f"validation {metric.name} of the {metric.selected} over {limit:g} {unit}"
    ends = f"0 is the chance {metric.name} {metric.chance:g}, 1 the {metric.name} {metric.best:g}"
    return f"The mean normalised {what}: {ends}" if metric.maximised else f"1 minus the mean normalised {what}: {ends}"


def _intervals(statistics: pd.DataFrame, objective: str) -> dict[str, tuple[float, float]]:
    """The 95 % interval of the mean score of each algorithm."""
    mine = statistics[(statistics["objective"] == objective) & (statistics["endpoint"] == "score")]
    return {row["algorithm"]: (row["mean_lo"], row["mean_hi"]) for row in mine.to_dict("records")}


def _lane(axes: Axes, values: Array, interval: tuple[float, float] | None, place: int, look: Style) -> None:
    axes.plot(
        values, place + aside(len(values), 0.5), look.marker, color=look.colour, markersize=4.0, markeredgewidth=0,
        alpha=opacity(len(values)), rasterized=True,
    )  # fmt: skip
    if interval is not None and not np.isnan(interval).any():
        axes.hlines(place, *interval, color=INK, linewidth=2.0, zorder=4)
    if len(values):
        axes.plot(values.mean(), place, "|", color=INK, markersize=11, markeredgewidth=2.0, zorder=5)


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=INK, linewidth=2.0, marker="|", markersize=9, markeredgewidth=2.0,
               label="mean and its 95 % interval (bootstrap over repetitions)"),
    ]  # fmt: skip
