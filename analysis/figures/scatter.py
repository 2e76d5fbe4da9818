"""What was tried and what it gave: errors against the learning rate, and against every hyperparameter."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.theme import INK, MUTED, Style, algorithm_styles, notice_figure, set_title
from analysis.loading.plan import Objective
from analysis.loading.results import Results
from analysis.loading.space import Hyperparameter
from analysis.statistics.anytime import Array

COLUMNS = 3
FEW = 20
"""Up to this range the points of an integer hyperparameter are spread sideways, or they would hide each other."""

MOST_TICKS = 6
"""Up to so many listed numbers have ticks of their own; points are spread around them."""


def learning_rate(results: Results, objective: Objective) -> Figure | None:
    """Every evaluation's validation error against its learning rate, a panel for each algorithm.

    None for an objective without a learning rate.
    """
    rate = objective.learning_rate
    if rate is None:
        return None
    evaluations = _of(results, objective)
    title = f"{objective.label} ({results.plan.title})"
    if evaluations.empty:
        return notice_figure(title, "no evaluation yet")
    figure, panels = _grid(len(results.plan.algorithms), title)
    areas = _areas(evaluations, crowd=int(evaluations["algorithm"].value_counts().max()))
    for axes, (algorithm, look) in zip(panels, algorithm_styles(results.plan.algorithms).items(), strict=True):
        rows = evaluations[evaluations["algorithm"] == algorithm]
        held = _holding(rate, rows)
        _points(axes, _places(rate, held), held, areas, look.marker, {"color": look.colour})
        told = ", ".join([_told(rows), *_absent(rate, rows)])
        axes.set_title(f"{algorithm}: {told}", pad=8.0, fontsize="medium", color=INK)
        _scale(axes, rate)
        if objective.default is not None and rate.name in objective.default:
            axes.axvline(objective.default[rate.name], color=MUTED, linewidth=0.9, linestyle=":")
        axes.set_xlabel(rate.name)
    line = Line2D([], [], color=MUTED, linewidth=0.9, linestyle=":", label="default configuration")
    _finish(figure, panels, evaluations, [line] if objective.default is not None else [])
    return figure


def landscape(results: Results, objective: Objective) -> Figure:
    """Validation error against each hyperparameter, coloured by learning rate or else by algorithm."""
    evaluations = _of(results, objective)
    title = f"{objective.label} ({results.plan.title}): {_told(evaluations)}"
    if evaluations.empty:
        return notice_figure(title, "no evaluation yet")
    figure, panels = _grid(len(objective.space), title)
    styles = algorithm_styles(results.plan.algorithms)
    colouring = _colouring(objective)
    areas = _areas(evaluations, crowd=len(evaluations))
    for axes, axis in zip(panels, objective.space, strict=True):
        held = _holding(axis, evaluations)
        for algorithm, look in styles.items():
            rows = held[held["algorithm"] == algorithm]
            colours: dict[str, Any] = {"color": look.colour}
            if colouring is not None and objective.learning_rate is not None:
                colours = {"c": _values(objective.learning_rate, rows), "norm": colouring.norm, "cmap": colouring.cmap}
            _points(axes, _places(axis, rows), rows, areas, look.marker, colours)
        for words in _absent(axis, evaluations):
            axes.set_title(words, pad=8.0, fontsize="small", color=MUTED)
        _scale(axes, axis)
        axes.set_xlabel(axis.name, parse_math=False)
    if colouring is not None and objective.learning_rate is not None:
        bar = figure.colorbar(colouring, ax=panels, aspect=30, pad=0.01)
        bar.set_label(objective.learning_rate.name)
        bar.outline.set_visible(False)
        styles = {name: Style(colour=MUTED, marker=look.marker, dashes=look.dashes) for name, look in styles.items()}
    _finish(figure, panels, evaluations, _marker_legend(styles))
    return figure


def _of(results: Results, objective: Objective) -> pd.DataFrame:
    return results.evaluations[results.evaluations["objective"] == objective.label]


def _grid(count: int, title: str) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels that share the error axis; the rest of the last row stays empty."""
    columns = 2 if count == 4 else min(count, COLUMNS)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(max(5.0, 3.1 * columns + 0.6), 2.7 * rows + 0.9), layout="constrained")
    set_title(figure, title)
    grid = figure.subplots(rows, columns, sharey=True, squeeze=False)
    for spare in grid.flat[count:]:
        spare.set_visible(False)
    return figure, list(grid.flat[:count])


def _points(
    axes: Axes, places: Array, rows: pd.DataFrame, areas: pd.Series, marker: str, colours: Mapping[str, Any]
) -> None:
    """Evaluations as points, more area for more epochs; crashed ones as crosses on the upper edge."""
    errors = rows["valid_error"].to_numpy()
    known = np.isfinite(errors)
    area = areas.loc[rows.index].to_numpy()
    shown = {name: value[known] if name == "c" else value for name, value in colours.items()}
    axes.scatter(
        places[known], errors[known], s=area[known], marker=marker, alpha=0.55, linewidths=0, rasterized=True, **shown
    )
    axes.scatter(
        places[~known], np.ones(np.count_nonzero(~known)), s=22, marker="x", color=INK, linewidths=0.9,
        transform=axes.get_xaxis_transform(), clip_on=False, zorder=3,
    )  # fmt: skip


