"""Parallel coordinates: what configurations were tried, and which of them were good."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.collections import LineCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.hyperparameter_axis import ends_text
from analysis.figures.labels import LINE, MEDIUM, SMALL, fit, fit_all, height
from analysis.figures.magnitude import logarithmic_marks, logarithms, magnitude_of
from analysis.figures.panels import AXIS, aside, caption
from analysis.figures.theme import INK, MUTED, begin_figure, layout_width, notice_figure, set_title
from analysis.imported import NO_SPACE
from analysis.loading.metric import Metric
from analysis.loading.plan import Objective
from analysis.loading.results import Results
from analysis.loading.space import Hyperparameter
from analysis.statistics.anytime import Array
from analysis.tables.importance import fully_trained

MOST = 300
"""Lines drawn; more of them are one grey mass."""
EACH = 1.25
"""Inches from axis to axis."""
BESIDE = 0.72
"""Share of them that what is written beside an axis may take."""
TINY = 6.7
"""Size of that in points."""
BEST = 10
"""Configurations of the least errors, drawn dark and on top."""
NAME_LINES, FEW_MARKS = 6, 6
"""Lines of an axis's name, and marks beside an axis that may have two lines."""
WIDE = 10.0
"""From this ratio of the worst to the best error on the scale of errors is logarithmic."""
ABSENT = -0.14
"""Height at which a line passes the axis of a hyperparameter that its configuration is without."""


def coordinates(results: Results, objective: Objective) -> Figure:
    """A line for each fully trained evaluation through its hyperparameters to its validation error or metric.

    Hyperparameters are on the space's own scales. Of more than `MOST` evaluations those are drawn that
    are evenly spaced in the order of their errors, the best and the worst among them.
    """
    rows = fully_trained(results, objective.label)
    metric = objective.metric
    title = f"{objective.label} ({results.plan.title}): configurations and their {_results_word(metric)}"
    if rows.empty:
        return notice_figure(title, "no evaluation yet")
    if not objective.space:
        return notice_figure(title, NO_SPACE)
    order = np.argsort(rows["valid_error"].to_numpy(), kind="stable")
    chosen = order[np.unique(np.linspace(0, len(order) - 1, min(MOST, len(order))).round().astype(int))]
    errors, configs = metric.own(rows["valid_error"].to_numpy()[chosen]), results.configs(rows.iloc[chosen])
    width = max(6.0, EACH * len(objective.space) + 2.4)
    figure = begin_figure(layout_width(width, width), 4.6)
    set_title(figure, title)
    axes = figure.subplots()
    least, most = sorted((float(errors[0]), float(errors[-1])))
    log = bool(least > 0.0 and most / WIDE > least)  # Else all good ones would look the same.
    size = magnitude_of(errors)
    shown = logarithms(errors) if log else size.of(errors)
    scale = _scale(float(shown.min()), float(shown.max()))
    heights = [_heights(axis, configs) for axis in objective.space]
    heights.append(np.asarray(scale(shown), dtype=np.float64))
    colours = "viridis_r" if metric.maximised else "viridis"  # Dark is good.
    _draw(axes, np.stack(heights, axis=1), shown, scale, colours)
    _axes(axes, objective, {0.0: f"{least:.3g}", 1.0: f"{most:.3g}"})
    bar = figure.colorbar(ScalarMappable(norm=scale, cmap=colours), ax=axes, aspect=30, pad=0.02)
    if log:
        marks, labels = logarithmic_marks(float(shown.min()), float(shown.max()))
        bar.set_ticks(marks, labels=labels)
    label = f"{metric.label('valid')} (log)" if log else size.label(metric.label("valid"))
    bar.set_label(fit(label, AXIS, MEDIUM), parse_math=False)
    bar.outline.set_visible(False)
    drawn = f"{len(chosen)} of {len(rows)}" if len(chosen) < len(rows) else f"{len(rows)}"
    spaced = f", evenly spaced in the order of their {_results_word(metric)}" if len(chosen) < len(rows) else ""
    caption(figure, _legend(objective, len(chosen)), f"{drawn} fully trained evaluations of all algorithms{spaced}.")
    return figure


