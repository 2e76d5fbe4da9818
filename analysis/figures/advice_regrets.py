"""The regrets of following the advice on held-out tasks, beside those of other strategies, at each budget."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from analysis.figures.advice_table import percent
from analysis.figures.labels import SMALL
from analysis.figures.theme import INK, MUTED
from analysis.statistics.anytime import Array

STRATEGIES = {
    "advised": ("the advice", "o", "#0173b2"),
    "always": ("always the best on the other tasks", "s", "#de8f05"),
    "best_single": ("always the best single one, known afterwards", "^", "#029e73"),
    "oracle": ("the best one of every task, known afterwards", "D", MUTED),
}
"""What is followed on a held-out task: its words, marker and colour."""
ASIDE = 0.12
"""Between the marks of a budget, as a share of its room."""
SIZE = 6.0
"""Of a mark."""


def strategy_marks() -> list[Line2D]:
    """The marks of a legend."""
    return [
        Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=SIZE, label=words)
        for words, marker, colour in STRATEGIES.values()
    ]


def draw_regrets(axes: Axes, held_out: pd.DataFrame) -> None:
    """Draw mean regrets over held-out tasks upward, the budgets side by side.

    Args:
        axes: where.
        held_out: `advice_summary.csv`.
    """
    for places, regrets, look in _points(held_out):
        axes.plot(places, regrets, markersize=SIZE, linestyle="none", **look)
    axes.set_xlim(-0.5, len(held_out) - 0.5)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.grid(visible=False, axis="x")
    axes.set_xticks(range(len(held_out)), [_gain(row) for row in held_out.to_dict("records")], fontsize="small")
    axes.set_ylabel("mean regret on\nheld-out tasks")


def draw_turned_regrets(axes: Axes, held_out: pd.DataFrame) -> None:
    """Draw mean regrets over held-out tasks to the right, the budgets below each other.

    Args:
        axes: where.
        held_out: `advice_summary.csv`.
    """
    for places, regrets, look in _points(held_out):
        axes.plot(regrets, places, markersize=SIZE, linestyle="none", **look)
    rows = held_out.to_dict("records")
    axes.set_ylim(len(rows) - 0.5, -0.5)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="both", labelsize=SMALL)
    axes.set_yticks(range(len(rows)), [percent(row["fraction"]) for row in rows], fontsize="small")
    for place, row in enumerate(rows):
        axes.annotate(
            _gain(row), (1.0, place), xycoords=("axes fraction", "data"), xytext=(4.0, 0.0), textcoords="offset points",
            va="center", fontsize=SMALL, color=INK,
        )  # fmt: skip
    axes.set_xlabel("mean regret on held-out tasks", fontsize="small")
    axes.set_ylabel("budget", fontsize="small")


def _points(held_out: pd.DataFrame) -> Iterator[tuple[Array, Array, dict[str, Any]]]:
    """Places along the budgets, mean regrets and the look of each strategy."""
    for place, (name, (_, marker, colour)) in enumerate(STRATEGIES.items()):
        aside = ASIDE * (place - (len(STRATEGIES) - 1) / 2)
        regrets: Array = held_out[f"{name}_regret"].to_numpy(dtype=np.float64)
        yield np.arange(len(held_out)) + aside, regrets, {"marker": marker, "color": colour}


def _gain(row: Mapping[Any, Any]) -> str:
    """The difference of the advice to one algorithm for all tasks, with its interval."""
    if not np.isfinite(row["difference"]):
        return "no difference: some\ntask is left without a result"
    interval = f"\n({row['low']:+.2g} to {row['high']:+.2g})" if np.isfinite([row["low"], row["high"]]).all() else ""
    return f"advice less always: {row['difference']:+.2g}{interval}"
