"""What runs reported, what fresh trainings of the same configurations come to, and the noise floor."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.magnitude import magnitude_of
from analysis.figures.panels import caption, errors_of, name_horizontal, name_lanes
from analysis.figures.theme import INK, Style, algorithm_styles, begin_figure, layout_width, notice_figure, set_title
from analysis.loading.metric import Metric
from analysis.loading.results import Results
from analysis.statistics.anytime import Array

ERRORS = ("selected_valid_error", "selected_test_error", "fresh_valid_mean", "fresh_test_mean")
LANE = 0.32
"""Height of an algorithm's lane, in inches."""
APART = 0.16
"""How far the selected errors stand above the middle of a lane, and the fresh ones below it, in lanes."""
BAND = "#d9d9d9"


def recheck(results: Results, tables: Mapping[str, pd.DataFrame], objective: str) -> Figure | None:
    """Mean ± 1 std over runs of the selected and of the fresh errors; the noise floor from the best fresh mean on.

    Args:
        results: for the plan.
        tables: `recheck` and `noise`; what is drawn is what they say.
        objective: label of the objective.

    Returns:
        None where nothing was rechecked.
    """
    table = tables["recheck"]
    rows = table[table["objective"] == objective]
    again = rows[rows["k"] > 0]
    if again.empty:
        return None
    title = f"{objective}: selected and trained again ({results.plan.title})"
    [noise] = tables["noise"][tables["noise"]["objective"] == objective].to_dict("records")
    size = magnitude_of(*(again[column] for column in ERRORS), [noise["valid_sd"], noise["test_sd"]])
    again = again.assign(**{column: size.of(again[column]) for column in ERRORS})
    cells = {name: again[again["algorithm"] == name] for name in results.plan.algorithms}
    if not any(_values(cell, "fresh_valid_mean").size for cell in cells.values()):
        return notice_figure(title, "fresh trainings crashed: no algorithm has a defined mean")
    figure = begin_figure(layout_width(9.0, 6.0), 1.9 + LANE * len(cells))
    set_title(figure, title)
    styles = algorithm_styles(results.plan.algorithms)
    shown, metric = errors_of(results, objective), results.plan.objective(objective).metric
    for axes, panel in zip(figure.subplots(1, len(shown), sharey=True, squeeze=False)[0], shown, strict=True):
        _floor(axes, cells, panel, float(size.of([noise[f"{panel}_sd"]])[0]), metric)
        for place, (name, cell) in enumerate(cells.items()):
            _lane(axes, cell, panel, place, styles[name])
        name_horizontal(
            axes, size.label(f"{metric.title(panel)}, mean ± 1 std over runs{metric.direction}{metric.in_unit}")
        )
        axes.grid(visible=False, axis="y")
        axes.locator_params(axis="x", nbins=5)
    figure.axes[0].set_ylim(len(cells) - 0.5, -0.5)
    name_lanes(figure.axes[0], [_label(name, cell, rows) for name, cell in cells.items()])
    for axes in figure.axes:
        axes.tick_params(axis="y", length=0)
    caption(figure, _handles("greatest" if metric.maximised else "least"), _note(noise), columns=3)
    return figure


def _lane(axes: Axes, cell: pd.DataFrame, panel: str, place: int, look: Style) -> None:
    """Selected above, fresh below, and a line from mean to mean."""
    means = []
    for kind, side in (("selected", -APART), ("fresh", APART)):
        values = _values(cell, f"{kind}_{panel}_{'error' if kind == 'selected' else 'mean'}")
        if not values.size:
            continue
        means.append((values.mean(), place + side))
        filled = look.colour if kind == "fresh" else "white"
        drawn: dict[str, Any] = {"color": look.colour, "markerfacecolor": filled, "elinewidth": 1.0, "zorder": 3.0}
        std = values.std(ddof=1) if len(values) > 1 else 0.0
        axes.errorbar(*means[-1], xerr=std, fmt=look.marker, markersize=5.0, **drawn)
    axes.plot(*zip(*means, strict=True), color=look.colour, linewidth=1.0, zorder=2.0)


def _floor(axes: Axes, cells: Mapping[str, pd.DataFrame], panel: str, sd: float, metric: Metric) -> None:
    """From the best fresh mean to what is worse by one standard deviation of one configuration's trainings."""
    means = [values.mean() for cell in cells.values() if (values := _values(cell, f"fresh_{panel}_mean")).size]
    if means and math.isfinite(sd):
        best = metric.own(min(map(metric.own, means)))
        axes.axvspan(best, best + metric.own(sd), color=BAND, linewidth=0, zorder=0.0)


def _values(cell: pd.DataFrame, column: str) -> Array:
    """The errors of a cell; none where one of them is undefined, for then their mean is."""
    values = cell[column].to_numpy(dtype=np.float64)
    return values if np.isfinite(values).all() else values[:0]


def _label(name: str, cell: pd.DataFrame, rows: pd.DataFrame) -> str:
    of = int((rows["algorithm"] == name).sum())
    return name if len(cell) == of else f"{name} ({len(cell)} of {of})"


def _note(noise: Mapping[Any, Any]) -> str:
    """What the noise floor is of, and what came to nothing."""
    counts = f"{noise['n_configs']} configurations, {noise['k']} fresh seeds each"
    lost = [f"{noise[f'n_{word}']} {word}" for word in ("diverged", "crashed") if noise[f"n_{word}"]]
    sds = ", ".join(
        f"{name} {_shown(noise[f'{panel}_sd'])}" for panel, name in (("valid", "validation"), ("test", "test"))
    )
    return f"noise floor: sd of one configuration trained again: {sds} ({', '.join([counts, *lost])})"


def _shown(sd: float) -> str:
    return "undefined" if math.isnan(sd) else f"{sd:.2g}"


def _handles(best: str) -> list[Artist]:
    style: dict[str, Any] = {"color": INK, "marker": "o", "linestyle": "none", "markersize": 5.0}
    return [
        Line2D([], [], markerfacecolor="white", label="selected: as the runs report it", **style),
        Line2D([], [], label="fresh: mean over the fresh seeds", **style),
        Patch(color=BAND, label=f"one noise floor from the {best} fresh mean: ties"),
    ]
