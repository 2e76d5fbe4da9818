"""Who is ahead of the control, and from when to when: differences of incumbents with their band."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from analysis.figures.labels import MEDIUM, width
from analysis.figures.magnitude import Magnitude, Window, magnitude_of, span
from analysis.figures.panels import (
    across,
    caption,
    clock_note,
    error_of,
    finished,
    grid,
    heads,
    name_vertical,
    of_chosen,
    runtime_label,
)
from analysis.figures.theme import INK, MUTED, Style, algorithm_styles, notice_figure
from analysis.loading.results import Results

COLUMNS = 3
MANY, COLUMNS_OF_MANY = 9, 5
"""From so many panels on they are smaller."""
SETTLED = 0.2
"""Share of the time after which the difference is drawn in full; before, it may be many times as large."""
ROOM = 2.8
"""Room for the label of the axis in inches; where it has none for the unit too, the title has it."""
CLAIMS = 0.16
"""Room for claims below a panel, as a share of its height."""
VALUES = ("mean", "lo", "hi")
BETTER, WORSE = "#0b4f7d", "#e0a35c"
"""Dark and light, so that claims differ without colour too; the one is hatched besides."""


def difference(results: Results, tables: Mapping[str, pd.DataFrame], objective: str) -> Figure | None:
    """A panel for each algorithm: its mean difference from the control over runtime, band, and claims below.

    Args:
        results: for the plan.
        tables: of which "differences" and "claims" are drawn.
        objective: its label.

    Returns:
        None for a suite of one algorithm.
    """
    plan, error = results.plan, error_of(results, objective)
    others = [algorithm for algorithm in plan.algorithms if algorithm != plan.control]
    if not others:
        return None
    drawn, claimed = (_against(tables[name], objective, error, plan.control) for name in ("differences", "claims"))
    metric = plan.objective(objective).metric
    label = f"mean difference ({'above' if metric.maximised else 'below'} 0: better)"
    on_axis = width(label + metric.in_unit, MEDIUM) <= ROOM
    what = f"{metric.title(error)}{of_chosen(metric, error)}"
    title = f"{objective} ({plan.title}): {what}, difference from {plan.control}"
    title += "" if on_axis else metric.in_unit
    if not drawn["mean"].notna().any():
        return notice_figure(title, f"no two algorithms are ever defined in all runs: {finished(results, objective)}")
    seconds = magnitude_of(drawn["t"])
    drawn, values, told = _shown(drawn.assign(t=seconds.of(drawn["t"])))
    claimed = claimed.assign(start=seconds.of(claimed["start"]), end=seconds.of(claimed["end"]))
    many = len(others) > MANY
    columns, panel = (COLUMNS_OF_MANY, (2.3, 1.8)) if many else (2 if len(others) == 4 else COLUMNS, (3.0, 2.3))
    figure, panels = grid(len(others), title, columns=columns, panel=panel)
    styles = algorithm_styles(plan.algorithms)
    low, high = values.low, values.high
    panels[0].set_ylim(low - CLAIMS * (high - low), high)
    for axes, algorithm in zip(panels, others, strict=True):
        _panel(axes, drawn[drawn["a"] == algorithm], styles[algorithm])
        _claims(axes, claimed[claimed["a"] == algorithm], algorithm)
    heads(figure, panels, [f"{other}: {_told(results, drawn[drawn['a'] == other])}" for other in others])
    panels[0].set_xlim(0.0, float(drawn["t"].max()) or 1.0)
    for axes in panels[-across(panels) :]:
        axes.set_xlabel(runtime_label(results, seconds))
    label += metric.in_unit if on_axis else ""
    name_vertical(figure, values.size.label(label), figure.get_figheight() - 0.6)
    note = _note(metric.name, plan.control, drawn, paired=plan.paired)
    caption(figure, _legend(plan.control), note, told, clock_note(results), columns=3)
    return figure


def _against(table: pd.DataFrame, objective: str, error: str, control: str) -> pd.DataFrame:
    mine = (table["objective"] == objective) & (table["axis"] == "runtime") & (table["error"] == error)
    return table[mine & (table["b"] == control)]


def _shown(drawn: pd.DataFrame) -> tuple[pd.DataFrame, Window, str]:
    """Scale the differences by what comes after the first fifth, and say so where more is cut off.

    Returns:
        The rows in the units of the axis, its ends, and the words.
    """
    late = drawn["t"] >= SETTLED * drawn["t"].max()
    size = magnitude_of(*(drawn.loc[late, name] for name in VALUES))
    low, high = span(*_span(drawn[late], size), 0.06)
    shown = Window(size=size, low=low, high=high)
    with np.errstate(over="ignore"):  # Early differences may be beyond all units of the late ones.
        early = _span(drawn[~late], size)
    rows = drawn.assign(**{name: shown.of(drawn[name]) for name in VALUES})
    if early[0] >= low and early[1] <= high:
        return rows, shown, ""
    own = magnitude_of(*(drawn.loc[~late, name] for name in VALUES))
    ends = own.label("{:.3g} to {:.3g}".format(*_span(drawn[~late], own)))
    return rows, shown, f"Axis cut: within the first fifth of the time, differences and bands span {ends}."


def _span(rows: pd.DataFrame, size: Magnitude) -> tuple[float, float]:
    numbers = np.concatenate([size.of(rows[name]) for name in VALUES])
    known = np.append(numbers[~np.isnan(numbers)], 0.0)
    return float(known.min()), float(known.max())


def _panel(axes: Axes, rows: pd.DataFrame, look: Style) -> None:
    t, mean, lo, hi = (rows[name].to_numpy(dtype=np.float64) for name in ("t", "mean", "lo", "hi"))
    axes.axhline(0.0, color=MUTED, linewidth=0.9, linestyle=":")
    axes.fill_between(t, lo, hi, step="post", color=look.colour, alpha=0.18, linewidth=0)
    for edge in (lo, hi):
        axes.step(t, edge, where="post", color=look.colour, linewidth=0.8, linestyle=look.dashed)
    axes.step(t, mean, where="post", color=look.colour, linewidth=1.8)


def _claims(axes: Axes, claimed: pd.DataFrame, algorithm: str) -> None:
    """Bars along the lower edge of the panel over the stretches of time that the band decides."""
    for claim in claimed.to_dict("records"):
        ahead = claim["better"] == algorithm
        axes.axvspan(
            claim["start"], claim["end"], 0.02, 0.08, facecolor=BETTER if ahead else WORSE, edgecolor=INK,
            linewidth=0.4, hatch="" if ahead else "////", zorder=4,
        )  # fmt: skip


def _told(results: Results, rows: pd.DataFrame) -> str:
    if not rows["mean"].notna().any():
        return f"never defined in all {'pairs' if results.plan.paired else 'runs'}"
    count = int(rows["n_pairs"].max())
    return f"{count} of {results.plan.repetitions} pairs" if results.plan.paired else f"unpaired, n >= {count}"


def _note(name: str, control: str, drawn: pd.DataFrame, *, paired: bool) -> str:
    of = "Mean over paired repetitions" if paired else "Unpaired: means over all runs"
    if drawn["lo"].isna().all():
        return f"{of} of the {name} less that of {control}. Too few {'pairs' if paired else 'runs'} for a band."
    return (
        f"{of} of the {name} less that of {control}. The band holds with 95 % for the whole "
        "time at once, for each pair by itself; bars where it excludes 0."
    )


def _legend(control: str) -> list[Artist]:
    return [
        Line2D([], [], color=INK, linewidth=1.8, label="mean difference"),
        Line2D([], [], color=INK, linewidth=0.8, linestyle=(0, (4, 1.5)), label="95 % band, simultaneous"),
        Line2D([], [], color=MUTED, linewidth=0.9, linestyle=":", label=f"equal to {control}"),
        Patch(facecolor=BETTER, edgecolor=INK, linewidth=0.4, label=f"better than {control}"),
        Patch(facecolor=WORSE, edgecolor=INK, linewidth=0.4, hatch="////", label=f"worse than {control}"),
    ]
