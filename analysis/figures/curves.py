"""Learning curves: validation error or metric after every epoch of every trial of one repetition."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from analysis.figures.magnitude import magnitude_of, span
from analysis.figures.panels import across, caption, grid, heads, name_vertical
from analysis.figures.theme import INK, MUTED, Style, algorithm_styles, notice_figure
from analysis.loading.results import Results

COLUMNS = 5
PANEL = (2.3, 1.9)
"""Width and height of a panel in inches."""


def curves(results: Results, tables: Mapping[str, pd.DataFrame], objective: str) -> Figure:
    """A panel for each algorithm with a line for each trial; the incumbent's is dark, with its test error dashed.

    Args:
        results: for the plan and the number of trials.
        tables: of which "curves" is drawn.
        objective: its label.
    """
    drawn = tables["curves"][tables["curves"]["objective"] == objective]
    size = magnitude_of(drawn["valid_error"], drawn["test_error"])
    drawn = drawn.assign(valid_error=size.of(drawn["valid_error"]), test_error=size.of(drawn["test_error"]))
    title = f"{objective} ({results.plan.title}): learning curves"
    if drawn.empty:
        return notice_figure(title, "no learning curve is recorded in this repetition")
    repetition = int(drawn["repetition"].iloc[0])
    algorithms = results.plan.algorithms
    figure, panels = grid(len(algorithms), title, columns=min(COLUMNS, len(algorithms)), panel=PANEL)
    titles = []
    for axes, (algorithm, look) in zip(panels, algorithm_styles(algorithms).items(), strict=True):
        mine = drawn[drawn["algorithm"] == algorithm]
        _panel(axes, mine, look)
        titles.append(f"{algorithm}: {_told(results, objective, algorithm, repetition, mine)}")
    heads(figure, panels, titles)
    panels[0].set_xlim(0.5, max(float(drawn["epoch"].max()), 1.0) + 0.5)
    panels[0].xaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
    _limit(panels[0], drawn)
    for axes in panels[-across(panels) :]:  # The lowest of each column.
        axes.set_xlabel("epochs")
    metric = results.plan.objective(objective).metric
    name_vertical(figure, size.label(f"{metric.name}{metric.direction}{metric.in_unit}"), PANEL[1])
    caption(
        figure,
        _legend(metric.name, has_test=results.has_test(objective)),
        f"Repetition {repetition} of {results.plan.repetitions}; a circle: a trial of a single epoch.",
    )
    return figure


def _panel(axes: Axes, mine: pd.DataFrame, look: Style) -> None:
    trials = [
        (trial["epoch"].to_numpy(), trial["valid_error"].to_numpy(), trial["test_error"].to_numpy(), best)
        for (best, _), trial in mine.groupby(["incumbent", "trial"], sort=True)
    ]
    lines = [list(zip(epochs, valid, strict=True)) for epochs, valid, _, best in trials if not best and len(epochs) > 1]
    axes.add_collection(LineCollection(lines, colors=look.colour, linewidths=0.7, alpha=0.5))
    single = mine[~mine["incumbent"] & (mine.groupby("trial")["epoch"].transform("size") == 1)]
    axes.plot(
        single["epoch"], single["valid_error"], "o", markersize=2.5, markerfacecolor="none",
        markeredgecolor=look.colour, markeredgewidth=0.5,
    )  # fmt: skip
    for epochs, valid, test, best in trials:
        if best:
            axes.plot(epochs, test, color=INK, linewidth=1.1, linestyle=(0, (3, 1.5)))
            axes.plot(epochs, valid, color=INK, linewidth=1.6, marker="o" if len(epochs) == 1 else "", markersize=4)


def _limit(axes: Axes, drawn: pd.DataFrame) -> None:
    errors = drawn[["valid_error", "test_error"]].to_numpy()
    known = errors[np.isfinite(errors)]
    if len(known):
        axes.set_ylim(*span(float(known.min()), float(known.max()), 0.04))


def _told(results: Results, objective: str, algorithm: str, repetition: int, mine: pd.DataFrame) -> str:
    """How many trials the run has, and how many of them a curve."""
    run = next(
        run
        for run in results.runs
        if (run.objective, run.algorithm, run.repetition) == (objective, algorithm, repetition)
    )
    n_trials, n_curves = results.evaluations.iloc[run.rows]["trial"].nunique(), mine["trial"].nunique()
    count = f"{n_trials} trials" if n_curves == n_trials else f"{n_curves} of {n_trials} trials"
    return count if run.state == "done" else f"{run.state}, {count}"


def _legend(name: str, *, has_test: bool) -> list[Line2D]:
    lines = [
        Line2D([], [], color=MUTED, linewidth=0.8, alpha=0.7, label=f"validation {name} of a trial"),
        Line2D([], [], color=INK, linewidth=1.6, label="of the final incumbent"),
        Line2D([], [], color=INK, linewidth=1.1, linestyle=(0, (3, 1.5)), label=f"its test {name}"),
    ]
    return lines if has_test else lines[:-1]
