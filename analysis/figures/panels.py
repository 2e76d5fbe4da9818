"""What the views have in common: panels in a grid, lanes of algorithms, a caption below, the clock's name."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.labels import LEGEND, LINE, MEDIUM, SMALL, fit, fit_all, height, width
from analysis.figures.magnitude import Magnitude
from analysis.figures.theme import INK, MUTED, SuiteFigure, begin_figure, current_page, layout_width, set_title
from analysis.imported import count_planned
from analysis.loading.metric import FRONT, Metric
from analysis.loading.results import Results
from analysis.statistics.anytime import Array

LANE = 0.24
"""Height of the lane of one algorithm, in inches: labels of the size "small" do not touch."""
NAME, NAME_LINES = 2.4, 3
"""Room for a lane's name in inches, and lines that it may have."""
NAME_SHARE = 0.36
"""Share of a page that a lane's name may have."""
NARROWED = 0.65
"""How much of its usual width a panel has at least on a page."""
LEAST_LANES = 3.0
"""Width in inches that a panel of lanes needs with its part of the names."""
HEAD_LINES = 5
"""Lines that a panel's title may have."""
PANELS = ("valid", "test")
"""What an anytime figure shows."""
AXIS = 3.0
"""Room for an axis's label in inches, where it is not known better."""
ROW, FEW_ROWS = 0.2, 3
"""Height of a caption's row in inches, and so many of them have room in every figure."""
CROWD = 20
"""Points of a lane from which on they are drawn fainter, for they hide each other."""
LEGEND_MARGIN, ENTRY = 0.4, 0.62
"""Inches of a legend's margins, and of the mark and the space of one of its columns."""


def grid(count: int, title: str, *, columns: int, panel: tuple[float, float]) -> tuple[Figure, list[Axes]]:
    """A figure with `count` panels of the same scales; the rest of the last row stays empty.

    Args:
        count: of panels.
        title: over all of them.
        columns: at most so many beside each other.
        panel: width and height of one of them in inches.
    """
    page = current_page()
    if page is not None:
        columns = min(columns, max(1, int((page.room - 0.6) / (NARROWED * panel[0]))))
    across = min(count, columns)
    down = math.ceil(count / across)
    figure = begin_figure(layout_width(max(6.0, panel[0] * across + 0.6)), panel[1] * down + 1.3)
    set_title(figure, title)
    panels = figure.subplots(down, across, sharex=True, sharey=True, squeeze=False).flat
    for place, axes in enumerate(panels):
        axes.set_visible(place < count)
        if place + across >= count:  # The lowest of its column, though not of the grid.
            axes.tick_params(labelbottom=True)
    return figure, list(panels[:count])


def lanes(count: int, title: str, *, columns: int, width: float = 9.0) -> tuple[Figure, list[Axes]]:
    """A figure with panels side by side, of `count` lanes that they share, the first lane on top."""
    figure = begin_figure(layout_width(width, LEAST_LANES * columns), LANE * max(count, 3) + 2.0)
    set_title(figure, title)
    panels = figure.subplots(1, columns, sharey=True, squeeze=False)[0]
    panels[0].set_ylim(count - 0.4, -0.6)
    return figure, list(panels)


def name_lanes(axes: Axes, names: Sequence[str]) -> None:
    """Write the lanes' names beside them; the figure grows where they need several lines."""
    figure = axes.get_figure()
    room = NAME if current_page() is None or figure is None else min(NAME, NAME_SHARE * figure.bbox.width / figure.dpi)
    fitted = fit_all(names, room, SMALL, NAME_LINES)
    grown = len(names) * max(height(fitted, SMALL) + 0.06 - LANE, 0.0) if names else 0.0
    if isinstance(figure, Figure):
        figure.set_figheight(figure.get_figheight() + grown)
    axes.set_yticks(range(len(names)), fitted, fontsize="small", parse_math=False)
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)


