"""A matrix of coloured cells with texts, readable with many rows and columns and with long names."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.figure import Figure

from analysis.figures.labels import SMALL, fit_all, height, width
from analysis.figures.theme import INK, begin_figure, layout_width, set_title
from analysis.statistics.anytime import Array

CELL = (0.54, 0.27)
"""Width and height of a cell in inches."""
NAME, NAME_LINES = 2.4, 2
"""Room for a name in inches, and lines that it may have."""
SIZE = 6.5
"""Of the texts in cells, in points."""
EQUAL_CONTRAST = 0.22
"""Relative luminance of a cell on which white and `INK` are read equally well: sqrt(1.05 x 0.069) - 0.05."""
BAR = 1.1
"""Inches beside the matrix for the bar of colours."""


def matrix(title: str, rows: Sequence[str], columns: Sequence[str]) -> tuple[Figure, Axes]:
    """Begin a figure with a matrix: rows named on the left, columns above.

    Args:
        title: over the figure.
        rows: names from the top down.
        columns: names from the left to the right.
    """
    left, above = (fit_all(names, NAME, SMALL, NAME_LINES) for names in (rows, columns))
    high = max(CELL[1], height(left, SMALL) + 0.04)
    wide = max(CELL[0], height(above, SMALL) + 0.04)
    needed = wide * len(columns) + _longest(left) + BAR + 0.5
    figure = begin_figure(layout_width(max(needed, 7.0), needed), high * len(rows) + _longest(above) + 1.9)
    set_title(figure, title)
    axes = figure.subplots()
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), left, fontsize="small", parse_math=False)
    axes.set_xticks(range(len(columns)), above, rotation=90, fontsize="small", parse_math=False)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    return figure, axes


def cells(axes: Axes, colours: Array, texts: Sequence[Sequence[str]], palette: Colormap) -> None:
    """Fill the cells of a matrix.

    Args:
        axes: from `matrix`.
        colours: (rows, columns) numbers from 0 to 1; NaN is left without colour.
        texts: what stands in each cell.
        palette: of the colours.
    """
    axes.pcolormesh(
        np.arange(colours.shape[1] + 1) - 0.5, np.arange(colours.shape[0] + 1) - 0.5, np.ma.masked_invalid(colours),
        cmap=palette, vmin=0.0, vmax=1.0, edgecolors="white", linewidth=0.8,
    )  # fmt: skip
    for (row, column), colour in np.ndenumerate(colours):
        axes.text(
            column, row, texts[row][column], ha="center", va="center", fontsize=SIZE, parse_math=False,
            color=_ink(palette, colour),
        )  # fmt: skip


def _ink(palette: Colormap, colour: float) -> str:
    """A colour for a text that can be read on a cell: by its relative luminance (WCAG 2.2)."""
    if np.isnan(colour):
        return INK
    channels = np.asarray(palette(float(colour))[:3])
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return "white" if float(linear @ (0.2126, 0.7152, 0.0722)) < EQUAL_CONTRAST else INK


def _longest(names: Sequence[str]) -> float:
    """Inches of the longest line of some names."""
    return max((width(line, SMALL) for name in names for line in name.split("\n")), default=0.0)