def _areas(evaluations: pd.DataFrame, crowd: int) -> pd.Series:
    """Area of each point in square points: more for more epochs, less in a panel of a crowd of points."""
    size = float(np.clip(16_000.0 / crowd, 7.0, 24.0))
    areas: pd.Series = size * (0.4 + 0.6 * evaluations["epochs"] / max(evaluations["epochs"].max(), 1))
    return areas


def _places(axis: Hyperparameter, rows: pd.DataFrame) -> Array:
    """Where each evaluation is on a hyperparameter's axis; few distinct values are spread a little."""
    places = _values(axis, rows)
    if not _is_spread(axis):
        return places
    # Multiples of the golden ratio spread the points evenly without any random number.
    aside = 0.5 * _gap(axis) * ((np.arange(len(places)) * 0.6180339887498949) % 1.0 - 0.5)
    spread: Array = places * np.exp(aside) if axis.log else places + aside
    return spread


def _values(axis: Hyperparameter, rows: pd.DataFrame) -> Array:
    """The values of a hyperparameter, of a categorical one the places of its choices."""
    values = [config[axis.name] for config in Results.configs(rows)]
    if axis.kind == "categorical":
        values = [axis.choices.index(value) for value in values]
    return np.array(values, dtype=np.float64)


def _holding(axis: Hyperparameter, rows: pd.DataFrame) -> pd.DataFrame:
    """The evaluations whose configurations have the hyperparameter: all, unless it is conditional."""
    held = np.array([axis.name in config for config in Results.configs(rows)], dtype=bool)  # a list may be empty
    return rows.loc[held]


def _absent(axis: Hyperparameter, rows: pd.DataFrame) -> list[str]:
    """In words how many evaluations are left out because the hyperparameter did not count there; [] for none."""
    absent = len(rows) - len(_holding(axis, rows))
    return [f"{absent} of {len(rows)} without {axis.name}"] if absent else []


def _is_spread(axis: Hyperparameter) -> bool:
    if axis.kind == "ordinal":
        return len(axis.choices) <= FEW
    return axis.kind == "categorical" or (axis.kind == "int" and not axis.log and axis.high - axis.low <= FEW)


def _gap(axis: Hyperparameter) -> float:
    """The least distance of two values, of logarithms where the scale is logarithmic."""
    if axis.kind != "ordinal" or len(axis.choices) == 1:
        return 1.0
    values = np.array(axis.choices, dtype=np.float64)
    return float(np.diff(np.log(values) if axis.log else values).min())


def _scale(axes: Axes, axis: Hyperparameter) -> None:
    """The space's own scale and bounds, with a margin; ticks at the choices, or at the numbers if they are few."""
    low, high = (0.0, len(axis.choices) - 1.0) if axis.kind == "categorical" else (axis.low, axis.high)
    if axis.kind == "categorical":
        axes.set_xticks(range(len(axis.choices)), [str(choice) for choice in axis.choices])
    if axis.log:
        axes.set_xscale("log")
    if axis.kind == "ordinal" and len(axis.choices) <= MOST_TICKS:  # After the scale, which brings ticks of its own.
        axes.set_xticks(axis.choices, [f"{value:.3g}" for value in axis.choices])
        axes.set_xticks([], minor=True)
    if not (math.isfinite(low) and math.isfinite(high)):
        return
    if axis.log:
        around = 0.03 * max(math.log(high) - math.log(low), math.log(1.1))  # Their ratio may be no double.
        margin = math.exp(0.5 * _gap(axis) if _is_spread(axis) else around)
        axes.set_xlim(max(low / margin, sys.float_info.min), min(high * margin, sys.float_info.max))
    else:
        margin = 0.5 * _gap(axis) if _is_spread(axis) else 0.03 * max(high - low, 1e-9)
        axes.set_xlim(low - margin, high + margin)


def _colouring(objective: Objective) -> ScalarMappable | None:
    """Colours of the learning rate over its whole range, the same in every panel; every evaluation has to have one."""
    rate = objective.learning_rate
    if rate is None or rate.when is not None or not (math.isfinite(rate.low) and math.isfinite(rate.high)):
        return None
    norm = LogNorm(rate.low, rate.high) if rate.log else Normalize(rate.low, rate.high)
    return ScalarMappable(norm=norm, cmap="viridis")


def _finish(figure: Figure, panels: list[Axes], evaluations: pd.DataFrame, handles: list[Line2D]) -> None:
    """The error axis' label on the left only, and one legend below for all that needs words."""
    for axes in panels:
        axes.set_ylabel("validation error")
        axes.yaxis.get_label().set_visible(axes.yaxis.get_tick_params()["labelleft"])
    if np.isinf(evaluations["valid_error"]).any():
        handles = [*handles, Line2D([], [], color=INK, marker="x", markersize=5, linestyle="none", label="no result")]
    if evaluations["epochs"].nunique() > 1:
        handles = [*handles, Line2D([], [], linestyle="none", label="larger points: more epochs")]
    if handles:
        columns = max(1, int(figure.get_size_inches()[0] / 1.7))
        figure.legend(handles=handles, loc="outside lower center", ncols=min(columns, len(handles)))


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
