"""The critical-difference diagram: mean ranks over objectives, and which of them do not differ."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.labels import SMALL, fit_all, height
from analysis.figures.panels import caption
from analysis.figures.theme import INK, begin_figure, current_page, layout_width, set_title
from analysis.loading.results import Results
from analysis.many_tasks.friedman import ALPHA, friedman
from analysis.statistics.summaries import quartiles
from analysis.tables.endpoints import finals, sign

FEWEST = 5
"""Objectives below which there is no diagram.

Objectives are the blocks, never repetitions of one, which would shrink the critical difference at will.
Demsar (2006), "Statistical Comparisons of Classifiers over Multiple Data Sets", section 3.2.2, wants more than 10
of them for Friedman's test; with fewer than 5 hardly any difference could be found.
"""
ENOUGH = 10
"""Demsar's number: up to so many the diagram says that they are few."""
RANK, DIAGRAM = 0.45, 1.0
"""Inches of a rank behind a name, and of the diagram between the names on a page."""
ROOM, LINES = 2.3, 3
"""Room for a name beside the diagram in inches, and lines that it may have."""


def critical(results: Results) -> Figure | None:
    """Mean ranks of the algorithms' medians over objectives, bars over those that Nemenyi's test does not tell apart.

    A block is an objective on which every algorithm has a finished run; its values are the medians over
    finished runs of the suite's endpoint, failed runs +inf, ties sharing their mean rank. None with fewer than
    `FEWEST` blocks or a single algorithm.
    """
    blocks = _blocks(results)
    if len(blocks) < FEWEST or len(blocks.columns) < 2:
        return None
    from scikit_posthocs import critical_difference_diagram

    test = friedman(blocks.to_numpy(dtype=np.float64))
    page = current_page()
    room = ROOM if page is None else min(ROOM, (page.room - DIAGRAM) / 2 - RANK)
    names = fit_all([str(name) for name in blocks.columns], room, SMALL, LINES)
    apart = pd.DataFrame(test.p_nemenyi, index=names, columns=names)
    each = max(0.2, 0.85 * height(names, SMALL) + 0.05)
    figure = begin_figure(layout_width(9.0), 1.9 + each * len(names))
    set_title(figure, f"{results.plan.title}: mean ranks over {len(blocks)} objectives")
    axes = figure.subplots()
    axes.grid(visible=False)
    drawn = critical_difference_diagram(
        pd.Series(test.mean_ranks, index=names), apart, alpha=ALPHA, ax=axes,
        label_props={"fontsize": "small", "parse_math": False},
        elbow_props={"color": INK, "linewidth": 0.8}, marker_props={"color": INK, "s": 18},
        crossbar_props={"color": INK, "linewidth": 2.5}, label_fmt_left="{label} ({rank:.2f})",
        label_fmt_right="({rank:.2f}) {label}",
    )  # fmt: skip
    for (bar,) in drawn["crossbars"]:  # Its points come in the order of a set, which differs between processes.
        bar.set_xdata(np.sort(bar.get_xdata()))
    caption(figure, [], _note(results, len(blocks)))
    return figure


def _blocks(results: Results) -> pd.DataFrame:
    """Objectives x algorithms: medians over finished runs, less is better; objectives with all algorithms only."""
    endpoints = {objective.label: results.endpoint_of(objective.label) for objective in results.plan.objectives}
    medians = {
        label: _medians(finals(results, label, endpoint) * sign(endpoint)) for label, endpoint in endpoints.items()
    }
    return pd.DataFrame.from_dict(medians, orient="index", columns=list(results.plan.algorithms)).dropna()


def _medians(values: pd.DataFrame) -> list[float]:
    """By the middle values' mean, where +inf and a number make +inf; NaN without any finished run."""
    return [float(quartiles(column.dropna().to_numpy()[np.newaxis])[1][0]) for _, column in values.items()]


def _note(results: Results, blocks: int) -> str:
    plan = results.plan
    endpoint = plan.endpoint_text if plan.declares_metrics else plan.endpoint
    few = f" {ENOUGH} objectives or fewer: an approximation (Demsar 2006)." if blocks <= ENOUGH else ""
    return (
        f"Less is better. Ranks of medians ({endpoint}) on {blocks} of {len(plan.objectives)} "
        f"objectives. Algorithms under one bar do not differ by Nemenyi's test at {100 * ALPHA:g} %; its verdict "
        f"on two depends on the others, the table of pairs does not.{few}"
    )
