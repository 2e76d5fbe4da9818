"""The curves of an anytime figure: their corners, how they are drawn, and the part of the axis that is shown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.figures.magnitude import Magnitude, Window, magnitude_of
from analysis.figures.panels import PANELS
from analysis.figures.theme import Style

DRAWN = tuple(f"{panel}_{name}" for panel in PANELS for name in ("mean", "std"))
"""Columns of the trajectory that are drawn."""


def corners(cell: pd.DataFrame) -> pd.DataFrame:
    """The rows of a cell that its steps need: those that differ from the one before, and the last.

    A failed run is undefined right after its last event, not from the next event of another run on: a
    row at the earlier time says so.
    """
    fell = cell["n_defined"] < cell["n_defined"].shift()
    fallen = cell[fell].assign(t=cell["t"].shift()[fell])
    steps = pd.concat([cell, fallen]).sort_values("t", kind="stable")
    values = steps[["n_defined", "valid_mean", "valid_std", "test_mean", "test_std"]].fillna(-math.inf)
    changed, edge = (values != values.shift()).any(axis=1), steps["t"] == steps["t"].shift(-1)
    corners: pd.DataFrame = steps[changed | edge | (steps["t"] == steps["t"].max())]
    return corners


def on_axis(cell: pd.DataFrame, size: Magnitude, cut: Window | None) -> pd.DataFrame:
    """The means and the edges of the bands of a cell as they are drawn; the edges are new columns.

    Args:
        cell: rows of a trajectory.
        size: of the axis.
        cut: the part of it that is shown; None for everything.
    """
    drawn = {}
    with np.errstate(over="ignore", invalid="ignore"):  # To infinity, and from there near the edge.
        for panel in PANELS:
            mean, std = (size.of(cell[f"{panel}_{name}"]) for name in ("mean", "std"))
            for name, values in (("mean", mean), ("low", mean - std), ("high", mean + std)):
                drawn[f"{panel}_{name}"] = values if cut is None else cut.near(values)
    return cell.assign(**drawn)


def draw_curves(axes: Axes, cells: Mapping[str, pd.DataFrame], panel: str, styles: Mapping[str, Style]) -> None:
    """One error over one axis. seaborn's own band would be drawn linearly between the steps."""
    for place, (algorithm, cell) in enumerate(cells.items()):
        look, t = styles[algorithm], cell["t"].to_numpy()
        mean, low, high = (cell[f"{panel}_{name}"].to_numpy() for name in ("mean", "low", "high"))
        if np.isnan(mean).all():
            continue  # the legend says so
        axes.fill_between(t, low, high, step="post", color=look.colour, alpha=0.10, linewidth=0)
        for edge in (low, high):
            axes.step(t, edge, where="post", color=look.colour, linestyle=look.dashed, linewidth=0.8, alpha=0.8)
        marked: dict[str, Any] = {
            "color": look.colour,
            "marker": look.marker,
            "markeredgecolor": "white",
            "zorder": 3.0,
        }
        axes.step(t, mean, where="post", linewidth=1.8, markersize=5.0, markevery=(0.03 * place, 0.15), **marked)
        axes.plot(t[-1:], mean[-1:], markersize=7.0, clip_on=False, **marked)  # where the runs ended


def cut_window(cells: Mapping[str, pd.DataFrame], horizon: float, unit: str) -> tuple[Window | None, str]:
    """Cut the error axis to what comes after the first tenth, where else that tenth would fill most of it.

    The first results are several times the last ones; drawn in full they leave the comparison no room.

    Returns:
        What is shown, and words for what is not; None: everything.
    """
    begin = 0.1 * horizon
    early = pd.concat([cell[cell["t"] < begin] for cell in cells.values()])
    late = pd.concat([cell[_place(cell, begin) :] for cell in cells.values()])
    size = magnitude_of(*(late[name] for name in DRAWN))
    (low, high), (least, most) = _extent(late, size), _extent(early, size)
    if not 0.0 < high - low < 0.5 * (max(high, most) - min(low, least)):
        return None, ""
    own = magnitude_of(*(early[name] for name in DRAWN))
    spans = own.label("{:.3g} to {:.3g}".format(*_extent(early, own)))
    what = "mean" if all(cell["valid_std"].isna().all() for cell in cells.values()) else "mean ± std"
    room = 0.06 * (high - low)
    shown = Window(size=size, low=low - room, high=high + room)
    return shown, f"axis cut: before {unit.format(begin)}, {what} spans {spans}"


def _place(cell: pd.DataFrame, t: float) -> int:
    """The row whose values hold at time t; the first when t is before all."""
    return max(int(np.searchsorted(cell["t"], t, side="right")) - 1, 0)


def _extent(rows: pd.DataFrame, size: Magnitude) -> tuple[float, float]:
    """Ends of what both panels draw of some rows, in units; without a defined row they are the wrong way round."""
    ends = [(math.inf, -math.inf)]
    with np.errstate(over="ignore", invalid="ignore"):  # Early errors may be beyond all units of the late ones.
        for panel in PANELS:
            mean, std = size.of(rows[f"{panel}_mean"]), size.of(rows[f"{panel}_std"].fillna(0.0))
            edges = np.concatenate([mean - std, mean + std])
            known = edges[~np.isnan(edges)]
            ends.append((known.min(initial=math.inf), known.max(initial=-math.inf)))
    low, high = zip(*ends, strict=True)
    return float(min(low)), float(max(high))
