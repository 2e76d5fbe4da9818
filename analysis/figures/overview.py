"""All objectives of a suite in one figure: a small anytime panel for each, and one legend."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.anytime_curves import DRAWN, corners, cut_window, draw_curves, on_axis
from analysis.figures.labels import LINE, SMALL, fit, fit_all
from analysis.figures.magnitude import Magnitude, magnitude_of, power_text
from analysis.figures.panels import (
    caption,
    clock_note,
    error_of,
    finished,
    name_horizontal,
    name_vertical,
)
from analysis.figures.theme import (
    INK,
    MUTED,
    algorithm_styles,
    begin_figure,
    current_page,
    layout_width,
    notice_figure,
    set_title,
)
from analysis.loading.plan import Objective
from analysis.loading.results import Results

FEWEST = 2
"""Objectives below which there is no such figure."""
WIDTH, NARROWEST, HEIGHT = 10.0, 1.85, 1.75
"""Inches of the figure, the least of a panel's width, and its height."""
ASIDE = 0.75
"""Inches beside a panel, for its labels."""
HEAD_LINES = 2
"""Lines that a panel's title may have."""
MOST_BANDS = 3
"""Algorithms up to which their bands are drawn: panels are small."""


def overview(results: Results, trajectory: pd.DataFrame) -> Figure | None:
    """A panel for each objective with the mean anytime curve of every algorithm over runtime.

    Args:
        results: for the plan and the runs.
        trajectory: the table of that name.

    Returns:
        None for a suite of one objective.
    """
    plan = results.plan
    if len(plan.objectives) < FEWEST:
        return None
    title = f"{plan.title}: the incumbent over runtime on {len(plan.objectives)} objectives"
    drawn = trajectory[trajectory["axis"] == "runtime"]
    if drawn.empty:
        return notice_figure(title, "no finished run yet")
    columns = _columns(len(plan.objectives))
    rows = math.ceil(len(plan.objectives) / columns)
    width = layout_width(WIDTH, NARROWEST * columns)
    heads = fit_all([objective.label for objective in plan.objectives], width / columns - ASIDE, SMALL, HEAD_LINES)
    figure = begin_figure(width, (HEIGHT + LINE * SMALL * max(head.count("\n") for head in heads)) * rows + 1.2)
    set_title(figure, title)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    labels = [_label(results, objective) for objective in plan.objectives]
    for axes, objective, head in zip(panels, plan.objectives, heads, strict=False):
        axes.set_title(head, fontsize="small", color=INK, pad=4.0, parse_math=False)
        label = "" if len(set(labels)) == 1 else _label(results, objective)
        _panel(axes, results, drawn[drawn["objective"] == objective.label], objective, label)
    for axes in panels[len(plan.objectives) :]:
        axes.set_visible(False)
    if len(set(labels)) == 1:
        name_vertical(figure, labels[0], HEIGHT * rows)
    for axes in panels[: len(plan.objectives)][-columns:]:  # The lowest of each column.
        unit = axes.get_xlabel() or "[s]"
        name_horizontal(axes, f"runtime {unit}", width / columns - 0.3)
    caption(figure, _legend(plan.algorithms), _note(results), clock_note(results))
    return figure


def _columns(count: int) -> int:
    """Panels beside each other: as many as have room, and for a slide as many as make the figure as wide as it."""
    page = current_page()
    if page is None:
        return 2 if count in (2, 4) else 3 if count <= 9 else 4
    if math.isfinite(page.height):
        return min(range(1, count + 1), key=lambda across: -_slide_scale(count, across, page.width, page.height))
    return min(count, int(page.room / NARROWEST))


def _slide_scale(count: int, across: int, width: float, height: float) -> float:
    """How large letters are on a slide with so many panels beside each other."""
    return min(width / (NARROWEST * across), height / (HEIGHT * math.ceil(count / across) + 1.0))


def _label(results: Results, objective: Objective) -> str:
    return f"{objective.metric.title(_error(results, objective))}{objective.metric.in_unit}"


def _error(results: Results, objective: Objective) -> str:
    """What the suite compares algorithms by, "test" or "valid", as far as the objective has it."""
    return error_of(results, objective.label) if results.has_test(objective.label) else "valid"


def _panel(axes: Axes, results: Results, drawn: pd.DataFrame, objective: Objective, label: str) -> None:
    """The curves of one objective, on axes of their own."""
    error = _error(results, objective)
    if not drawn[f"{error}_mean"].notna().any():
        words = "never defined in all runs" if len(drawn) else finished(results, objective.label)
        words = fit(words, 1.4, SMALL)
        axes.text(0.5, 0.5, words, transform=axes.transAxes, ha="center", va="center", color=MUTED, fontsize="small")
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        return
    names = results.plan.algorithms
    seconds = _seconds(float(drawn["t"].max()))
    cells = {name: corners(drawn[drawn["algorithm"] == name]) for name in names}
    cells = {name: cell.assign(t=seconds.of(cell["t"])) for name, cell in cells.items()}
    if len(names) > MOST_BANDS:
        cells = {name: cell.assign(valid_std=math.nan, test_std=math.nan) for name, cell in cells.items()}
    horizon = max(float(cell["t"].max()) for cell in cells.values() if len(cell)) or 1.0
    cut, _ = cut_window(cells, horizon, "{:.2g}")
    size = magnitude_of(*(drawn[name] for name in DRAWN)) if cut is None else cut.size
    cells = {name: on_axis(cell, size, cut) for name, cell in cells.items()}
    draw_curves(axes, cells, error, algorithm_styles(names))
    axes.set_xlim(0.0, horizon)
    if cut is not None:
        axes.set_ylim(cut.low, cut.high)
    if label or size.power:
        name_vertical(axes, size.label(label), HEIGHT)
    if seconds.power:
        axes.set_xlabel(f"[{power_text(seconds.power)} s]")
    axes.xaxis.set_major_locator(MaxNLocator(nbins=3 if current_page() else 4))
    axes.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axes.ticklabel_format(axis="y", scilimits=(-2, 4), useMathText=True)


def _seconds(most: float) -> Magnitude:
    """The power of ten that seconds are in, where their labels would be long."""
    return Magnitude() if 0.01 <= most < 1e4 or most <= 0.0 else Magnitude(power=math.floor(math.log10(most)))


def _legend(names: Sequence[str]) -> list[Line2D]:
    return [
        Line2D([], [], color=look.colour, marker=look.marker, markeredgecolor="white", linewidth=1.8, label=name)
        for name, look in algorithm_styles(names).items()
    ]


def _note(results: Results) -> str:
    runs = f"{sum(run.aggregated for run in results.runs)} of {len(results.runs)} runs"
    bands = "bands: ± 1 std" if len(results.plan.algorithms) <= MOST_BANDS else "no bands"
    rising = dict.fromkeys(objective.metric.name for objective in results.plan.objectives if objective.metric.maximised)
    better = f" More is better of {', '.join(rising)}." if rising else ""
    return (
        f"Means over the finished runs ({runs}), where all of them are defined; {bands}. Every panel has axes of its "
        f"own; a vertical axis is cut where the first tenth of the time would fill most of it.{better}"
    )
