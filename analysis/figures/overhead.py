"""Where the time went: deciding beside training, and what was charged beside what was paid."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from analysis.figures.magnitude import logarithmic_marks, logarithms
from analysis.figures.panels import caption, clock_note, lanes, name_lanes
from analysis.figures.theme import INK, MUTED, notice_figure
from analysis.loading.results import Results
from analysis.statistics.anytime import Array

BLUE, ORANGE = "#0173b2", "#de8f05"
PAIRS = {
    "deciding and training": (("decide_seconds", "deciding", ORANGE, "^"), ("train_seconds", "training", BLUE, "s")),
    "charged and paid": (("charged_seconds", "charged", INK, "o"), ("paid_seconds", "training paid", BLUE, "D")),
}
"""The panels: column, word, colour and marker of either end."""


SHOWN = (1e-30, 1e30)
"""Seconds that an axis shows; what is beyond lies on its edge."""


def overhead(results: Results, table: pd.DataFrame, objective: str) -> Figure:
    """Two panels with a lane for each algorithm: seconds per evaluation, on a logarithmic axis if any is above 0.

    Args:
        results: for the plan and its clock.
        table: from `analysis.tables.overhead.overhead_table`; measured seconds.
        objective: its label.
    """
    drawn = table[(table["objective"] == objective) & (table["n"] > 0)]
    title = f"{objective} ({results.plan.title}): where the time went"
    if drawn.empty:
        return notice_figure(title, "no evaluation yet")
    if drawn[["decide_seconds", "train_seconds"]].isna().all(axis=None):
        return notice_figure(title, "unknown: other tools do not record deciding and training apart")
    drawn = drawn.dropna(subset=["decide_seconds", "train_seconds"])
    figure, panels = lanes(len(drawn), title, columns=len(PAIRS))
    none = []
    for axes, (name, pair) in zip(panels, PAIRS.items(), strict=True):
        seconds = [drawn[column].to_numpy() / drawn["n"].to_numpy() for column, *_ in pair]
        seconds = [np.where(values > 0.0, np.clip(values, *SHOWN), 0.0) for values in seconds]
        _dumbbells(axes, seconds, [(colour, marker) for _, _, colour, marker in pair])
        axes.set_xlabel(f"{name}:\nseconds per evaluation")
        none += [bool((values <= 0.0).any()) for values in seconds]
    name_lanes(panels[0], [f"{row.algorithm} (n = {row.n})" for row in drawn.itertuples()])
    panels[1].grid(visible=False, axis="y")
    panels[1].tick_params(axis="y", length=0)
    _shares(panels[0], drawn)
    handles = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=5.5, label=word)
        for pair in PAIRS.values()
        for _, word, colour, marker in pair
    ]
    measured = "Deciding, training and paid seconds were measured"
    note = f"{measured}; charged ones are {results.plan.clock}. {clock_note(results)}"
    hollow = "Hollow marks on the left edge: no time at all, which a logarithmic axis cannot show." if any(none) else ""
    caption(figure, handles, hollow, "Right of a lane: the share of deciding in deciding + training.", note, columns=4)
    return figure


def _dumbbells(axes: Axes, seconds: list[Array], marks: list[tuple[str, str]]) -> None:
    """Two marks joined by a line in each lane; no time at all lies, hollow, on the left edge."""
    logs = [logarithms(values) for values in seconds]
    known = np.concatenate([values[np.isfinite(values)] for values in logs])
    left, right = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)
    edge, places = left - 0.3, np.arange(len(seconds[0]))
    ends = [np.where(np.isfinite(values), values, edge) for values in logs]
    axes.hlines(places, np.minimum(*ends), np.maximum(*ends), color="#c4c4c4", linewidth=1.6, zorder=1)
    for values, shown, (colour, marker) in zip(ends, logs, marks, strict=True):
        hollow = ~np.isfinite(shown)
        for some, face in ((~hollow, colour), (hollow, "white")):
            axes.plot(
                values[some], places[some], marker, color=face, markeredgecolor=colour, markersize=5.0,
                linestyle="none", zorder=3,
            )  # fmt: skip
    low, high = edge - 0.2, right + 0.3
    axes.set_xlim(low, high + 0.16 * (high - low))  # The room on the right is for `_shares`.
    if len(known):
        axes.set_xticks(*logarithmic_marks(left - 0.1, right + 0.1))
    else:
        axes.set_xticks([edge], ["0"])


def _shares(axes: Axes, drawn: pd.DataFrame) -> None:
    for place, share in enumerate(drawn["share"]):
        text = "-" if np.isnan(share) else f"{100 * share:.2g} %"
        axes.annotate(
            text,
            (0.99, place),
            xycoords=("axes fraction", "data"),
            ha="right",
            va="center",
            size="x-small",
            color=MUTED,
        )
