"""Axes of hyperparameters: where values and choices are drawn, on which scale, and how they are named."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from analysis.figures.labels import LINE, MEDIUM, SMALL, fit, fit_all, height, width
from analysis.figures.magnitude import LARGE, LEAST, logarithmic_marks
from analysis.figures.panels import across
from analysis.loading.plan import Objective
from analysis.loading.results import Results
from analysis.loading.space import Hyperparameter
from analysis.statistics.anytime import Array

FEW = 20
"""Up to this range the points of an integer hyperparameter are spread sideways, or they would hide each other."""

NARROW = 1e-9
"""Share of the numbers themselves from which on differences between them are drawn as they are."""
UPRIGHT, LONGEST = 0.15, 1.5
"""Width of an upright label, and its length, in inches."""
NAME_LINES = 4
MOST_TICKS = 6
"""Up to so many listed numbers have ticks of their own; points are spread around them."""


def places_of(axis: Hyperparameter, rows: pd.DataFrame) -> Array:
    """Where each evaluation is on a hyperparameter's axis; few distinct values are spread a little."""
    places = values_of(axis, rows)
    if not _is_spread(axis):
        return places
    # Multiples of the golden ratio spread the points evenly without any random number.
    aside = 0.5 * _gap(axis) * ((np.arange(len(places)) * 0.6180339887498949) % 1.0 - 0.5)
    spread: Array = places * np.exp(aside) if axis.log else places + aside
    return spread


def values_of(axis: Hyperparameter, rows: pd.DataFrame) -> Array:
    """The values of a hyperparameter, of a categorical one the places of its choices."""
    return np.array([coordinate(axis, config[axis.name]) for config in Results.configs(rows)], dtype=np.float64)


def coordinate(axis: Hyperparameter, value: Any) -> float:
    """Where a value is drawn: at its place among choices, at its position where numbers are extreme, else at itself."""
    if axis.kind == "categorical":
        return float(axis.choices.index(value))
    return axis.position(value) if is_extreme(axis) else float(value)


def is_extreme(axis: Hyperparameter) -> bool:
    """Whether matplotlib's own scales would overflow on an axis, or merge its values."""
    if axis.kind == "categorical" or not (math.isfinite(axis.low) and math.isfinite(axis.high)):
        return False
    most, least = max(abs(axis.low), abs(axis.high)), axis.low if axis.log else math.inf
    narrow = 0.0 < axis.high - axis.low < NARROW * most
    return not (most == 0.0 or LEAST < most < LARGE) or least < LEAST or narrow


def position_marks(axis: Hyperparameter) -> tuple[list[float], list[str]]:
    """Labels of an extreme axis, on which values are at their positions in [0, 1]."""
    if axis.log and axis.kind != "ordinal" and axis.high > axis.low:
        low, high = math.log10(axis.low), math.log10(axis.high)
        marks, labels = logarithmic_marks(low, high)
        return [(mark - low) / (high - low) for mark in marks], labels
    if 0 < len(axis.choices) <= MOST_TICKS:
        return [axis.position(value) for value in axis.choices], [f"{value:.4g}" for value in axis.choices]
    return [axis.position(value) for value in (axis.low, axis.high)], list(ends_text(axis))


def ends_text(axis: Hyperparameter) -> tuple[str, str]:
    """The bounds of a range of numbers; the upper one by its distance where both would read alike."""
    low, high = f"{axis.low:.4g}", f"{axis.high:.4g}"
    if low == high and axis.low != axis.high:
        return (str(axis.low) if axis.kind == "int" else f"{axis.low:.12g}"), f"+{axis.high - axis.low:.4g}"
    return low, high


def _is_spread(axis: Hyperparameter) -> bool:
    if is_extreme(axis):
        return False
    if axis.kind == "ordinal":
        return len(axis.choices) <= FEW
    return axis.kind == "categorical" or (axis.kind == "int" and not axis.log and axis.high - axis.low <= FEW)


