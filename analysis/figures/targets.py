"""Time to target: the share of runs that have become as good as the control became."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.magnitude import Magnitude, magnitude_of
from analysis.figures.panels import (
    across,
    caption,
    clock_note,
    error_of,
    finished,
    grid,
    heads,
    of_chosen,
    runtime_label,
)
from analysis.figures.theme import INK, Style, algorithm_styles, notice_figure
from analysis.loading.metric import Metric
from analysis.loading.results import Results
from analysis.statistics.anytime import Array, Curve
from analysis.statistics.targets import Attempts, attempts, survival

LAST = 2
"""Targets drawn, the last ones of the table: the hardest that the control reached, or the suite's own."""
GREY = "#9a9a9a"
MANY, COLUMNS_OF_MANY = 9, 5
"""From more algorithms on each has a panel of its own, with both targets and the control's lines in grey."""
NOTE = (
    "Kaplan-Meier: a run that ended without the target counts as unknown from its end on, a failed one as never. "
    "Behind each name: runs that reached either target, of those finished."
)


def targets(results: Results, tables: Mapping[str, pd.DataFrame], objective: str) -> Figure:
    """A panel for each of the last two targets, a step line for each algorithm (Kaplan-Meier).

    Args:
        results: for the runs.
        tables: of which "targets" says which targets there are.
        objective: its label.
    """
    error, metric = error_of(results, objective), results.plan.objective(objective).metric
    table = tables["targets"]
    mine = table[(table["objective"] == objective) & (table["axis"] == "runtime") & (table["error"] == error)]
    wanted = mine[["target", "source"]].drop_duplicates().tail(LAST)
    title = f"{objective} ({results.plan.title}): runs that reached a target"
    if wanted.empty:
        return notice_figure(
            title, f"no target: {finished(results, objective)}, and {results.plan.control} has no mean"
        )
    if len(results.plan.algorithms) > MANY:
        return _many(results, objective, list(wanted.itertuples(index=False)), title)
    figure, panels = grid(len(wanted), title, columns=LAST, panel=(4.4, 3.0))
    styles = algorithm_styles(results.plan.algorithms)
    counts: dict[str, list[int]] = {name: [] for name in results.plan.algorithms}
    totals = {algorithm: _curves(results, objective, algorithm) for algorithm in styles}
    seconds = magnitude_of(*(curve.t for curves in totals.values() for curve in curves))
    for axes, (value, _) in zip(panels, wanted.itertuples(index=False), strict=True):
        for place, (algorithm, look) in enumerate(styles.items()):
            runs = attempts(totals[algorithm], metric.own(float(value)), error)
            _line(axes, runs, look, place, seconds)
            counts[algorithm].append(int(runs.success.sum()))
        axes.set_xlabel(runtime_label(results, seconds))
    heads(figure, panels, [_name(metric, error, *row) for row in wanted.itertuples(index=False)])
    panels[0].set_ylim(-0.03, 1.03)
    panels[0].set_xlim(left=0.0)
    panels[0].set_ylabel("share of runs")
    labels = [f"{name}: {', '.join(map(str, counts[name]))} of {len(totals[name])}" for name in styles]
    handles = [
        Line2D([], [], color=look.colour, marker=look.marker, markeredgecolor="white", linewidth=1.6, label=label)
        for look, label in zip(styles.values(), labels, strict=True)
    ]
    caption(figure, handles, NOTE, clock_note(results))
    return figure


def _curves(results: Results, objective: str, algorithm: str) -> list[Curve]:
    runs = next(runs for label, name, runs in results.cells() if (label, name) == (objective, algorithm))
    return results.curves([run for run in runs if run.aggregated], "runtime")


def _many(results: Results, objective: str, wanted: list[tuple[float, str]], title: str) -> Figure:
    """A panel for each algorithm: the last target solid, the one before it dashed."""
    algorithms, error = results.plan.algorithms, error_of(results, objective)
    metric = results.plan.objective(objective).metric
    figure, panels = grid(len(algorithms), title, columns=COLUMNS_OF_MANY, panel=(2.2, 1.6))
    curves = {name: _curves(results, objective, name) for name in algorithms}
    seconds = magnitude_of(*(curve.t for runs in curves.values() for curve in runs))
    reached = {
        name: [attempts(runs, metric.own(float(value)), error) for value, _ in wanted] for name, runs in curves.items()
    }
    dashes = [(0.0, (3.0, 1.2)), (0.0, ())][-len(wanted) :]
    for axes, (algorithm, look) in zip(panels, algorithm_styles(algorithms).items(), strict=True):
        for name, colour, width in ((results.plan.control, GREY, 0.9), (algorithm, look.colour, 1.6)):
            for runs, dash in zip(reached[name], dashes, strict=True):
                if len(runs.reached):
                    t, share = steps(runs)
                    axes.step(seconds.of(t), share, where="post", color=colour, linewidth=width, linestyle=dash)
    counts = {name: ", ".join(str(int(runs.success.sum())) for runs in reached[name]) for name in algorithms}
    heads(figure, panels, [f"{name}: {counts[name]} of {len(reached[name][0].reached)}" for name in algorithms])
    panels[0].set_ylim(-0.03, 1.03)
    panels[0].set_xlim(left=0.0)
    for axes in panels[-across(panels) :]:
        axes.set_xlabel(runtime_label(results, seconds))
    figure.supylabel("share of runs", fontsize="medium")
    handles = [
        Line2D([], [], color=INK, linestyle=dash, label=_name(metric, error, value, source))
        for (value, source), dash in zip(wanted, dashes, strict=True)
    ]
    handles.append(Line2D([], [], color=GREY, linewidth=0.9, label=f"those of {results.plan.control}"))
    caption(figure, handles, NOTE, clock_note(results), columns=2)
    return figure


def _name(metric: Metric, error: str, value: float, source: str) -> str:
    """A target in words: `test accuracy of the validation incumbent ≥ 93.5 % (random at 75%)`."""
    reached = f"{'≥' if metric.maximised else '≤'} {value:.4g}" + (f" {metric.unit}" if metric.unit else "")
    return f"{metric.title(error)}{of_chosen(metric, error)} {reached} ({source})"


def _line(axes: Axes, runs: Attempts, look: Style, place: int, seconds: Magnitude) -> None:
    if not len(runs.reached):
        return
    t, share = steps(runs)
    axes.step(
        seconds.of(t), share, where="post", color=look.colour, linewidth=1.6, marker=look.marker, markersize=5.0,
        markeredgecolor="white", markevery=(0.03 * (place % 6), 0.2), zorder=3.0,
    )  # fmt: skip


def steps(runs: Attempts) -> tuple[Array, Array]:
    """The Kaplan-Meier share of runs that reached the target, from 0 to the last time that is known.

    Returns:
        Times, the first of them 0, and the share from each on.
    """
    found = survival(runs)
    last = float(np.minimum(runs.reached, runs.penalised).max())
    share = np.array([0.0, *(float(1 - share) for share in found.shares)])
    return np.concatenate([[0.0], found.t, [last]]), np.append(share, share[-1])
