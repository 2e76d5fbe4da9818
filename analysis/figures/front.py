"""The front: which trade-offs each algorithm reached, and in what share of its runs."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.front_marks import (
    MEDIAN,
    NOTHING,
    algorithm_handles,
    draw_known,
    draw_median,
    known_handle,
    reference_note,
)
from analysis.figures.front_pairs import pairs_figure
from analysis.figures.front_values import Surfaces, known_front_of, members_of, surfaces_of
from analysis.figures.metric_axis import MetricAxis, metric_axis, staircase
from analysis.figures.panels import across as columns_of
from analysis.figures.panels import caption, error_of, finished, grid, heads
from analysis.figures.theme import INK, Style, algorithm_styles, notice_figure
from analysis.loading.metric import KINDS
from analysis.loading.results import Results
from analysis.statistics.anytime import Array
from analysis.study import Study

COLUMNS, PANEL = 3, (3.0, 2.7)
MANY, COLUMNS_OF_MANY, PANEL_OF_MANY = 9, 5, (2.3, 2.0)
"""From more panels on they are smaller."""
OVERVIEW = 6
"""Algorithms up to which one more panel has the medians of all."""
QUARTILES, ENDS = ("25 %", "75 %"), ("best", "worst")
"""Names of further attainment surfaces."""
GREY = "#9a9a9a"
NOTE = (
    "Attainment surfaces: behind the median, away from the better values, half of the runs have a configuration that "
    "is at least as good in both metrics."
)


def front(study: Study, objective: str) -> Figure:
    """Draw what was reached: attainment surfaces of two metrics, or every two of three and more in a panel.

    Args:
        study: that of the suite; the tables "front" and "attainment" are drawn.
        objective: the label of one of several metrics.
    """
    results, planned = study.results, study.results.plan.objective(objective)
    data = error_of(study.hypervolume.results, objective)
    title = f"{objective} ({results.plan.title}): {KINDS[data]} values of the validation front"
    members = members_of(study.tables["front"], planned, data)
    if not members:
        return notice_figure(title, f"no front: {finished(results, objective)}")
    known = known_front_of(study, planned)
    if len(planned.optimised) > 2:
        return pairs_figure(study, objective, data, members, known, title)
    x, y = (metric.name for metric in planned.optimised)
    surfaces = surfaces_of(study.tables["attainment"], planned, data, x, y)
    return _surfaces_figure(results, objective, data, surfaces, known, title)


def _surfaces_figure(
    results: Results, objective: str, data: str, surfaces: Mapping[str, Surfaces], known: Array, title: str
) -> Figure:
    """A panel for each algorithm with its surfaces; before them, if they are few, one with the medians of all."""
    plan, metrics = results.plan, results.plan.objective(objective).optimised
    styles = algorithm_styles(plan.algorithms)
    across, up = (metric_axis(metric, _values(place, surfaces, known)) for place, metric in enumerate(metrics))
    overview = 1 < len(styles) <= OVERVIEW
    count = len(styles) + overview
    columns, panel = (COLUMNS_OF_MANY, PANEL_OF_MANY) if count > MANY else (2 if count == 4 else COLUMNS, PANEL)
    figure, panels = grid(count, title, columns=columns, panel=panel)
    for axes in panels:
        draw_known(axes, known, across, up)
    for algorithm, look in styles.items() if overview else ():
        draw_median(panels[0], surfaces.get(algorithm, {}), across, up, look)
    for axes, (algorithm, look) in zip(panels[overview:], styles.items(), strict=True):
        if algorithm != plan.control:
            axes.plot(
                *staircase(surfaces.get(plan.control, {}).get(MEDIAN, NOTHING), across, up), color=GREY, linewidth=1
            )
        _panel(axes, surfaces.get(algorithm, {}), across, up, look)
    texts = [f"{algorithm}: {_runs(results, objective, algorithm)}" for algorithm in styles]
    heads(figure, panels, ["median of each"] * overview + texts)
    beside = columns_of(panels)
    for place, axes in enumerate(panels):
        across.set_horizontal(axes, data, panel[0] - 0.3)
        up.set_vertical(axes, data, panel[1])
        axes.xaxis.get_label().set_visible(place + beside >= count)
        axes.yaxis.get_label().set_visible(place % beside == 0)
    handles = _legend(plan.control) + known_handle(known) + (algorithm_handles(styles) if overview else [])
    caption(figure, handles, NOTE, reference_note(metrics), columns=3)
    return figure


def _values(place: int, surfaces: Mapping[str, Surfaces], known: Array) -> Array:
    """Everything that is drawn of a metric."""
    corners = [found[:, place] for of_one in surfaces.values() for found in of_one.values()]
    return np.concatenate([*corners, known[:, place]])


def _panel(axes: Axes, surfaces: Surfaces, across: MetricAxis, up: MetricAxis, look: Style) -> None:
    lines = {name: staircase(surfaces.get(name, NOTHING), across, up) for name in (MEDIAN, *QUARTILES, *ENDS)}
    (x, y), (back_x, back_y) = (lines[name] for name in QUARTILES)
    axes.fill(np.append(x, back_x[::-1]), np.append(y, back_y[::-1]), color=look.colour, alpha=0.25, linewidth=0)
    for name in ENDS:
        axes.plot(*lines[name], color=look.colour, linewidth=0.8, linestyle=look.dashed)
    axes.plot(*lines[MEDIAN], color=look.colour, linewidth=1.8)


def _runs(results: Results, objective: str, algorithm: str) -> str:
    runs = [run for run in results.runs if (run.objective, run.algorithm) == (objective, algorithm)]
    return f"{sum(run.aggregated for run in runs)} of {len(runs)} runs"


def _legend(control: str) -> list[Artist]:
    return [
        Line2D([], [], color=INK, linewidth=1.8, label="median: reached by half of the runs"),
        Patch(color=INK, alpha=0.25, linewidth=0, label="reached by 25 to 75 %"),
        Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (4, 1.5)), label="best and worst: by one, by all"),
        Line2D([], [], color=GREY, linewidth=1.0, label=f"median of {control}"),
    ]
