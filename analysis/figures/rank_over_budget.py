"""Mean ranks over many tasks by how much of the budget is spent."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis.explanations import explain_many_tasks
from analysis.figures.lines import ACROSS, lines, name_lines, panel
from analysis.figures.panels import name_horizontal
from analysis.figures.theme import algorithm_styles

MOST_BANDS = 6
"""Algorithms up to which their intervals are drawn; bands of more hide the lines."""


def rank_over_budget(table: pd.DataFrame, *, title: str, algorithms: Sequence[str], paired: bool = True) -> Figure:
    """Draw the mean rank of every algorithm over the share of the budget, the best on top.

    Args:
        table: `rank_over_budget.csv`.
        title: of the suite.
        algorithms: all of the suite, for their looks.
        paired: whether the same repetition of two algorithms is a pair.
    """
    figure, axes = panel(f"{title}: mean ranks over the budget")
    entries = lines(axes, table, "fraction", "mean_rank", algorithms, steps=False, rising=False)
    looks = algorithm_styles(algorithms)
    drawn = pd.unique(table["algorithm"])
    if len(drawn) <= MOST_BANDS:
        for name, rows in table.groupby("algorithm", sort=False):
            colour = looks[str(name)].colour
            axes.fill_between(rows["fraction"], rows["low"], rows["high"], color=colour, alpha=0.12, linewidth=0)
    low, high = axes.get_ylim()
    axes.set_ylim(high, low)
    shares = [0.0, 0.25, 0.5, 0.75, 1.0]
    axes.set_xticks(shares, [f"{100 * share:g} %" for share in shares])
    axes.set_xlim(0.0, 1.01)
    name_horizontal(axes, "share of the budget that is spent", ACROSS)
    axes.set_ylabel("mean rank (less is better)")
    bands = "Bands: 95 %, tasks and repetitions resampled." if len(drawn) <= MOST_BANDS else ""
    ordered = "Names are ordered by where the lines end."
    name_lines(figure, entries, f"{explain_many_tasks('rank_over_budget', paired=paired)} {ordered} {bands}")
    return figure
