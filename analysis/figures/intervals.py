"""A lane for each algorithm with a value and its interval: mean ranks and ratings over many tasks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.panels import caption, lanes, name_horizontal, name_lanes
from analysis.figures.theme import INK, MUTED, algorithm_styles

WIDTH = 8.0


def intervals(
    frame: pd.DataFrame,
    *,
    title: str,
    axis: str,
    note: str,
    algorithms: Sequence[str],
    line: float | None = None,
) -> Figure:
    """Draw a value and its 95 % interval for each algorithm, the first row on top.

    Args:
        frame: columns algorithm, value, low, high; a row a lane. A value that is not a number is a lane without marks.
        title: over the figure.
        axis: what the values are.
        note: below the figure: how to read it.
        algorithms: all of the suite, for their looks.
        line: where a vertical line is drawn to compare with.
    """
    figure, [axes] = lanes(len(frame), title, columns=1, width=WIDTH)
    looks = algorithm_styles(algorithms)
    if line is not None:
        axes.axvline(line, color=MUTED, linewidth=0.9, linestyle=":")
    for place, row in enumerate(frame.to_dict("records")):
        look = looks[row["algorithm"]]
        if np.isfinite([row["low"], row["high"]]).all():
            axes.hlines(place, row["low"], row["high"], color=look.colour, linewidth=2.0)
        axes.plot([row["value"]], [place], look.marker, color=look.colour, markersize=6.0, markeredgewidth=0)
    name_lanes(axes, [str(name) for name in frame["algorithm"]])
    name_horizontal(axes, axis, room=WIDTH - 3.0)
    mark = Line2D([], [], color=INK, linewidth=2.0, marker="o", markersize=6.0, label="value and its 95 % interval")
    caption(figure, [mark], note)
    return figure
