"""The headline figure: mean and std of the incumbent's error or metric over runtime or over evaluations."""

from __future__ import annotations

import math
from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.anytime_curves import DRAWN, corners, cut_window, draw_curves, on_axis
from analysis.figures.labels import SMALL, fit
from analysis.figures.magnitude import magnitude_of
from analysis.figures.panels import (
    across,
    caption,
    clock_words,
    errors_of,
    name_vertical,
    of_chosen,
    runtime_label,
    table_file,
)
from analysis.figures.theme import (
    MUTED,
    Style,
    algorithm_styles,
    begin_figure,
    current_page,
    layout_width,
    notice_figure,
    set_title,
)
from analysis.imported import count_planned
from analysis.loading.algorithms import MARK
from analysis.loading.metric import Metric
from analysis.loading.results import Results

WIDTH, PANEL_HEIGHT, LOW_PANEL = 9.0, 3.3, 2.4
"""Inches of a figure and of its panels."""
BESIDE = 6.0
"""Width of a figure from which on panels stand beside each other."""
LANE = 0.09
"""Height of one algorithm's lane in the coverage strip, in inches."""
LEGEND_COLUMNS = 2
MOST_BANDS = 6
"""Algorithms whose bands of ± 1 std are drawn; more of them hide each other and the means."""


def anytime(results: Results, trajectory: pd.DataFrame, objective: str, axis: str) -> Figure:
    """Mean ± 1 std of the anytime curves: validation left, test (if there is one) right, coverage below.

    Args:
        results: for the plan and the states of the runs.
        trajectory: the table `analysis.tables.trajectory_table`; what is drawn is what it says.
        objective: label of the objective.
        axis: "runtime" or "trials".
    """
    drawn = trajectory[(trajectory["objective"] == objective) & (trajectory["axis"] == axis)]
    title = f"{objective} ({results.plan.title})"
    if drawn.empty:
        return notice_figure(title, f"no finished run yet: {_progress(results, objective)}")
    cells = {name: corners(drawn[drawn["algorithm"] == name]) for name in results.plan.algorithms}
    if len(cells) > MOST_BANDS:
        cells = {name: cell.assign(valid_std=math.nan, test_std=math.nan) for name, cell in cells.items()}
    time = magnitude_of(drawn["t"])
    cells = {name: cell.assign(t=time.of(cell["t"])) for name, cell in cells.items()}
    horizon = max(float(cell["t"].max()) for cell in cells.values() if len(cell)) or 1.0
    cut, told = cut_window(cells, horizon, time.label("{:.2g} s") if axis == "runtime" else "evaluation {:.0f}")
    size = magnitude_of(*(drawn[name] for name in DRAWN)) if cut is None else cut.size
    cells = {name: on_axis(cell, size, cut) for name, cell in cells.items()}
    styles = algorithm_styles(results.plan.algorithms)
    partly = bool((drawn["n_defined"] < drawn["n_runs"]).any())
    panels, metric = errors_of(results, objective), results.plan.objective(objective).metric
    figure, grid = _layout(title, LANE * len(cells) if partly else 0.0, len(panels))
    for axes, panel in zip(grid[0], panels, strict=True):
        draw_curves(axes, cells, panel, styles)
        name_vertical(axes, size.label(metric.label(panel, of_chosen(metric, panel))), _panel_height())
    grid[0][0].set_xlim(0.0, horizon)
    if cut is not None:
        grid[0][0].set_ylim(cut.low, cut.high)
        _tell_cut(grid[0], told)
    for axes in grid[1] if partly else []:
        _coverage(axes, cells, styles, "feasible" if results.plan.objective(objective).constraints else "defined")
    for axes in grid[-1]:
        if across(grid[-1]) > 1 or axes is grid[-1][-1]:
            axes.set_xlabel(time.label(_axis_label(results, axis)))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=axis == "trials"))
        axes.ticklabel_format(axis="x", scilimits=(-2, 5), useMathText=True)
    clock = clock_words(results) if axis == "runtime" else ""
    handles = _legend(results, objective, cells, styles)
    caption(figure, handles, clock, _marked(results, cells), _bands_note(metric, cells), columns=LEGEND_COLUMNS)
    return figure


