"""What was tried and what it gave: errors or metrics against the learning rate, and against every hyperparameter."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.hyperparameter_axis import (
    colouring,
    coordinate,
    is_extreme,
    name_axes,
    places_of,
    position_marks,
    set_scale,
    values_of,
)
from analysis.figures.labels import MEDIUM, fit
from analysis.figures.magnitude import Magnitude, magnitude_of
from analysis.figures.panels import caption, heads, name_vertical
from analysis.figures.theme import (
    INK,
    MUTED,
    Style,
    algorithm_styles,
    begin_figure,
    current_page,
    layout_width,
    notice_figure,
    set_title,
)
from analysis.imported import NO_SPACE
from analysis.loading.plan import Objective
from analysis.loading.results import Results
from analysis.loading.space import Hyperparameter
from analysis.statistics.anytime import Array

COLUMNS = 3
PANEL_HEIGHT, LEAST = 2.7, 2.2
"""Inches that a panel is high, and that it is wide at least."""


def learning_rate(results: Results, objective: Objective) -> Figure | None:
    """Every evaluation's validation error against its learning rate, a panel for each algorithm.

    None for an objective without a learning rate.
    """
    rate = objective.learning_rate
    if rate is None:
        return None
    evaluations, size = _of(results, objective)
    title = f"{objective.label} ({results.plan.title})"
    if evaluations.empty:
        return notice_figure(title, "no evaluation yet")
    figure, panels = _grid(len(results.plan.algorithms), title)
    areas = _areas(evaluations, crowd=int(evaluations["algorithm"].value_counts().max()))
    titles = []
    for axes, (algorithm, look) in zip(panels, algorithm_styles(results.plan.algorithms).items(), strict=True):
        rows = evaluations[evaluations["algorithm"] == algorithm]
        held = _holding(rate, rows)
        _points(axes, places_of(rate, held), held, areas, look.marker, {"color": look.colour})
        told = ", ".join([_told(rows), *_absent(rate, rows)])
        titles.append(f"{algorithm}: {told}")
        set_scale(axes, rate)
        if objective.default is not None and rate.name in objective.default:
            axes.axvline(coordinate(rate, objective.default[rate.name]), color=MUTED, linewidth=0.9, linestyle=":")
        axes.set_xlabel(rate.name)
    heads(figure, panels, titles)
    line = Line2D([], [], color=MUTED, linewidth=0.9, linestyle=":", label="default configuration")
    label = size.label(objective.metric.label("valid"))
    _finish(figure, panels, evaluations, label, [line] if objective.default is not None else [])
    return figure


def landscape(results: Results, objective: Objective) -> Figure:
    """Validation error against each hyperparameter, coloured by learning rate or else by algorithm."""
    evaluations, size = _of(results, objective)
    title = f"{objective.label} ({results.plan.title}): {_told(evaluations)}"
    if evaluations.empty:
        return notice_figure(title, "no evaluation yet")
    if not objective.space:
        return notice_figure(title, NO_SPACE)
    figure, panels = _grid(len(objective.space), title)
    styles = algorithm_styles(results.plan.algorithms)
    colours_of = colouring(objective)
    areas = _areas(evaluations, crowd=len(evaluations))
    for axes, axis in zip(panels, objective.space, strict=True):
        held = _holding(axis, evaluations)
        for algorithm, look in styles.items():
            rows = held[held["algorithm"] == algorithm]
            colours: dict[str, Any] = {"color": look.colour}
            if colours_of is not None and objective.learning_rate is not None:
                colours = {"c": values_of(objective.learning_rate, rows)}
                colours |= {"norm": colours_of.norm, "cmap": colours_of.cmap}
            _points(axes, places_of(axis, rows), rows, areas, look.marker, colours)
        set_scale(axes, axis)
    heads(figure, panels, ["".join(_absent(axis, evaluations)) for axis in objective.space])
    name_axes(figure, panels, objective.space)
    if colours_of is not None and objective.learning_rate is not None:
        bar = figure.colorbar(colours_of, ax=panels, aspect=30, pad=0.01)
        if is_extreme(objective.learning_rate):
            marks, labels = position_marks(objective.learning_rate)
            bar.set_ticks(marks, labels=labels)
        bar.set_label(fit(objective.learning_rate.name, 2.2, MEDIUM, 2))
        bar.outline.set_visible(False)
        styles = {name: Style(colour=MUTED, marker=look.marker, dashes=look.dashes) for name, look in styles.items()}
    _finish(figure, panels, evaluations, size.label(objective.metric.label("valid")), _marker_legend(styles))
    return figure


def _of(results: Results, objective: Objective) -> tuple[pd.DataFrame, Magnitude]:
    """The evaluations of an objective with values of its metric in the units of the axis, and those."""
    rows = results.evaluations[results.evaluations["objective"] == objective.label]
    values = objective.metric.own(rows["valid_error"])
    size = magnitude_of(values)
    return rows.assign(valid_error=size.of(values)), size


def _grid(count: int, title: str) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels that share the error axis; the rest of the last row stays empty."""
    page = current_page()
    columns = 2 if count == 4 else min(count, COLUMNS)
    columns = columns if page is None else min(columns, max(1, int((page.room - 0.6) / LEAST)))
    rows = math.ceil(count / columns)
    figure = begin_figure(layout_width(max(5.0, 3.1 * columns + 0.6)), PANEL_HEIGHT * rows + 0.9)
    set_title(figure, title)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for spare in grid.flat[count:]:
        spare.set_visible(False)
    return figure, list(grid.flat[:count])


