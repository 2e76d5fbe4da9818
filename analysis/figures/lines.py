"""Lines of many algorithms in one panel, each in its own look, and named in the order in which they end."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.labels import LEGEND, fit_all
from analysis.figures.panels import ROW, caption
from analysis.figures.theme import SuiteFigure, algorithm_styles, begin_figure, current_page, layout_width, set_title

MARKED = 8
"""Marks along a line."""
ACROSS = 7.0
"""Room for the label of the horizontal axis in inches, where the page has it."""
NAME, NAME_LINES = 2.4, 2
"""Room for a name beside the panel in inches, and lines that it may have."""

BESIDE = 1.8
"""Inches of the figure's height above and below names beside the panel."""


def panel(title: str) -> tuple[Figure, Axes]:
    """Begin a figure with one panel for lines of many algorithms."""
    figure = begin_figure(layout_width(10.0), 6.0 if current_page() is None else 3.8)
    set_title(figure, title)
    return figure, figure.subplots()


def lines(
    axes: Axes, frame: pd.DataFrame, x: str, y: str, algorithms: Sequence[str], *, steps: bool, rising: bool = True
) -> list[Line2D]:
    """Draw a line for each algorithm of a table.

    Args:
        axes: to draw on.
        frame: with a column algorithm, rows of an algorithm ordered by x.
        x: the column of the horizontal axis.
        y: that of the vertical one.
        algorithms: all of the suite, for their looks.
        steps: right-continuous steps, else straight lines.
        rising: the best line has the greatest value at its end.

    Returns:
        The entries of a legend, the best first.
    """
    looks = algorithm_styles(algorithms)
    ends: list[tuple[float, Line2D]] = []
    right = frame[x].max()
    for place, (name, rows) in enumerate(frame.groupby("algorithm", sort=False)):
        look = looks[str(name)]
        if steps:  # The last value holds up to where the other lines end.
            rows = pd.concat([rows, rows.iloc[-1:].assign(**{x: right})])
        step = max(len(rows) // MARKED, 1)
        axes.plot(
            rows[x], rows[y], color=look.colour, linestyle=look.dashed, linewidth=1.4, marker=look.marker,
            markersize=4.5, markeredgewidth=0, markevery=(place % step, step),
            drawstyle="steps-post" if steps else "default",
        )  # fmt: skip
        entry = Line2D([], [], color=look.colour, linestyle=look.dashed, marker=look.marker, label=str(name))
        known = rows[y].dropna()
        ends.append((float(known.iloc[-1]) if len(known) else float("-inf" if rising else "inf"), entry))
    ends.sort(key=lambda end: -end[0] if rising else end[0])
    return [entry for _, entry in ends]


def name_lines(figure: Figure, entries: Sequence[Line2D], note: str) -> None:
    """Name lines beside their panel, in the order of the entries, and say below it how to read them."""
    if current_page() is not None:
        caption(figure, entries, note)
        return
    labels = fit_all([str(entry.get_label()) for entry in entries], NAME, LEGEND, NAME_LINES)
    rows = sum(label.count("\n") + 1 for label in labels)
    caption(figure, [], note)
    if isinstance(figure, SuiteFigure):
        figure.marks = tuple(str(entry.get_label()) for entry in entries)
    figure.set_figheight(max(figure.get_figheight(), ROW * rows + BESIDE))
    [axes] = figure.axes  # A legend of the figure would begin beside its title.
    legend = axes.legend(
        list(entries), labels, loc="upper left", bbox_to_anchor=(1.0, 1.0), borderaxespad=0.0, handlelength=3.2
    )
    for text in legend.get_texts():
        text.set_parse_math(False)