def _layout(title: str, strip: float, count: int) -> tuple[Figure, list[list[Axes]]]:
    """A figure with panels and, of height `strip` inches, a coverage strip below each."""
    width, high = layout_width(WIDTH), _panel_height()
    ratios = [high, strip] if strip else [high]
    down = count if width < BESIDE else 1
    figure = begin_figure(width, sum(ratios) * down + 1.4)
    set_title(figure, title)
    shape = (len(ratios) * down, count // down)
    grid = figure.subplots(*shape, sharex=True, sharey="row", squeeze=False, height_ratios=ratios * down)
    if down == 1:
        return figure, [list(row) for row in grid]
    for axes in grid[len(ratios) :: len(ratios), 0]:
        axes.sharey(grid[0, 0])
    return figure, [list(grid[place :: len(ratios), 0]) for place in range(len(ratios))]


def _panel_height() -> float:
    """Inches of a panel: less on a slide, and in a column of a paper, where panels stand below each other."""
    page = current_page()
    if page is None:
        return PANEL_HEIGHT
    return LOW_PANEL if math.isfinite(page.height) or page.room < BESIDE else PANEL_HEIGHT


def _tell_cut(panels: list[Axes], told: str) -> None:
    words = fit(told, (layout_width(WIDTH) - 0.8) / across(panels) - 0.6, SMALL)
    for axes in panels:
        note = axes.text(
            0.99, 0.99, words, transform=axes.transAxes, ha="right", va="top", color=MUTED, fontsize="small"
        )
        note.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.5})


def _coverage(axes: Axes, cells: Mapping[str, pd.DataFrame], styles: Mapping[str, Style], word: str) -> None:
    """A lane for each algorithm: as high as the share of its runs that are defined, dark where all are."""
    for lane, (algorithm, cell) in enumerate(cells.items()):
        floor = len(cells) - 1.0 - lane
        colour, t, share = styles[algorithm].colour, cell["t"], cell["n_defined"] / cell["n_runs"]
        axes.fill_between([0.0, t.max()], floor, floor + 0.8, color="#eeeeee", linewidth=0)
        axes.fill_between(t, floor, floor + 0.8 * share, step="post", color=colour, alpha=0.4, linewidth=0)
        axes.fill_between(t, floor, floor + 0.8, where=share == 1.0, step="post", color=colour, linewidth=0)
    axes.set_ylim(0, len(cells))
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    axes.set_ylabel(f"runs\n{word}", rotation=0, ha="right", va="center", color=MUTED, fontsize="small")
    axes.label_outer()


def _axis_label(results: Results, axis: str) -> str:
    return f"cumulative {runtime_label(results)}" if axis == "runtime" else "completed evaluations"


def _legend(
    results: Results, objective: str, cells: Mapping[str, pd.DataFrame], styles: Mapping[str, Style]
) -> list[Line2D]:
    return [
        Line2D(
            [], [], color=styles[name].colour, marker=styles[name].marker, markeredgecolor="white",
            linewidth=1.8, label=_label(results, objective, name, cell),
        )
        for name, cell in cells.items()
    ]  # fmt: skip


def _bands_note(metric: Metric, cells: Mapping[str, pd.DataFrame]) -> str:
    """Where to find the bands that are not drawn."""
    where = table_file(metric, "trajectory")
    return f"std of {len(cells)} algorithms not drawn: {where}" if len(cells) > MOST_BANDS else ""


def _marked(results: Results, cells: Mapping[str, pd.DataFrame]) -> str:
    """What the mark of some algorithms means; nothing where none bears it."""
    lacking = any(results.algorithm_by_label[name].lacks for name in cells)
    return f"{MARK} lacks something that the others have: tables/algorithms.csv" if lacking else ""


def _label(results: Results, objective: str, algorithm: str, cell: pd.DataFrame) -> str:
    states = [run.state for run in results.runs if (run.objective, run.algorithm) == (objective, algorithm)]
    failed = states.count("failed")
    n_runs = states.count("done") + failed
    count = f"{n_runs} of {count_planned(states, results.plan.imported)} runs" + (
        f" ({failed} failed)" if failed else ""
    )
    algorithm = results.algorithm_by_label[algorithm].label(algorithm)
    if not n_runs:
        return f"{algorithm}: no finished run ({count})"
    if cell["valid_mean"].isna().all():
        return f"{algorithm}: never defined for all runs, {count}"
    what = "mean" if cell["valid_std"].isna().all() else "mean ± 1 std"
    return f"{algorithm}: a single run, {count}" if n_runs == 1 else f"{algorithm}: {what}, {count}"


def _progress(results: Results, objective: str) -> str:
    states = [run.state for run in results.runs if run.objective == objective]
    return f"{states.count('partial')} of {len(states)} runs have begun"