def _gap(axis: Hyperparameter) -> float:
    """The least distance of two values, of logarithms where the scale is logarithmic."""
    if axis.kind != "ordinal" or len(axis.choices) == 1:
        return 1.0
    values = np.array(axis.choices, dtype=np.float64)
    return float(np.diff(np.log(values) if axis.log else values).min())


def set_scale(axes: Axes, axis: Hyperparameter) -> None:
    """The space's own scale and bounds, with a margin; ticks at the choices, or at the numbers if they are few."""
    if is_extreme(axis):
        axes.set_xticks(*position_marks(axis))
        axes.set_xlim(-0.04, 1.04)
        return
    low, high = (0.0, len(axis.choices) - 1.0) if axis.kind == "categorical" else (axis.low, axis.high)
    if axis.log:
        axes.set_xscale("log")
    if axis.kind == "ordinal" and len(axis.choices) <= MOST_TICKS:  # After the scale, which brings ticks of its own.
        axes.set_xticks(axis.choices, [f"{value:.3g}" for value in axis.choices])
        axes.set_xticks([], minor=True)
    if not (math.isfinite(low) and math.isfinite(high)):
        return
    if axis.log:
        margin = math.exp(0.5 * _gap(axis)) if _is_spread(axis) else max(high / low, 1.1) ** 0.03
        axes.set_xlim(low / margin, high * margin)
    else:
        margin = 0.5 * _gap(axis) if _is_spread(axis) else 0.03 * max(high - low, 1e-9)
        axes.set_xlim(low - margin, high + margin)


def colouring(objective: Objective) -> ScalarMappable | None:
    """Colours of the learning rate over its whole range, the same in every panel; every evaluation has to have one."""
    rate = objective.learning_rate
    if rate is None or rate.conditional or not (math.isfinite(rate.low) and math.isfinite(rate.high)):
        return None
    if is_extreme(rate):
        return ScalarMappable(norm=Normalize(0.0, 1.0), cmap="viridis")
    norm = LogNorm(rate.low, rate.high) if rate.log else Normalize(rate.low, rate.high)
    return ScalarMappable(norm=norm, cmap="viridis")


def name_axes(figure: Figure, panels: list[Axes], space: Sequence[Hyperparameter]) -> None:
    """Write the hyperparameters' names and choices below the panels; rows grow where these need more room."""
    columns = min(across(panels), len(panels))
    room = (figure.get_figwidth() - 1.5) / columns - 0.3
    grown = []
    for axes, axis in zip(panels, space, strict=True):
        name = fit(axis.name, room, MEDIUM, NAME_LINES)
        axes.set_xlabel(name, parse_math=False)
        below = _name_choices(axes, [str(choice) for choice in axis.choices], room) if axis.kind == "categorical" else 0
        grown.append(below + height([name], MEDIUM) - LINE * MEDIUM)
    rows = [max(grown[place : place + columns]) for place in range(0, len(grown), columns)]
    figure.set_figheight(figure.get_figheight() + sum(rows))


def _name_choices(axes: Axes, choices: list[str], room: float) -> float:
    """Write choices below their places, upright where they are too wide side by side; returns how high they are."""
    each = room / len(choices)
    if max(width(choice, SMALL) for choice in choices) < each - 0.06:
        axes.set_xticks(range(len(choices)), choices, fontsize="small", parse_math=False)
        return 0.0
    step = math.ceil(UPRIGHT / each)  # Of more choices than fit some are named.
    lines = 2 if step * each > 2.2 * UPRIGHT else 1
    fitted = fit_all(choices, LONGEST, SMALL, lines)[::step]
    axes.set_xticks(
        range(0, len(choices), step), fitted, fontsize="small", rotation="vertical", parse_math=False,
        linespacing=1.0,
    )  # fmt: skip
    return max(width(line, SMALL) for text in fitted for line in text.split("\n"))