def _points(
    axes: Axes, places: Array, rows: pd.DataFrame, areas: pd.Series, marker: str, colours: Mapping[str, Any]
) -> None:
    """Evaluations as points, more area for more epochs; crashed ones as crosses on the edge of the worst values."""
    errors = rows["valid_error"].to_numpy()
    known = np.isfinite(errors)
    area = areas.loc[rows.index].to_numpy()
    shown = {name: value[known] if name == "c" else value for name, value in colours.items()}
    axes.scatter(
        places[known], errors[known], s=area[known], marker=marker, alpha=0.55, linewidths=0, rasterized=True, **shown
    )
    axes.scatter(
        places[~known], (errors[~known] > 0.0).astype(np.float64), s=22, marker="x", color=INK, linewidths=0.9,
        transform=axes.get_xaxis_transform(), clip_on=False, zorder=3,
    )  # fmt: skip


def _areas(evaluations: pd.DataFrame, crowd: int) -> pd.Series:
    """Area of each point in square points: more for more epochs, less in a panel of a crowd of points."""
    size = float(np.clip(16_000.0 / crowd, 7.0, 24.0))
    areas: pd.Series = size * (0.4 + 0.6 * evaluations["epochs"] / max(evaluations["epochs"].max(), 1))
    return areas


def _holding(axis: Hyperparameter, rows: pd.DataFrame) -> pd.DataFrame:
    """The evaluations whose configurations have the hyperparameter: all, unless it is conditional."""
    held = np.array([axis.name in config for config in Results.configs(rows)], dtype=bool)  # a list may be empty
    return rows.loc[held]


def _absent(axis: Hyperparameter, rows: pd.DataFrame) -> list[str]:
    """In words how many evaluations are left out because the hyperparameter did not count there; [] for none."""
    absent = len(rows) - len(_holding(axis, rows))
    return [f"{absent} of {len(rows)} without {axis.name}"] if absent else []


def _finish(figure: Figure, panels: list[Axes], evaluations: pd.DataFrame, label: str, handles: list[Line2D]) -> None:
    """The error axis' label on the left only, and one legend below for all that needs words."""
    for axes in panels:
        name_vertical(axes, label, PANEL_HEIGHT)
        axes.yaxis.get_label().set_visible(axes.yaxis.get_tick_params()["labelleft"])
    if np.isinf(evaluations["valid_error"]).any():
        handles = [*handles, Line2D([], [], color=INK, marker="x", markersize=5, linestyle="none", label="no result")]
    if evaluations["epochs"].nunique() > 1:
        handles = [*handles, Line2D([], [], linestyle="none", label="larger points: more epochs")]
    if handles:
        columns = max(1, int(figure.get_size_inches()[0] / 1.7))
        caption(figure, handles, columns=min(columns, len(handles)))


def _told(rows: pd.DataFrame) -> str:
    """How many evaluations there are, and how many of them came to nothing."""
    counts = [f"{len(rows)} evaluation{'' if len(rows) == 1 else 's'}"]
    words = {"diverged": ["diverged"], "crashed": ["error", "crashed"], "timed out": ["timeout"]}
    found = {word: int(rows["state"].isin(states).sum()) for word, states in words.items()}
    counts += [f"{count} {word}" for word, count in found.items() if count]
    return ", ".join(counts)


def _marker_legend(styles: Mapping[str, Style]) -> list[Line2D]:
    return [
        Line2D([], [], color=look.colour, marker=look.marker, linestyle="none", markeredgewidth=0, label=name)
        for name, look in styles.items()
    ]
