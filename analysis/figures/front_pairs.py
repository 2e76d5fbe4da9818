"""Fronts of three and more metrics: every two of them in a panel, points and the medians of attainment."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.front_marks import algorithm_handles, draw_known, draw_median, known_handle, reference_note
from analysis.figures.front_values import Members, surfaces_of
from analysis.figures.metric_axis import MetricAxis, metric_axis
from analysis.figures.panels import caption
from analysis.figures.theme import Style, algorithm_styles, begin_figure, layout_width, set_title
from analysis.statistics.anytime import Array
from analysis.study import Study

PANEL = (3.0, 2.6)
MOST_MEDIANS = 6
"""Algorithms whose median attainment surfaces are drawn; more of them hide the points."""
NOTE = (
    "Points: the configurations on the front of any run; in a panel some seem to be worse, which are better in another "
    "metric. Strong: those that no configuration of any run of any algorithm dominates on validation."
)
MEDIANS = "Lines: what half of an algorithm's runs reach in the two metrics of a panel."


def pairs_figure(
    study: Study, objective: str, data: str, members: Mapping[str, Members], known: Array, title: str
) -> Figure:
    """Draw the lower triangle of a matrix of metrics.

    Args:
        study: for the plan and the table "attainment".
        objective: its label.
        data: "valid" or "test".
        members: the configurations on the fronts of each algorithm.
        known: values (k, m) of the front that is known; k is 0 where none is.
        title: over all panels.
    """
    plan, planned = study.results.plan, study.results.plan.objective(objective)
    metrics, styles, size = planned.optimised, algorithm_styles(plan.algorithms), len(planned.optimised) - 1
    everything = np.concatenate([*(found.values for found in members.values()), known])
    scales = [metric_axis(metric, everything[:, place]) for place, metric in enumerate(metrics)]
    figure = begin_figure(
        layout_width(max(6.0, PANEL[0] * size + 0.9), 0.7 * PANEL[0] * size + 0.9), PANEL[1] * size + 1.3
    )
    set_title(figure, title)
    panels = figure.subplots(size, size, squeeze=False)
    medians = len(styles) <= MOST_MEDIANS
    for axes in panels.flat:
        axes.set_visible(False)
    for x, y in combinations(range(len(metrics)), 2):
        axes, (across, up) = panels[y - 1][x], (scales[x], scales[y])
        axes.set_visible(True)
        draw_known(axes, known[:, [x, y]], across, up)
        names = (metrics[x].name, metrics[y].name)
        surfaces = surfaces_of(study.tables["attainment"], planned, data, *names) if medians else {}
        for algorithm, found in members.items():
            _points(axes, found.values[:, [x, y]], found.strong, across, up, styles[algorithm])
            draw_median(axes, surfaces.get(algorithm, {}), across, up, styles[algorithm])
        across.set_horizontal(axes, data, PANEL[0] - 0.3)
        up.set_vertical(axes, data, PANEL[1])
        axes.label_outer()
    labels = {name: _label(name, members.get(name)) for name in styles}
    notes = (NOTE, MEDIANS if medians else "", reference_note(metrics))
    caption(figure, algorithm_handles(styles, labels) + known_handle(known), *notes, columns=3)
    return figure


def _points(axes: Axes, points: Array, strong: Array, across: MetricAxis, up: MetricAxis, look: Style) -> None:
    x, y = across.of(points[:, 0]), up.of(points[:, 1])
    for some, alpha, area in ((~strong, 0.25, 10.0), (strong, 0.9, 24.0)):
        axes.scatter(
            x[some], y[some], s=area, alpha=alpha, color=look.colour, marker=look.marker, linewidths=0,
            zorder=2.0 + alpha, rasterized=True,
        )  # fmt: skip


def _label(algorithm: str, members: Members | None) -> str:
    if members is None:
        return f"{algorithm}: no front"
    return f"{algorithm}: {int(members.strong.sum())} of {len(members.strong)} not dominated"
