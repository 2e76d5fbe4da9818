"""Which algorithm for which tasks and budget, and what following that advice costs on tasks that it has not seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from analysis.figures.labels import SMALL, fit, fit_all, height
from analysis.figures.panels import caption
from analysis.figures.theme import INK, MUTED, algorithm_styles, begin_figure, layout_width, set_title
from analysis.many_tasks.advice import CURVES

WIDTH, CELL, NAME = 11.0, 1.95, 2.6
"""Inches of the figure, and of a cell and of the name of a kind of tasks in it."""
LINES = 2
"""Lines that a name may have."""
GAP = 0.06
"""Between a name and what stands below it, as a share of a cell."""
FAINT = 0.16
"""Opacity of an algorithm's colour below its name."""
STRATEGIES = {
    "advised": ("the advice", "o", "#0173b2"),
    "always": ("always the best on the other tasks", "s", "#de8f05"),
    "best_single": ("always the best single one, known afterwards", "^", "#029e73"),
    "oracle": ("the best one of every task, known afterwards", "D", MUTED),
}
"""What is followed on a held-out task: its words, marker and colour."""


def advice(table: pd.DataFrame, held_out: pd.DataFrame, *, title: str, algorithms: Sequence[str]) -> Figure:
    """Draw the advice as a table of kinds of tasks and budgets, and below it the regrets of following it.

    Args:
        table: `advice.csv`.
        held_out: `advice_summary.csv`; may be empty.
        title: of the suite.
        algorithms: all of the suite, for their looks.
    """
    kinds = [_kind(row, table) for row in _asked(table)]
    names = fit_all(kinds, NAME, SMALL, 3)
    high = max(0.62, height(names, SMALL) + 0.1)
    below = 0.0 if held_out.empty else 2.4
    figure = begin_figure(layout_width(WIDTH, WIDTH), high * len(kinds) + below + 1.9)
    set_title(figure, f"{title}: which algorithm for which tasks and budget")
    ratios = [high * len(kinds), below] if below else [1.0]
    panels = figure.subplots(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]
    _cells(panels[0], table, names, algorithms)
    if below:
        _regrets(panels[1], held_out)
    marks = [
        Line2D([], [], color=colour, marker=marker, linestyle="none", markersize=6.0, label=words)
        for words, marker, colour in STRATEGIES.values()
    ]
    caption(figure, marks if below else [], _note(below > 0.0), columns=2)
    return figure


def kind_text(row: Mapping[Any, Any], *, workers: bool) -> str:
    """A kind of tasks in words.

    Args:
        row: of `advice.csv`.
        workers: whether to say how many simulated workers a run has.
    """
    parts = [f"dimension {row['dimension']}", CURVES[bool(row["fidelity"])]]
    return ", ".join(parts + ([f"{row['n_workers']} workers"] if workers else []))


def source_text(row: Mapping[Any, Any], kind: str) -> str:
    """Whose ranks decided: as many tasks of that kind, or of the wider group that it was merged into."""
    of = f"{row['n_tasks']} tasks"
    if row["tasks"] == kind:
        return of
    return f"too few: all {of}" if row["tasks"] == "all tasks" else f"too few: {of} {row['tasks']}"


def share_text(fraction: float) -> str:
    """A share of the budget in words."""
    return "the whole budget" if fraction == 1.0 else f"{100 * fraction:g} % of the budget"


def _asked(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """The first row of each kind of tasks."""
    return table.drop_duplicates(["dimension", "fidelity", "n_workers"]).to_dict("records")


def _kind(row: Mapping[Any, Any], table: pd.DataFrame) -> str:
    text = kind_text(row, workers=table["n_workers"].nunique() > 1)
    return f"{text}\n{source_text(row, text)}"


def _cells(axes: Axes, table: pd.DataFrame, names: Sequence[str], algorithms: Sequence[str]) -> None:
    """The advised algorithm of each kind and budget with its mean rank."""
    looks, asked, shares = algorithm_styles(algorithms), _asked(table), sorted(set(table["fraction"]))
    places = {_key(row): place for place, row in enumerate(asked)}
    for row in table.to_dict("records"):
        place, column, look = places[_key(row)], shares.index(row["fraction"]), looks[row["algorithm"]]
        axes.add_patch(
            Rectangle((column - 0.5, place - 0.5), 1.0, 1.0, facecolor=look.colour, alpha=FAINT, edgecolor="none")
        )
        name = fit(str(row["algorithm"]), CELL - 0.15, SMALL, LINES)
        axes.text(column, place, name, ha="center", va="bottom", fontsize=SMALL, color=INK, parse_math=False)
        axes.text(column, place + GAP, _rank(row), ha="center", va="top", fontsize=6.5, color=MUTED)
    axes.hlines(np.arange(len(asked) + 1) - 0.5, -0.5, len(shares) - 0.5, color="white", linewidth=1.5)
    axes.vlines(np.arange(len(shares) + 1) - 0.5, -0.5, len(asked) - 0.5, color="white", linewidth=1.5)
    axes.set(xlim=(-0.5, len(shares) - 0.5), ylim=(len(asked) - 0.5, -0.5))
    axes.set_yticks(range(len(asked)), names, fontsize="small", parse_math=False)
    axes.set_xticks(range(len(shares)), [share_text(share) for share in shares], fontsize="small")
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _key(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    return row["dimension"], row["fidelity"], row["n_workers"]


def _rank(row: Mapping[Any, Any]) -> str:
    """`mean rank 2.3 (1.9 to 3.1), 4 not worse`."""
    rivals = len([name for name in str(row["not_worse"]).split("; ") if name])
    interval = f" ({row['low']:.1f} to {row['high']:.1f})" if np.isfinite([row["low"], row["high"]]).all() else ""
    return f"mean rank {row['mean_rank']:.1f}{interval}" + (f", {rivals} not worse" if rivals else "")


def _regrets(axes: Axes, held_out: pd.DataFrame) -> None:
    """Mean regrets over held-out tasks of the strategies, side by side at each budget."""
    shares = held_out["fraction"].tolist()
    for place, (name, (_, marker, colour)) in enumerate(STRATEGIES.items()):
        aside = 0.12 * (place - (len(STRATEGIES) - 1) / 2)
        regrets = held_out[f"{name}_regret"].to_numpy(dtype=np.float64)
        axes.plot(np.arange(len(shares)) + aside, regrets, marker, color=colour, markersize=6.0)
    axes.set_xlim(-0.5, len(shares) - 0.5)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.grid(visible=False, axis="x")
    axes.set_xticks(range(len(shares)), [_gain(row) for row in held_out.to_dict("records")], fontsize="small")
    axes.set_ylabel("mean regret on\nheld-out tasks")


def _gain(row: Mapping[Any, Any]) -> str:
    """The difference of the advice to one algorithm for all tasks, with its interval."""
    if not np.isfinite(row["difference"]):
        return "no difference: some\ntask is left without a result"
    interval = f"\n({row['low']:+.2g} to {row['high']:+.2g})" if np.isfinite([row["low"], row["high"]]).all() else ""
    return f"advice less always: {row['difference']:+.2g}{interval}"


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
