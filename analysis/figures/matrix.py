"""A matrix of coloured cells with texts, readable with many rows and columns and with long names."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.labels import LINE, SMALL, fit, fit_all, height, width
from analysis.figures.panels import NAME_SHARE, caption
from analysis.figures.theme import INK, SuiteFigure, begin_figure, current_page, layout_width, set_title
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
PAGE_SIZE = 7.0
"""Of the texts in cells on a page, which makes them smaller: 6.1 points in a column."""
NARROWEST, LOW_CELL = 0.15, 0.18
"""Least width of a cell on a page, in which a turned name of its column has room, and its least height."""
BESIDE, HEAD = 0.28, 1.7
"""Inches beside cells and names on a page, and room for a column's name."""
SHORTENED = "Numbers have no room in these cells: they are in the table of the figure's name"
"""What the caption says of a matrix without them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Layout:
    """How a matrix is laid out.

    Attributes:
        left: labels of the rows.
        above: labels of the columns, which are turned.
        texts: in the cells.
        size: of the letters in the cells, in points.
        key: what the numbers of rows stand for; none where rows bear their names.
        cell: width and height of a cell in inches.
        beside: inches beside the cells.
    """

    left: list[str]
    above: list[str]
    texts: list[list[str]]
    size: float
    key: tuple[str, ...]
    cell: tuple[float, float]
    beside: float


def matrix(
    title: str, rows: Sequence[str], columns: Sequence[str], texts: Sequence[Sequence[str]]
) -> tuple[SuiteFigure, Axes]:
    """Begin a figure with a matrix: rows named on the left, columns above, texts in the cells; `fill` colours them.

    On a page letters keep their size: where cells are too narrow, a mark stands for its text, and rows have numbers.

    Args:
        title: over the figure.
        rows: names from the top down.
        columns: names from the left to the right.
        texts: of each cell; behind the last space may be a mark, which is kept the longest.
    """
    page = current_page()
    layout = _usual(rows, columns, texts) if page is None else _on_page(rows, columns, texts, page.room)
    needed = layout.cell[0] * len(columns) + layout.beside
    high = layout.cell[1] * len(rows) + _longest(layout.above) + 1.9
    figure = begin_figure(layout_width(max(needed, 7.0), needed), high)
    set_title(figure, title)
    axes = figure.subplots()
    axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
    axes.set_yticks(range(len(rows)), layout.left, fontsize="small", parse_math=False)
    axes.set_xticks(range(len(columns)), layout.above, rotation=90, fontsize="small", parse_math=False)
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)
    for row, line in enumerate(layout.texts):
        for column, text in enumerate(line):
            axes.text(column, row, text, ha="center", va="center", fontsize=layout.size, parse_math=False)
    if layout.key:
        _draw_key(figure, layout.key)
    if [[text.replace("\n", " ") for text in line] for line in layout.texts] != [list(line) for line in texts]:
        figure.notes += (SHORTENED,)
    return figure, axes


def _usual(rows: Sequence[str], columns: Sequence[str], texts: Sequence[Sequence[str]]) -> _Layout:
    """A matrix as wide as its cells and names ask for."""
    left, above = (fit_all(names, NAME, SMALL, NAME_LINES) for names in (rows, columns))
    high = max(CELL[1], height(left, SMALL) + 0.04)
    wide = max(CELL[0], height(above, SMALL) + 0.04)
    shown = [list(line) for line in texts]
    beside = _longest(left) + BAR + 0.5
    return _Layout(left=left, above=above, texts=shown, size=SIZE, key=(), cell=(wide, high), beside=beside)


def _on_page(rows: Sequence[str], columns: Sequence[str], texts: Sequence[Sequence[str]], room: float) -> _Layout:
    """A matrix as wide as a page, whose letters keep their size."""
    left = fit_all(rows, min(NAME, NAME_SHARE * room), SMALL, NAME_LINES)
    key: tuple[str, ...] = ()
    numbers = [str(place) for place in range(1, len(rows) + 1)]
    above = list(columns)
    if _cell_width(left, columns, room) < NARROWEST:
        if list(rows) == above:  # The columns' names are the key.
            above = [f"{number} {name}" for number, name in zip(numbers, columns, strict=True)]
        else:
            key = tuple(f"{number} {name}" for number, name in zip(numbers, rows, strict=True))
        left = numbers
    wide = max(_cell_width(left, columns, room), NARROWEST)
    lines = NAME_LINES if wide >= NAME_LINES * NARROWEST else 1
    shown = _fitting(texts, wide)
    inside = max(height(line, PAGE_SIZE) for line in shown)
    high = max(LOW_CELL, height(left, SMALL) + 0.06, inside + 0.06)
    return _Layout(
        left=left, above=fit_all(above, HEAD, SMALL, lines), texts=shown, size=PAGE_SIZE, key=key, cell=(wide, high),
        beside=_longest(left) + BESIDE,
    )  # fmt: skip


def _cell_width(left: Sequence[str], columns: Sequence[str], room: float) -> float:
    return (room - _longest(left) - BESIDE) / max(len(columns), 1)


def _fitting(texts: Sequence[Sequence[str]], wide: float) -> list[list[str]]:
    """Texts that fit into cells of a width: whole, with the mark below the number, the marks alone, or none."""
    for shorten in (str, _in_two_lines, _mark_of):
        shown = [[shorten(text) for text in line] for line in texts]
        widest = max(
            (width(part, PAGE_SIZE) for line in shown for text in line for part in text.split("\n")), default=0.0
        )
        if widest + 0.04 <= wide:
            return shown
    return [["" for _ in line] for line in texts]


def _in_two_lines(text: str) -> str:
    return text.replace(" ", "\n")


def _mark_of(text: str) -> str:
    """What is left of a text where there is no room for numbers."""
    return "".join(letter for letter in text if not (letter.isalnum() or letter in ".- \u221e"))


def _draw_key(figure: SuiteFigure, key: Sequence[str]) -> None:
    """Below the figure, which grows for it: what the numbers of the rows stand for."""
    room = figure.get_figwidth() - 0.3
    columns = max(1, int(room / (max(width(entry, SMALL) for entry in key) + 0.2)))
    labels = [fit(entry, room - 0.2, SMALL) for entry in key]
    lines = sum(label.count("\n") + 1 for label in labels)
    figure.set_figheight(figure.get_figheight() + LINE * SMALL * math.ceil(lines / columns) + 0.1)
    handles = [Line2D([], [], linestyle="none", label=label) for label in labels]
    legend = figure.legend(
        handles, labels, loc="outside lower left", ncols=columns, fontsize="small", handlelength=0.0,
        handletextpad=0.0, labelspacing=0.2, columnspacing=1.2,
    )  # fmt: skip
    for entry in legend.get_texts():
        entry.set_parse_math(False)


def caption_matrix(figure: SuiteFigure, note: str) -> None:
    """Say below a figure how to read it, and last what is left out of it."""
    left_out, figure.notes = figure.notes, ()
    caption(figure, [], note)
    figure.notes += left_out


def colour_bar(figure: Figure, axes: Axes, colours: ScalarMappable, label: str) -> Colorbar:
    """Draw the bar of colours: beside the matrix, and on a page below it."""
    if current_page() is None:
        bar = figure.colorbar(colours, ax=axes, shrink=0.6, aspect=30, pad=0.02)
    else:
        bar = figure.colorbar(colours, ax=axes, location="bottom", shrink=0.8, aspect=30, pad=0.02)
    bar.outline.set_visible(False)
    bar.set_label(label)
    return bar


def fill(axes: Axes, colours: Array, palette: Colormap) -> None:
    """Colour the cells of a matrix, and write their texts so that they can be read on their cells.

    Args:
        axes: from `matrix`.
        colours: (rows, columns) numbers from 0 to 1; NaN is left without colour.
        palette: of the colours.
    """
    axes.pcolormesh(
        np.arange(colours.shape[1] + 1) - 0.5, np.arange(colours.shape[0] + 1) - 0.5, np.ma.masked_invalid(colours),
        cmap=palette, vmin=0.0, vmax=1.0, edgecolors="white", linewidth=0.8,
    )  # fmt: skip
    for text, colour in zip(axes.texts, colours.flat, strict=True):
        text.set_color(_ink(palette, colour))


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
