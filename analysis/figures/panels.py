"""What the views have in common: panels in a grid, lanes of algorithms, a caption below, the clock's name."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.theme import INK, MUTED, set_title
from analysis.loading.results import Results
from analysis.statistics.anytime import Array

LANE = 0.24
"""Height of the lane of one algorithm, in inches: labels of the size "small" do not touch."""
ERRORS = {"valid": "validation error", "test": "test error of the validation incumbent"}
ROW, FEW_ROWS = 0.2, 3
"""Height of a caption's row in inches, and so many of them have room in every figure."""
CROWD = 20
"""Points of a lane from which on they are drawn fainter, for they hide each other."""
LETTERS = 13.5
"""Letters of a caption in an inch."""


def grid(count: int, title: str, *, columns: int, panel: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels of the same scales; the rest of the last row stays empty.

    Args:
        count: of panels.
        title: over all of them.
        columns: at most so many beside each other.
        panel: width and height of one of them in inches.
    """
    across = min(count, columns)
    down = math.ceil(count / across)
    figure = Figure(figsize=(max(6.0, panel[0] * across + 0.6), panel[1] * down + 1.3), layout="constrained")
    set_title(figure, title)
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).flat
    for place, axes in enumerate(panels):
        axes.set_visible(place < count)
        if place + across >= count:  # The lowest of its column, though not of the grid.
            axes.tick_params(labelbottom=True)
    return figure, list(panels[:count])


def lanes(count: int, title: str, *, columns: int, width: float = 9.0) -> tuple[Figure, list[Axes]]:
    """A figure with panels side by side, of `count` lanes that they share, the first lane on top."""
    figure = Figure(figsize=(width, LANE * max(count, 3) + 2.0), layout="constrained")
    set_title(figure, title)
    panels = figure.subplots(1, columns, sharey=True, squeeze=False)[0]
    panels[0].set_ylim(count - 0.4, -0.6)
    return figure, list(panels)


def name_lanes(axes: Axes, names: Sequence[str]) -> None:
    """Write the lanes' names beside them."""
    axes.set_yticks(range(len(names)), names, fontsize="small", parse_math=False)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def caption(figure: Figure, handles: Sequence[Artist], *notes: str, columns: int = 4) -> None:
    """Below a figure, which grows for it: what its marks mean, and in words what is drawn."""
    width = int(LETTERS * figure.get_size_inches()[0])
    text = "\n".join(textwrap.fill(note, width) for note in notes if note)
    rows = math.ceil(len(handles) / columns) + len(text.splitlines())
    figure.set_figheight(figure.get_figheight() + ROW * max(rows - FEW_ROWS, 0))
    legend = figure.legend(handles=list(handles), loc="outside lower center", ncols=columns, title=text or None)
    legend.get_title().set(parse_math=False, color=MUTED, fontsize="small")


def head(axes: Axes, text: str) -> None:
    """Write a panel's own title."""
    axes.set_title(text, pad=5.0, fontsize="small", color=INK, parse_math=False)


def opacity(count: int) -> float:
    """Of `count` points in a lane."""
    return 0.5 if count > CROWD else 0.9


def aside(count: int, height: float) -> Array:
    """(count,) offsets in ± height / 2, evenly spread without a random number: multiples of the golden ratio."""
    spread: Array = height * ((np.arange(count) * 0.6180339887498949) % 1.0 - 0.5)
    return spread


def error_of(results: Results, objective: str) -> str:
    """Which error a figure of one of them shows: the objective's endpoint, of scores the one that they are of."""
    return "test" if results.endpoint_of(objective) == "test_error" else "valid"


def errors_of(results: Results, objective: str) -> list[str]:
    """Which errors a figure of both of them shows: without a test set the validation error alone."""
    return [name for name in ERRORS if name == "valid" or results.has_test(objective)]


def runtime_label(results: Results) -> str:
    """The label of an axis of the suite's seconds."""
    return f"{results.plan.clock} runtime [s]"


def clock_words(results: Results) -> str:
    """Whose seconds a modelled runtime tells; nothing for a measured one."""
    calibration = results.plan.calibration
    if results.plan.clock != "modelled":
        return ""
    if calibration is None:
        return "runtime modelled: the seconds that the objectives themselves state"
    return f"runtime modelled for {calibration.device} (calibration {calibration.name})"


def clock_note(results: Results) -> str:
    """The same as a sentence."""
    words = clock_words(results)
    return f"{words[0].upper()}{words[1:]}." if words else ""


def finished(results: Results, objective: str) -> str:
    """`3 of 100 runs are finished`: for a notice where there is nothing to draw."""
    states = [run.aggregated for run in results.runs if run.objective == objective]
    return f"{sum(states)} of {len(states)} runs are finished"
