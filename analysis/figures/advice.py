"""Which algorithm for which tasks and budget, and what following that advice costs on tasks that it has not seen."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis.figures.advice_regrets import draw_regrets, draw_turned_regrets, strategy_marks
from analysis.figures.advice_table import cells_height, draw_cells, draw_list, list_height
from analysis.figures.panels import caption
from analysis.figures.theme import begin_figure, current_page, layout_width, set_title

WIDTH, BELOW = 11.0, 2.4
"""Inches of the figure's width where it is for no page, and of the height of its lower panel."""
MARGIN = 0.12
"""Inches beside the list on a page."""
LANE = 0.38
"""Inches of a budget in the lower panel on a page."""


def advice(table: pd.DataFrame, held_out: pd.DataFrame, *, title: str, algorithms: Sequence[str]) -> Figure:
    """Draw the advice as a table of kinds of tasks and budgets, and below it the regrets of following it.

    On a page, whose letters keep their size, the table has a row for each budget, and regrets run to the right.

    Args:
        table: `advice.csv`.
        held_out: `advice_summary.csv`; may be empty.
        title: of the suite.
        algorithms: all of the suite, for their looks.
    """
    on_page = current_page() is not None
    wide, tested = layout_width(WIDTH), not held_out.empty
    high = list_height(table, wide - MARGIN) if on_page else cells_height(table)
    below = (LANE * (len(held_out) + 1.5) if on_page else BELOW) if tested else 0.0
    figure = begin_figure(wide, high + below + (1.2 if on_page else 1.9))
    set_title(figure, f"{title}: which algorithm for which tasks and budget")
    panels = _panels(figure, [high, below] if tested else [1.0], apart=on_page)
    if on_page:
        draw_list(panels[0], table, algorithms, wide - MARGIN)
    else:
        draw_cells(panels[0], table, algorithms)
    if tested:
        (draw_turned_regrets if on_page else draw_regrets)(panels[1], held_out)
    caption(figure, strategy_marks() if tested else [], _note(tested), columns=2)
    return figure


def _panels(figure: Figure, ratios: Sequence[float], *, apart: bool) -> list[Axes]:
    """One panel below the other; those apart need not begin below each other, so that either has the whole width."""
    if not apart:
        return list(figure.subplots(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0])
    return [part.subplots() for part in figure.subfigures(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]]


def _note(tested: bool) -> str:
    text = (
        "The algorithm of the best mean rank on tasks of a kind with the 95 % interval of that rank; not worse: so "
        "many others whose mean rank is not shown to be worse. "
    )
    if not tested:
        return text + "No task has a known best, so there are no regrets."
    return text + (
        "Below: one task at a time is left out, the advice is made from the others, and followed on it. Where it is "
        "not below the square, one algorithm for all tasks does as well."
    )