def _results_word(metric: Metric) -> str:
    return "errors" if metric.is_error else f"values of {metric.name}"


def _scale(least: float, most: float) -> Normalize:
    """Colours and heights from the least to the most; of a single value the lowest."""
    return Normalize(least, most if most > least else least + (1e-6 * abs(least) or 1e-9))


def _heights(axis: Hyperparameter, configs: list[dict[str, Any]]) -> Array:
    """(n,) heights in [0, 1] on one axis, `ABSENT` without it; few distinct values are spread a little."""
    heights: Array = np.array(
        [axis.position(config[axis.name]) if axis.name in config else np.nan for config in configs]
    )
    if (axis.choices or axis.kind == "int") and not axis.log:
        heights += aside(len(heights), 0.5) / (len(axis.choices) or axis.high - axis.low + 1)
    return np.where(np.isnan(heights), ABSENT + aside(len(heights), 0.05), heights)


def _draw(axes: Axes, heights: Array, errors: Array, scale: Normalize, colours: str) -> None:
    """The worst first, so that the best lie on top."""
    across = np.arange(heights.shape[1], dtype=np.float64)
    for some, look in (
        (slice(None, BEST - 1 if BEST else None, -1), {"linewidths": 0.7, "alpha": 0.55}),
        (slice(min(BEST, len(errors)) - 1, None, -1), {"linewidths": 1.8, "alpha": 1.0}),
    ):
        lines = LineCollection(
            [np.column_stack([across, line]) for line in heights[some]], cmap=colours, norm=scale, **look
        )
        lines.set_array(errors[some])
        axes.add_collection(lines)


def _axes(axes: Axes, objective: Objective, ends: Mapping[float, str]) -> None:
    """An upright line for each hyperparameter and the error, with its range written at its ends."""
    names = [axis.name for axis in objective.space]
    absent = any(axis.conditional for axis in objective.space)
    axes.set_xlim(-0.35, len(names) + 0.35)
    axes.set_ylim(ABSENT - 0.05 if absent else -0.03, 1.04)
    fitted = fit_all([*names, objective.metric.title("valid")], EACH - 0.15, SMALL, NAME_LINES)
    figure = axes.get_figure()
    if isinstance(figure, Figure):
        figure.set_figheight(figure.get_figheight() + max(height(fitted, SMALL) - 2 * LINE * SMALL, 0.0))
    axes.set_xticks(range(len(names) + 1), fitted, fontsize="small", parse_math=False)
    axes.tick_params(axis="x", length=0, pad=2)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines[["left", "bottom"]].set_visible(False)
    for place, marks in enumerate([*(_marks(axis) for axis in objective.space), ends]):
        axes.plot([place, place], [0.0, 1.0], color=INK, linewidth=0.9, zorder=4)
        fitted = fit_all(list(marks.values()), BESIDE * EACH, TINY, 1 if len(marks) > FEW_MARKS else 2)
        for high, text in zip(marks, fitted, strict=True):
            label = axes.text(
                place + 0.04, high, text, fontsize="x-small", va="center", color=INK, zorder=5, parse_math=False
            )
            label.set_bbox({"facecolor": "white", "alpha": 0.75, "linewidth": 0, "pad": 0.8})


def _marks(axis: Hyperparameter) -> Mapping[float, str]:
    """What is written beside an axis: all choices if they are few, else the ends of the range."""
    if axis.choices and len(axis.choices) <= 8:
        return {axis.position(choice): str(choice) for choice in axis.choices}
    if axis.choices:
        return {0.0: str(axis.choices[0]), 1.0: str(axis.choices[-1])}
    low, high = ends_text(axis)
    return {0.0: low, 1.0: high + (" (log)" if axis.log else "")}


def _legend(objective: Objective, count: int) -> list[Line2D]:
    best = f"the {min(BEST, count)} best" if count > 1 else "the only one"
    handles = [Line2D([], [], color="#440154", linewidth=1.8, label=best)]
    if count > BEST:
        handles.append(Line2D([], [], color=MUTED, linewidth=0.8, label="others"))
    if any(axis.conditional for axis in objective.space):
        handles.append(Line2D([], [], linestyle="none", label="below an axis: not in the configuration"))
    return handles
