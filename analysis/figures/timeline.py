"""The workers' timeline: what every simulated worker trained, when, and where it waited."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.magnitude import magnitude_of
from analysis.figures.panels import caption, clock_note, lanes, name_lanes, runtime_label
from analysis.figures.theme import INK, MUTED, notice_figure
from analysis.loading.records import PRUNED
from analysis.loading.results import Results

NEW, PROMOTED = "#9cc5e3", "#0b4f7d"
"""Light and dark, so that they differ without colour too."""


def timeline(results: Results, tables: Mapping[str, pd.DataFrame], objective: str) -> Figure:
    """A lane for each worker of each algorithm in one repetition, with its share of the time that it trained.

    Args:
        results: for the plan and the numbers of workers.
        tables: of which "timeline" is drawn.
        objective: its label.
    """
    drawn = tables["timeline"][tables["timeline"]["objective"] == objective]
    title = f"{objective} ({results.plan.title}): what the workers did"
    if drawn.empty:
        return notice_figure(title, "no evaluation in this repetition")
    seconds = magnitude_of(drawn["start"], drawn["end"])
    drawn = drawn.assign(start=seconds.of(drawn["start"]), end=seconds.of(drawn["end"]))
    places = _places(results, drawn)
    figure, [axes] = lanes(len(places), title, columns=1)
    horizon = float(drawn["end"].max()) or 1.0
    for (algorithm, worker), place in places.items():
        mine = drawn[(drawn["algorithm"] == algorithm) & (drawn["worker"] == worker)]
        _lane(axes, mine, place)
        end = float(drawn.loc[drawn["algorithm"] == algorithm, "end"].max())
        share = f"{100 * (mine['end'] - mine['start']).sum() / end:.0f} %" if end > 0.0 else "-"
        axes.annotate(
            f"{share}, n = {len(mine)}", (1.005, place), xycoords=("axes fraction", "data"), va="center",
            size="x-small", color=MUTED, annotation_clip=False,
        )  # fmt: skip
    name_lanes(axes, [_name(results, algorithm, worker) for algorithm, worker in places])
    axes.set_xlim(0.0, horizon)
    axes.set_xlabel(runtime_label(results, seconds))
    repetition = int(drawn["repetition"].iloc[0])
    caption(
        figure, _legend(drawn),
        f"Repetition {repetition} of {results.plan.repetitions}. Right of a lane: the share of its algorithm's time "
        f"until the last result in which the worker trained, and its evaluations. {clock_note(results)}",
    )  # fmt: skip
    return figure


def _places(results: Results, drawn: pd.DataFrame) -> dict[tuple[str, int], int]:
    """The lane of every worker; those that a ledger shows beyond the plan's number too."""
    most = drawn.groupby("algorithm", observed=True)["worker"].max()
    keys = [
        (algorithm, worker)
        for algorithm in results.plan.algorithms
        for worker in range(max(results.algorithm_by_label[algorithm].n_workers, int(most.get(algorithm, 0)) + 1))
    ]
    return {key: place for place, key in enumerate(keys)}


def _lane(axes: Axes, mine: pd.DataFrame, place: int) -> None:
    first = mine["start_epoch"] == 0
    for some, colour in ((mine[first], NEW), (mine[~first], PROMOTED)):
        spans = list(zip(some["start"], some["end"] - some["start"], strict=True))
        axes.broken_barh(spans, (place - 0.36, 0.72), facecolor=colour, edgecolor="white", linewidth=0.4)
    bad = mine[mine["state"] != "ok"]
    if len(bad):  # An empty line that is not clipped would claim the figure's lower left corner.
        axes.plot(bad["end"], [place] * len(bad), "x", color=INK, markersize=4.5, clip_on=False)


def _name(results: Results, algorithm: str, worker: int) -> str:
    workers = results.algorithm_by_label[algorithm].n_workers
    if worker >= workers and results.plan.imported is None:
        return f"{algorithm}, not planned: {worker}"
    return algorithm if worker == 0 and workers == 1 else f"{algorithm}, worker {worker}"


def _legend(drawn: pd.DataFrame) -> list[Patch | Line2D]:
    handles: list[Patch | Line2D] = [Patch(color=NEW, label="a new trial, or one from its start")]
    if (drawn["start_epoch"] > 0).any():
        handles.append(Patch(color=PROMOTED, label="a trial trained further"))
    if (drawn["state"] != "ok").any():
        pruned = ", pruned" if (drawn["state"] == PRUNED).any() else ""
        label = f"diverged, crashed{pruned} or timed out"
        handles.append(Line2D([], [], color=INK, marker="x", linestyle="none", label=label))
    return handles