def caption(figure: Figure, handles: Sequence[Artist], *notes: str, columns: int = 4) -> None:
    """Below a figure, which grows for it: what its marks mean, and in words what is drawn."""
    room = figure.get_figwidth() - LEGEND_MARGIN
    if isinstance(figure, SuiteFigure):
        figure.notes += tuple(note for note in notes if note)
        figure.marks += tuple(label for label in (str(handle.get_label()) for handle in handles) if label)
    drawn = notes if current_page() is None else ()  # On a page they are in its own text.
    text = "\n".join(fit(note, room, SMALL) for note in drawn if note)
    columns = _columns([str(handle.get_label()) for handle in handles], room, columns)
    labels = [str(handle.get_label()) for handle in handles]
    if columns == 1 or current_page() is None:  # In a narrow legend of several columns none needs to be broken.
        labels = [fit(label, room / columns - ENTRY, LEGEND) for label in labels]
    entries = max(label.count("\n") + 1 for label in labels) * math.ceil(len(handles) / columns) if handles else 0
    rows = entries + len(text.splitlines())
    figure.set_figheight(figure.get_figheight() + ROW * max(rows - FEW_ROWS, 0))
    if not handles and not text:
        return
    legend = figure.legend(list(handles), labels, loc="outside lower center", ncols=columns, title=text or None)
    legend.get_title().set(parse_math=False, color=MUTED, fontsize="small")
    for entry in legend.get_texts():
        entry.set_parse_math(False)


def _columns(labels: Sequence[str], room: float, most: int) -> int:
    """Columns of a legend in which no label is broken, if there are such: the first ones have a label more."""
    for columns in range(min(most, max(len(labels), 1)), 1, -1):
        widest = [max(width(label, LEGEND) for label in some) for some in np.array_split(np.array(labels), columns)]
        if sum(widest) + ENTRY * len(widest) <= room:
            return columns
    return 1


def heads(figure: Figure, panels: Sequence[Axes], texts: Sequence[str]) -> None:
    """Write a grid's titles, one over each panel; the figure grows where they need several lines."""
    columns = across(panels)
    fitted = fit_all(texts, (figure.get_figwidth() - 0.9) / columns - 0.2, SMALL, HEAD_LINES)
    for axes, text in zip(panels, fitted, strict=True):
        axes.set_title(text, pad=5.0, fontsize="small", color=INK, parse_math=False)
    rows = [fitted[place : place + columns] for place in range(0, len(fitted), columns)]
    lines = sum(max(text.count("\n") for text in row) for row in rows)
    figure.set_figheight(figure.get_figheight() + LINE * SMALL * lines)


def across(panels: Sequence[Axes]) -> int:
    """Columns of a grid."""
    place = panels[0].get_subplotspec()
    return place.get_gridspec().ncols if place is not None else 1


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


def of_chosen(metric: Metric, error: str) -> str:
    """What the label of an error adds to the metric's name: of test values what they are those of."""
    return f" of the validation {metric.selected}" if error == "test" else ""


def table_file(metric: Metric, name: str) -> str:
    """The file of a table in which the numbers of a figure are."""
    return f"tables/{'hypervolume_' if metric.selected == FRONT else ''}{name}.csv"


def errors_of(results: Results, objective: str) -> list[str]:
    """Which errors a figure of both of them shows: without a test set the validation error alone."""
    return [name for name in PANELS if name == "valid" or results.has_test(objective)]


def name_vertical(target: Axes | Figure, text: str, room: float = AXIS) -> None:
    """Label one or all vertical axes; a metric's name and unit are no mathematics, and may need two lines."""
    words = fit(text, room, MEDIUM)
    if isinstance(target, Figure):
        target.supylabel(words, fontsize="medium", parse_math=False)
    else:
        target.set_ylabel(words, parse_math=False)


def name_horizontal(axes: Axes, text: str, room: float = AXIS) -> None:
    """Label a horizontal axis likewise; on a page it has no more room than the page."""
    page = current_page()
    axes.set_xlabel(fit(text, room if page is None else min(room, page.room - 0.9), MEDIUM), parse_math=False)


def runtime_label(results: Results, seconds: Magnitude | None = None) -> str:
    """The label of an axis of the suite's seconds, or of what imported studies have instead."""
    imported = results.plan.imported
    label = f"{results.plan.clock} runtime [{'s' if imported is None else imported.unit}]"
    return label if seconds is None else seconds.label(label)


def clock_words(results: Results) -> str:
    """Whose seconds a modelled, tabulated or recorded runtime tells; nothing for a measured one."""
    if results.plan.imported is not None:
        return f"runtime recorded: {results.plan.imported.clock(results.plan.display_names)}"
    calibration = results.plan.calibration
    if results.plan.clock == "tabulated":
        return "runtime tabulated: the seconds that the objectives report"
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
    runs = [run for run in results.runs if run.objective == objective]
    planned = count_planned((run.state for run in runs), results.plan.imported)
    return f"{sum(run.aggregated for run in runs)} of {planned} runs are finished"
