"""The winner's curse: how much better the incumbents' selected validation error or metric reads than that of test."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.magnitude import magnitude_of, span
from analysis.figures.panels import LANE, aside, caption, finished, name_horizontal, name_lanes, name_vertical, opacity
from analysis.figures.theme import (
    INK,
    MUTED,
    Style,
    algorithm_styles,
    begin_figure,
    layout_width,
    notice_figure,
    set_title,
)
from analysis.loading.metric import OTHER_SEEDS, Metric
from analysis.loading.results import Results
from analysis.statistics.anytime import Array
from analysis.tables.endpoints import finals

SHARED = (
    " The test value is the mean over those of the table's {} seeds that the repetition does not meet, of the same "
    "configuration and epoch."
)
"""What is added where a table has no test values of its own."""


def gap(results: Results, objective: str) -> Figure | None:
    """Final incumbents: test against validation error left, test minus validation error of each algorithm right.

    Runs without a finite error are not points; the lanes' names count those that are.
    """
    if not results.has_test(objective):
        return None
    entry = results.plan.objective(objective)
    metric = entry.metric
    valid, test = (metric.own(finals(results, objective, f"{kind}_error")) for kind in ("valid", "test"))
    known = pd.DataFrame(np.isfinite(valid.to_numpy()) & np.isfinite(test.to_numpy()), columns=valid.columns)
    others = entry.origin is not None and entry.origin.test == OTHER_SEEDS
    test_name = f"{metric.name} on the other seeds" if others else f"test {metric.name}"
    title = f"{objective} ({results.plan.title}): selected validation {metric.name} and {test_name}"
    if not known.to_numpy().any():
        return notice_figure(title, f"no incumbent: {finished(results, objective)}")
    size = magnitude_of(valid.to_numpy()[known.to_numpy()], test.to_numpy()[known.to_numpy()])
    algorithms = results.plan.algorithms
    figure = begin_figure(layout_width(10.0, 7.0), max(LANE * len(algorithms) + 2.0, 5.6))
    set_title(figure, title)
    scatter, rows = figure.subplots(1, 2)
    scatter.set_anchor("N")
    rows.set_ylim(len(algorithms) - 0.4, -0.6)
    names = []
    for place, (algorithm, look) in enumerate(algorithm_styles(algorithms).items()):
        some = known[algorithm].to_numpy()
        chosen, honest = size.of(valid[algorithm][some]), size.of(test[algorithm][some])
        _points(scatter, chosen, honest, look)
        _row(rows, honest - chosen, place, look)
        names.append(f"{algorithm} ({some.sum()} of {len(some)})")
    _diagonal(scatter)
    of = f"{metric.direction}{metric.in_unit}"
    name_horizontal(scatter, size.label(f"validation {metric.name} of the incumbent{of}"))
    name_vertical(scatter, size.label(f"its {test_name}{of}"))
    rows.axvline(0.0, color=MUTED, linewidth=0.9, linestyle=":")
    name_lanes(rows, names)
    name_horizontal(rows, size.label(f"{test_name} - validation {metric.name}{metric.in_unit}"))
    shared = SHARED.format(entry.origin.seeds) if others and entry.origin else ""
    caption(figure, _legend(), _optimism(metric) + shared)
    return figure


def _optimism(metric: Metric) -> str:
    """On which side of the line and of 0 the optimism of selection shows."""
    reads, side, half = ("high", "below", "left") if metric.maximised else ("low", "above", "right")
    return (
        f"The incumbent is chosen by its validation {metric.name}, which therefore reads too {reads}: points {side} "
        f"the line and {half} of 0. One point a run; behind each name how many of its runs have an incumbent."
    )


def _points(axes: Axes, chosen: Array, honest: Array, look: Style) -> None:
    """One point a run: its validation value and its test value."""
    axes.plot(
        chosen, honest, look.marker, color=look.colour, markersize=4.5, markeredgewidth=0, alpha=0.7, rasterized=True
    )


def _row(axes: Axes, gaps: Array, place: int, look: Style) -> None:
    """The gaps of one algorithm's runs as points, their mean and ± 1 std over them."""
    axes.plot(
        gaps,
        place + aside(len(gaps), 0.5),
        look.marker,
        color=look.colour,
        markersize=4.0,
        markeredgewidth=0,
        alpha=opacity(len(gaps)),
    )
    if len(gaps) > 1:
        spread = gaps.std(ddof=1)
        axes.hlines(place, gaps.mean() - spread, gaps.mean() + spread, color=INK, linewidth=1.2, zorder=4)
    if len(gaps):
        axes.plot(gaps.mean(), place, "|", color=INK, markersize=11, markeredgewidth=2.0, zorder=5)


def _diagonal(axes: Axes) -> None:
    low, high = span(min(axes.get_xlim()[0], axes.get_ylim()[0]), max(axes.get_xlim()[1], axes.get_ylim()[1]), 0.0)
    axes.plot([low, high], [low, high], color=MUTED, linewidth=0.9, linestyle=":", zorder=1)
    axes.set(xlim=(low, high), ylim=(low, high))
    axes.set_aspect("equal")


def _legend() -> list[Line2D]:
    return [
        Line2D([], [], color=MUTED, linestyle=":", label="equal"),
        Line2D([], [], color=INK, marker="|", markersize=9, markeredgewidth=2.0, label="mean ± 1 std over runs"),
    ]
