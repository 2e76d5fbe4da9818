"""The headline figure: mean and std of the incumbent's error or metric over runtime or over evaluations."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.labels import SMALL, fit
from analysis.figures.magnitude import Magnitude, Window, magnitude_of
from analysis.figures.panels import (
    PANELS,
    caption,
    clock_words,
    errors_of,
    name_vertical,
    of_chosen,
    runtime_label,
    table_file,
)
from analysis.figures.theme import MUTED, Style, algorithm_styles, begin_figure, notice_figure, set_title
from analysis.imported import count_planned
from analysis.loading.algorithms import MARK
from analysis.loading.metric import Metric
from analysis.loading.results import Results

DRAWN = tuple(f"{panel}_{name}" for panel in PANELS for name in ("mean", "std"))
PANEL_HEIGHT = 3.3
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
    cells = {name: _corners(drawn[drawn["algorithm"] == name]) for name in results.plan.algorithms}
    if len(cells) > MOST_BANDS:
        cells = {name: cell.assign(valid_std=math.nan, test_std=math.nan) for name, cell in cells.items()}
    time = magnitude_of(drawn["t"])
    cells = {name: cell.assign(t=time.of(cell["t"])) for name, cell in cells.items()}
    horizon = max(float(cell["t"].max()) for cell in cells.values() if len(cell)) or 1.0
    cut, told = _cut(cells, horizon, time.label("{:.2g} s") if axis == "runtime" else "evaluation {:.0f}")
    size = magnitude_of(*(drawn[name] for name in DRAWN)) if cut is None else cut.size
    shown: Magnitude | Window = size if cut is None else cut
    cells = {name: cell.assign(**{key: shown.of(cell[key]) for key in DRAWN}) for name, cell in cells.items()}
    styles = algorithm_styles(results.plan.algorithms)
    partly = bool((drawn["n_defined"] < drawn["n_runs"]).any())
    panels, metric = errors_of(results, objective), results.plan.objective(objective).metric
    figure, grid = _layout(title, LANE * len(cells) if partly else 0.0, len(panels))
    for axes, panel in zip(grid[0], panels, strict=True):
        _panel(axes, cells, panel, styles)
        name_vertical(axes, size.label(metric.label(panel, of_chosen(metric, panel))), PANEL_HEIGHT)
    grid[0][0].set_xlim(0.0, horizon)
    if cut is not None:
        grid[0][0].set_ylim(cut.low, cut.high)
        _tell_cut(grid[0], told)
    for axes in grid[1] if partly else []:
        _coverage(axes, cells, styles, "feasible" if results.plan.objective(objective).constraints else "defined")
    for axes in grid[-1]:
        axes.set_xlabel(time.label(_axis_label(results, axis)))
        axes.xaxis.set_major_locator(MaxNLocator(nbins=8, integer=axis == "trials"))
        axes.ticklabel_format(axis="x", scilimits=(-2, 5), useMathText=True)
    clock = clock_words(results) if axis == "runtime" else ""
    handles = _legend(results, objective, cells, styles)
    caption(figure, handles, clock, _marked(results, cells), _bands_note(metric, cells), columns=LEGEND_COLUMNS)
    return figure


def _layout(title: str, strip: float, count: int) -> tuple[Figure, list[list[Axes]]]:
    """A figure with panels side by side and, of height `strip` inches, coverage strips below."""
    figure = begin_figure(9.0, PANEL_HEIGHT + strip + 1.4)
    set_title(figure, title)
    ratios = [PANEL_HEIGHT, strip] if strip else [PANEL_HEIGHT]
    grid = figure.subplots(len(ratios), count, sharex=True, sharey="row", squeeze=False, height_ratios=ratios)
    return figure, [list(row) for row in grid]


def _corners(cell: pd.DataFrame) -> pd.DataFrame:
    """The rows of a cell that its steps need: those that differ from the one before, and the last.

    A failed run is undefined right after its last event, not from the next event of another run on: a
    row at the earlier time says so.
    """
    fell = cell["n_defined"] < cell["n_defined"].shift()
    fallen = cell[fell].assign(t=cell["t"].shift()[fell])
    steps = pd.concat([cell, fallen]).sort_values("t", kind="stable")
    values = steps[["n_defined", "valid_mean", "valid_std", "test_mean", "test_std"]].fillna(-math.inf)
    changed, edge = (values != values.shift()).any(axis=1), steps["t"] == steps["t"].shift(-1)
    corners: pd.DataFrame = steps[changed | edge | (steps["t"] == steps["t"].max())]
    return corners


def _panel(axes: Axes, cells: Mapping[str, pd.DataFrame], panel: str, styles: Mapping[str, Style]) -> None:
    """One error over one axis. seaborn's own band would be drawn linearly between the steps."""
    for place, (algorithm, cell) in enumerate(cells.items()):
        look, t = styles[algorithm], cell["t"].to_numpy()
        mean, std = (cell[f"{panel}_{name}"].to_numpy() for name in ("mean", "std"))
        if np.isnan(mean).all():
            continue  # the legend says so
        axes.fill_between(t, mean - std, mean + std, step="post", color=look.colour, alpha=0.10, linewidth=0)
        for edge in (mean - std, mean + std):
            axes.step(t, edge, where="post", color=look.colour, linestyle=look.dashed, linewidth=0.8, alpha=0.8)
        marked: dict[str, Any] = {
            "color": look.colour,
            "marker": look.marker,
            "markeredgecolor": "white",
            "zorder": 3.0,
        }
        axes.step(t, mean, where="post", linewidth=1.8, markersize=5.0, markevery=(0.03 * place, 0.15), **marked)
        axes.plot(t[-1:], mean[-1:], markersize=7.0, clip_on=False, **marked)  # where the runs ended


