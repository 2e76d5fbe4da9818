"""How far from the constraints: the least violation so far, until runs have their first feasible trial."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.magnitude import magnitude_of, span
from analysis.figures.panels import across, caption, clock_note, finished, grid, heads, name_vertical, runtime_label
from analysis.figures.theme import INK, Style, algorithm_styles, notice_figure
from analysis.loading.plan import Objective
from analysis.loading.results import Results
from analysis.value_format import pair_texts

COLUMNS, PANEL = 3, (3.0, 2.3)
MANY, COLUMNS_OF_MANY, PANEL_OF_MANY = 9, 5, (2.3, 1.8)
"""From more panels on they are smaller."""
QUARTILES = ("violation_q25", "violation_median", "violation_q75")
NOTE = (
    "Of the least-violating trial so far, 0 from the first feasible one on; begun when all runs have a result that was "
    "measured. Behind each name: runs with a feasible trial, of those finished."
)


def violation(results: Results, tables: Mapping[str, pd.DataFrame], objective: str) -> Figure:
    """A panel for each algorithm: median and quartiles over runs of the least violation so far, over runtime.

    Args:
        results: for the plan.
        tables: of which "feasibility" is drawn.
        objective: the label of one with constraints.
    """
    plan, planned = results.plan, results.plan.objective(objective)
    table = tables["feasibility"]
    drawn = table[(table["objective"] == objective) & (table["axis"] == "runtime")]
    title = f"{objective} ({plan.title}): violation of {bounds_text(planned)}"
    if drawn.empty:
        return notice_figure(title, f"no finished run yet: {finished(results, objective)}")
    seconds = magnitude_of(drawn["t"])
    known = drawn[list(QUARTILES)].replace(np.inf, np.nan)
    size = magnitude_of(*(known[name] for name in QUARTILES))
    drawn = drawn.assign(t=seconds.of(drawn["t"]), **{name: size.of(known[name]) for name in QUARTILES})
    many = len(plan.algorithms) > MANY
    columns, panel = (COLUMNS_OF_MANY, PANEL_OF_MANY) if many else (COLUMNS, PANEL)
    figure, panels = grid(len(plan.algorithms), title, columns=columns, panel=panel)
    for axes, (algorithm, look) in zip(panels, algorithm_styles(plan.algorithms).items(), strict=True):
        _panel(axes, drawn[drawn["algorithm"] == algorithm], look)
    heads(figure, panels, [f"{name}: {_feasible(drawn[drawn['algorithm'] == name])}" for name in plan.algorithms])
    most = float(np.nanmax([0.0, *drawn[list(QUARTILES)].to_numpy().ravel()]))
    panels[0].set_ylim(*span(0.0, most))
    panels[0].set_xlim(0.0, float(drawn["t"].max()) or 1.0)
    for axes in panels[-across(panels) :]:
        axes.set_xlabel(runtime_label(results, seconds))
    units = {metric.in_unit for metric in planned.metrics if metric.name in _constrained(planned)}
    label = f"least violation so far{units.pop() if len(units) == 1 else ''}"
    name_vertical(figure, size.label(label), figure.get_figheight() - 0.6)
    summed = "The sum of what lies beyond each bound, in its metric's unit." if len(_constrained(planned)) > 1 else ""
    caption(figure, _legend(), NOTE, summed, clock_note(results), columns=3)
    return figure


def bounds_text(objective: Objective) -> str:
    """Write the constraints of an objective: `latency ≤ 5 ms, 0.9 ≤ accuracy`."""
    units = {metric.name: metric.unit for metric in objective.metrics}
    return ", ".join(
        "".join(
            [
                "" if bound.lower is None else f"{pair_texts(bound.lower, 0.0)[0]} ≤ ",
                bound.metric,
                "" if bound.upper is None else f" ≤ {pair_texts(bound.upper, 0.0)[0]}",
                f" {units[bound.metric]}" if units[bound.metric] else "",
            ]
        )
        for bound in objective.constraints
    )


def _constrained(objective: Objective) -> Sequence[str]:
    return [bound.metric for bound in objective.constraints]


def _feasible(rows: pd.DataFrame) -> str:
    return f"{int(rows['n_feasible'].max())} of {int(rows['n_runs'].iloc[0])}" if len(rows) else "no finished run"


def _panel(axes: Axes, rows: pd.DataFrame, look: Style) -> None:
    t, low, middle, high = (rows[name].to_numpy(dtype=np.float64) for name in ("t", *QUARTILES))
    axes.fill_between(t, low, high, step="post", color=look.colour, alpha=0.2, linewidth=0)
    for edge in (low, high):
        axes.step(t, edge, where="post", color=look.colour, linewidth=0.8, linestyle=look.dashed)
    axes.step(t, middle, where="post", color=look.colour, linewidth=1.8)


def _legend() -> list[Artist]:
    return [
        Line2D([], [], color=INK, linewidth=1.8, label="median over runs"),
        Patch(color=INK, alpha=0.2, linewidth=0, label="quartiles"),
    ]
