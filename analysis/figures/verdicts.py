"""The figure of a comparison of two suites: every cell's interval beside its margin."""

from __future__ import annotations

import math

import numpy as np
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.panels import name_lanes
from analysis.figures.theme import INK, MUTED, begin_figure, set_title
from analysis.regression.cells import Cell
from analysis.regression.non_inferiority import Comparison

SHADES = {"identical": 7, "improvement": 2, "no regression": 0, "inconclusive": 1, "regression": 3}
"""Places in seaborn's colour-blind palette; the verdict is written beside each interval as well."""
WIDEST = 6.0
"""Margins to either side beyond which the axis is cut; what lies there is an arrow at the edge."""


def verdicts(comparison: Comparison) -> Figure:
    """Mean paired differences NEW - OLD with their 95 % intervals, in units of the margin; to the right is worse."""
    cells = [cell for cell in comparison.cells if cell.n]
    figure = begin_figure(8.0, 1.7 + 0.32 * len(cells))
    set_title(figure, f"{comparison.verdict.capitalize()}: {comparison.new} against {comparison.old}")
    axes = figure.subplots()
    ends = [abs(value) for cell in cells for value in _limits(cell) if math.isfinite(value)]
    bound = min(WIDEST, max(1.5, 1.1 * max(ends, default=0.0)))
    axes.axvspan(1.0, bound, color="#f3e3dc", zorder=0)
    axes.axvline(0.0, color=MUTED, linewidth=0.8)
    axes.axvline(1.0, color=INK, linewidth=1.0, linestyle=(0, (4, 2)))
    for place, cell in enumerate(cells):
        _draw(axes, place, cell, bound)
    axes.set_xlim(-bound, bound)
    axes.set_ylim(len(cells) - 0.4, -0.6)
    name_lanes(axes, [f"{cell.objective} / {cell.algorithm}" for cell in cells])
    axes.set_xlabel(f"worse by, in margins\n({comparison.endpoint}; mean paired difference with 95 % interval)")
    return figure


def _limits(cell: Cell) -> tuple[float, float, float]:
    """Lower limit, mean and upper limit in units of the margin."""
    unit = cell.margin if cell.margin > 0 else math.nan
    lo, middle, hi = (value / unit if value else 0.0 for value in (cell.lo, cell.mean, cell.hi))
    return lo, middle, hi


def _draw(axes: Axes, place: int, cell: Cell, bound: float) -> None:
    colour = sns.color_palette("colorblind").as_hex()[SHADES[cell.verdict]]
    lo, middle, hi = _limits(cell)
    if math.isfinite(lo):
        axes.plot(np.clip([lo, hi], -bound, bound), [place, place], color=colour, linewidth=2.2, solid_capstyle="butt")
    if abs(middle) <= bound:
        axes.plot([middle], [place], "o", color=colour, markersize=5)
    elif not math.isnan(middle):
        marker = ">" if middle > 0 else "<"
        axes.plot([math.copysign(bound, middle)], [place], marker, color=colour, markersize=7, clip_on=False)
    told = cell.verdict if not cell.n_new_failed else f"{cell.n_new_failed} of {cell.n} newly failed"
    axes.text(1.02, place, told, transform=axes.get_yaxis_transform(), va="center", color=INK, fontsize=8)
