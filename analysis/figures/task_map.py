"""The map of tasks and algorithms: median normalised regrets, and who differs from the control where."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, ListedColormap, Normalize
from matplotlib.figure import Figure

from analysis.explanations import explain_map
from analysis.figures.magnitude import logarithmic_marks
from analysis.figures.matrix import caption_matrix, colour_bar, fill, matrix
from analysis.statistics.anytime import Array

PALETTE, SHADES, USED = "mako_r", 256, 212
"""Seaborn's, even in lightness, so that the colour-blind see the same, without its near blacks, which look alike; the
least regret is the lightest."""
DECADES = 2.0
"""Decades of regret that the colours tell apart, below the largest finite one: what is less is good anyway."""
MARKS = {"better": "▲", "worse": "▼"}
"""Verdicts against the control that are marked; where no difference is shown there is no mark."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MapCells:
    """The cells of the map as they are drawn.

    Attributes:
        tasks: labels from the top down.
        colours: (tasks, algorithms) from 0, the least regret, to 1; NaN where there is none.
        texts: in each cell, its regret and its mark.
        ends: decimal logarithms of the regrets whose colours are 0 and 1.
    """

    tasks: list[str]
    colours: Array
    texts: list[list[str]]
    ends: tuple[float, float]


def task_map(table: pd.DataFrame, *, title: str, control: str, order: Sequence[str], paired: bool = True) -> Figure:
    """Draw a cell for each task and algorithm: the median regret as colour and number, and its verdict as a mark.

    Args:
        table: `task_map.csv`.
        title: of the suite.
        control: what the algorithms were compared with.
        order: the algorithms from the left to the right.
        paired: whether the same repetition of two algorithms is a pair.
    """
    drawn = map_cells(table, order)
    figure, axes = matrix(f"{title}: tasks and algorithms", drawn.tasks, order, drawn.texts)
    palette = ListedColormap(sns.color_palette(PALETTE, SHADES)[:USED])
    fill(axes, drawn.colours, palette)
    _bar(figure, axes, palette, *drawn.ends)
    caption_matrix(figure, explain_map(control, paired=paired))
    return figure


def map_cells(table: pd.DataFrame, order: Sequence[str]) -> MapCells:
    """Make the cells of the map, of the table `task_map.csv` and the algorithms from the left to the right."""
    regrets = _pivot(table, "median_regret", order).to_numpy(dtype=np.float64)
    verdicts = _pivot(table, "verdict", order)
    logs, low, high = _logarithms(regrets)
    texts = [
        [_text(value, verdict) for value, verdict in zip(*row, strict=True)]
        for row in zip(regrets, verdicts.to_numpy(), strict=True)
    ]
    tasks = [str(label) for label in verdicts.index]
    return MapCells(tasks=tasks, colours=(logs - low) / (high - low), texts=texts, ends=(low, high))


def _pivot(table: pd.DataFrame, column: str, order: Sequence[str]) -> pd.DataFrame:
    """Tasks in the order of the table x algorithms in the given order."""
    tasks = pd.unique(table["objective"])
    return table.pivot(index="objective", columns="algorithm", values=column).reindex(index=tasks, columns=list(order))


def _logarithms(regrets: Array) -> tuple[Array, float, float]:
    """Decimal logarithms of regrets, cut to the ends of the colours; and these ends."""
    positive = regrets[np.isfinite(regrets) & (regrets > 0.0)]
    high = math.log10(positive.max()) if len(positive) else 0.0
    low = max(math.log10(positive.min()), high - DECADES) if len(positive) else -1.0
    low = min(low, high - 0.5)
    logs = np.full(regrets.shape, np.nan)
    known = ~np.isnan(regrets)
    logs[known] = np.clip(np.log10(np.maximum(regrets[known], 10.0**low)), low, high)
    return logs, low, high


def _text(regret: float, verdict: object) -> str:
    """`0.012 ▲`."""
    return f"{_number(regret)} {MARKS.get(str(verdict), '')}".strip()


def _number(regret: float) -> str:
    if math.isnan(regret):
        return ""
    if math.isinf(regret):
        return "∞" if regret > 0 else "-∞"
    return f"{regret:.2g}" if abs(regret) >= 0.001 or regret == 0.0 else f"{regret:.0e}".replace("e-0", "e-")


def _bar(figure: Figure, axes: Axes, palette: Colormap, low: float, high: float) -> None:
    """The bar of colours, labelled with regrets."""
    marks, labels = logarithmic_marks(low, high)
    colours = ScalarMappable(Normalize(low, high), palette)
    bar = colour_bar(figure, axes, colours, "median normalised regret")
    bar.set_ticks(marks, labels=labels)