def _cut(cells: Mapping[str, pd.DataFrame], horizon: float, unit: str) -> tuple[Window | None, str]:
    """Cut the error axis to what comes after the first tenth, where else that tenth would fill most of it.

    The first results are several times the last ones; drawn in full they leave the comparison no room.

    Returns:
        What is shown, and words for what is not; None: everything.
    """
    begin = 0.1 * horizon
    early = pd.concat([cell[cell["t"] < begin] for cell in cells.values()])
    late = pd.concat([cell[_place(cell, begin) :] for cell in cells.values()])
    size = magnitude_of(*(late[name] for name in DRAWN))
    (low, high), (least, most) = _extent(late, size), _extent(early, size)
    if not 0.0 < high - low < 0.5 * (max(high, most) - min(low, least)):
        return None, ""
    own = magnitude_of(*(early[name] for name in DRAWN))
    spans = own.label("{:.3g} to {:.3g}".format(*_extent(early, own)))
    what = "mean" if all(cell["valid_std"].isna().all() for cell in cells.values()) else "mean ± std"
    room = 0.06 * (high - low)
    shown = Window(size=size, low=low - room, high=high + room)
    return shown, f"axis cut: before {unit.format(begin)}, {what} spans {spans}"


def _tell_cut(panels: list[Axes], told: str) -> None:
    words = fit(told, 8.2 / len(panels) - 0.6, SMALL)
    for axes in panels:
        note = axes.text(
            0.99, 0.99, words, transform=axes.transAxes, ha="right", va="top", color=MUTED, fontsize="small"
        )
        note.set_bbox({"facecolor": "white", "alpha": 0.8, "linewidth": 0, "pad": 1.5})


def _place(cell: pd.DataFrame, t: float) -> int:
    """The row whose values hold at time t; the first when t is before all."""
    return max(int(np.searchsorted(cell["t"], t, side="right")) - 1, 0)


def _extent(rows: pd.DataFrame, size: Magnitude) -> tuple[float, float]:
    """Ends of what both panels draw of some rows, in units; without a defined row they are the wrong way round."""
    ends = [(math.inf, -math.inf)]
    with np.errstate(over="ignore", invalid="ignore"):  # Early errors may be beyond all units of the late ones.
        for panel in PANELS:
            mean, std = size.of(rows[f"{panel}_mean"]), size.of(rows[f"{panel}_std"].fillna(0.0))
            edges = np.concatenate([mean - std, mean + std])
            known = edges[~np.isnan(edges)]
            ends.append((known.min(initial=math.inf), known.max(initial=-math.inf)))
    low, high = zip(*ends, strict=True)
    return float(min(low)), float(max(high))


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
