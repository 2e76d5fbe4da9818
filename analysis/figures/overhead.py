"""Where the time went: deciding beside training, and what was charged beside what was paid."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullFormatter

from analysis.figures.panels import caption, clock_note, lanes, name_lanes
from analysis.figures.theme import INK, MUTED, notice_figure
from analysis.loading.results import Results
from analysis.statistics.anytime import Array

SHORT = 100.0
"""Ratio of the ends of an axis up to which its numbers are 1, 2 and 5, not powers of ten alone."""
BLUE, ORANGE = "#0173b2", "#de8f05"
PAIRS = {
    "deciding and training": (("decide_seconds", "deciding", ORANGE, "^"), ("train_seconds", "training", BLUE, "s")),
    "charged and paid": (("charged_seconds", "charged", INK, "o"), ("paid_seconds", "training paid", BLUE, "D")),
}
"""The panels: column, word, colour and marker of either end."""


SHOWN = (1e-30, 1e30)
"""Seconds that an axis shows; what is beyond lies on its edge."""


def overhead(results: Results, table: pd.DataFrame, objective: str) -> Figure:
    """Two panels with a lane for each algorithm: seconds per evaluation, on a logarithmic axis.

    Args:
        results: for the plan and its clock.
        table: from `analysis.tables.overhead.overhead_table`; measured seconds.
        objective: its label.
    """
    drawn = table[(table["objective"] == objective) & (table["n"] > 0)]
    title = f"{objective} ({results.plan.title}): where the time went"
    if drawn.empty:
        return notice_figure(title, "no evaluation yet")
    figure, panels = lanes(len(drawn), title, columns=len(PAIRS))
    for axes, (name, pair) in zip(panels, PAIRS.items(), strict=True):
        seconds = [drawn[column].to_numpy() / drawn["n"].to_numpy() for column, *_ in pair]
        seconds = [np.where(values > 0.0, np.clip(values, *SHOWN), 0.0) for values in seconds]
        _dumbbells(axes, seconds, [(colour, marker) for _, _, colour, marker in pair])
        axes.set_xlabel(f"{name}: seconds per evaluation")
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
    caption(figure, handles, "Right of a lane: the share of deciding in deciding + training.", note, columns=4)
    return figure


def _dumbbells(axes: Axes, seconds: list[Array], marks: list[tuple[str, str]]) -> None:
    """Two marks joined by a line in each lane; no time at all lies, hollow, on the left edge."""
    known = np.concatenate([values[values > 0.0] for values in seconds])
    least = 0.5 * float(known.min()) if len(known) else 1e-3
    axes.set_xscale("log")
    places = np.arange(len(seconds[0]))
    low, high = (np.maximum(values, least) for values in seconds)
    axes.hlines(places, np.minimum(low, high), np.maximum(low, high), color="#c4c4c4", linewidth=1.6, zorder=1)
    for values, (colour, marker) in zip(seconds, marks, strict=True):
        hollow = values <= 0.0
        for some, face in ((~hollow, colour), (hollow, "white")):
            axes.plot(
                np.maximum(values, least)[some], places[some], marker, color=face, markeredgecolor=colour,
                markersize=5.0, linestyle="none", zorder=3,
            )  # fmt: skip
    axes.set_xlim(0.6 * least, 2.0 * float(max(low.max(), high.max())))
    if axes.get_xlim()[1] < SHORT * axes.get_xlim()[0]:
        axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
        axes.xaxis.set_major_formatter("{x:g}")
        axes.xaxis.set_minor_formatter(NullFormatter())


def _shares(axes: Axes, drawn: pd.DataFrame) -> None:
    low, high = axes.get_xlim()
    axes.set_xlim(low, high * (high / low) ** 0.16)
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
