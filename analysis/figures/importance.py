"""Hyperparameter importance: the share of the error's variance that each hyperparameter explains alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis.figures.panels import caption, lanes, name_horizontal, name_lanes
from analysis.figures.theme import INK, MUTED, notice_figure
from analysis.loading.results import Results

COLOUR = "#0173b2"


def importance(results: Results, tables: Mapping[str, pd.DataFrame], objective: str) -> Figure:
    """A bar for each hyperparameter, the most important on top, with ± 1 std over the forests.

    Args:
        results: for the plan.
        tables: of which "importance" is drawn.
        objective: its label.
    """
    rows = tables["importance"][tables["importance"]["objective"] == objective]
    drawn = rows[rows["importance"].notna()]
    title = f"{objective} ({results.plan.title}): importance of hyperparameters"
    if drawn.empty:
        return notice_figure(
            title, "nothing to say: too few evaluations, all errors the same, or too many hyperparameters"
        )
    drawn = drawn.sort_values("importance", ascending=False, kind="stable")
    figure, [axes] = lanes(len(drawn), title, columns=1, width=7.0)
    places, shares = np.arange(len(drawn)), drawn["importance"].to_numpy()
    std = drawn["std"].to_numpy(dtype=np.float64)
    axes.barh(places, shares, height=0.66, color=COLOUR, alpha=0.85, linewidth=0)
    ends = shares + np.nan_to_num(std)
    if not np.isnan(std).all():
        axes.errorbar(shares, places, xerr=std, fmt="none", ecolor=INK, elinewidth=1.0, capsize=2.5)
    for place, (end, row) in enumerate(zip(ends, drawn.to_dict("records"), strict=True)):
        count = f" (n = {row['n']})" if row["given"] else ""
        text = f"{100 * row['importance']:.1f} %{count}"
        axes.annotate(text, (end, place), (5, 0), textcoords="offset points", va="center", size="small")
    name_lanes(axes, [_name(row) for row in drawn.to_dict("records")])
    axes.set_xlim(0.0, max(1.12 * float(ends.max()), 0.05) * 1.05)
    name_horizontal(
        axes, f"share of the variance of the {results.plan.objective(objective).metric.title('valid')}", 6.0
    )
    spread = (
        "± 1 std over forests of half of the repetitions each" if not np.isnan(std).all() else "one repetition: no std"
    )
    axes.spines["left"].set_color(MUTED)
    left_out = f" Left out: {len(rows) - len(drawn)} hyperparameters." if len(drawn) < len(rows) else ""
    caption(
        figure, [],
        f"Main effects by fANOVA on {drawn['n'].max()} distinct fully trained evaluations of all algorithms; {spread}. "
        f"What is missing to 100 % is interaction and noise.{left_out}",
    )  # fmt: skip
    return figure


def _name(row: Mapping[Any, Any]) -> str:
    return f"{row['hyperparameter']}" + (f" (where {row['given']})" if row["given"] else "")
