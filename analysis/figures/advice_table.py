"""The advised algorithm of each kind of tasks and budget: cells side by side, or for a page a list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from analysis.figures.labels import SMALL, fit, fit_all, height
from analysis.figures.theme import INK, MUTED, algorithm_styles
from analysis.many_tasks.advice import CURVES

CELL, NAME = 1.95, 2.6
"""Inches of a cell, and of the name of a kind of tasks beside it."""
LINES = 2
"""Lines that the name of an algorithm may have in a cell."""
GAP = 0.06
"""Between a name and what stands below it, as a share of a cell."""
FAINT = 0.16
"""Opacity of an algorithm's colour below its name."""
LIST, ROW, PAD = 3.4, 0.17, 0.06
"""Least inches of a list's width, of its rows, and beside the texts in them."""
BETWEEN = 0.5
"""Lines between the parts of a list."""
LIST_SIZE = 7.0
"""Of the letters in a list, in points; a page makes them smaller: 6.1 points in a column."""
SHARE, RANK, RIVALS = 0.5, 1.1, 0.54
"""Inches of a list's columns: the share of the budget, the mean rank with its interval, the number of others."""
HEADS = ("budget", "algorithm", "mean rank", "not worse")


def cells_height(table: pd.DataFrame) -> float:
    """Inches of the height of all cells.

    Args:
        table: `advice.csv`.
    """
    names = _beside(table)
    return max(0.62, height(names, SMALL) + 0.1) * len(names)


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
    return "the whole budget" if fraction == 1.0 else f"{percent(fraction)} of the budget"


def percent(fraction: float) -> str:
    """A share of the budget where its column or axis says what it is of."""
    return f"{100 * fraction:g} %"


def draw_cells(axes: Axes, table: pd.DataFrame, algorithms: Sequence[str]) -> None:
    """Draw the advised algorithm of each kind and budget with its mean rank.

    Args:
        axes: where.
        table: `advice.csv`.
        algorithms: all of the suite, for their looks.
    """
    looks, kinds, shares = algorithm_styles(algorithms), _kinds(table), sorted(set(table["fraction"]))
    places = {_key(row): place for place, row in enumerate(kinds)}
    for row in table.to_dict("records"):
        place, column, look = places[_key(row)], shares.index(row["fraction"]), looks[row["algorithm"]]
        axes.add_patch(
            Rectangle((column - 0.5, place - 0.5), 1.0, 1.0, facecolor=look.colour, alpha=FAINT, edgecolor="none")
        )
        name = fit(str(row["algorithm"]), CELL - 0.15, SMALL, LINES)
        axes.text(column, place, name, ha="center", va="bottom", fontsize=SMALL, color=INK, parse_math=False)
        axes.text(column, place + GAP, _rank(row), ha="center", va="top", fontsize=6.5, color=MUTED)
    axes.hlines(np.arange(len(kinds) + 1) - 0.5, -0.5, len(shares) - 0.5, color="white", linewidth=1.5)
    axes.vlines(np.arange(len(shares) + 1) - 0.5, -0.5, len(kinds) - 0.5, color="white", linewidth=1.5)
    axes.set(xlim=(-0.5, len(shares) - 0.5), ylim=(len(kinds) - 0.5, -0.5))
    axes.set_yticks(range(len(kinds)), _beside(table), fontsize="small", parse_math=False)
    axes.set_xticks(range(len(shares)), [share_text(share) for share in shares], fontsize="small")
    axes.tick_params(length=0, labeltop=True, labelbottom=False)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def list_height(table: pd.DataFrame, wide: float) -> float:
    """Inches of the height of a list.

    Args:
        table: `advice.csv`.
        wide: inches of its width.
    """
    return ROW * _lines(_columns(table, wide))


def draw_list(axes: Axes, table: pd.DataFrame, algorithms: Sequence[str], wide: float) -> None:
    """Draw the advised algorithms as a list, whose parts are kinds of tasks and whose rows are budgets.

    Args:
        axes: where.
        table: `advice.csv`.
        algorithms: all of the suite, for their looks.
        wide: inches of its width.
    """
    columns = _columns(table, wide)
    colours = {name: style.colour for name, style in algorithm_styles(algorithms).items()}
    for place, kinds in enumerate(columns):
        left = place * wide / len(columns)
        _draw_column(axes, kinds, (left, left + _room(wide, len(columns))), colours)
    axes.set(xlim=(0.0, wide), ylim=(_lines(columns), 0.0))
    axes.set_axis_off()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Part:
    """A part of a list: a kind of tasks in one line or two, and its rows of `advice.csv`."""

    name: str
    rows: Sequence[Mapping[Any, Any]]

    @property
    def lines(self) -> float:
        """Of the name, the rows and the gap below them."""
        return self.name.count("\n") + 1 + len(self.rows) + BETWEEN


def _columns(table: pd.DataFrame, wide: float) -> list[list[_Part]]:
    """The parts that stand below each other, for each column that has room."""
    kinds, rows = _kinds(table), table.to_dict("records")
    count = min(max(1, int(wide / LIST)), len(kinds))
    room = _room(wide, count) - 2 * PAD
    parts = [
        _Part(
            name=fit(_kind(kind, table).replace("\n", ": "), room, LIST_SIZE, LINES),
            rows=[row for row in rows if _key(row) == _key(kind)],
        )
        for kind in kinds
    ]
    each = -(-len(parts) // count)
    return [parts[place : place + each] for place in range(0, len(parts), each)]


def _room(wide: float, count: int) -> float:
    """Inches of one of so many columns."""
    return wide / count - 2 * PAD * (count > 1)


def _lines(columns: Sequence[Sequence[_Part]]) -> float:
    """Lines of the longest column with its heads."""
    return 1.0 + max(sum(part.lines for part in parts) for parts in columns)


def _draw_column(axes: Axes, parts: Sequence[_Part], span: tuple[float, float], colours: Mapping[str, str]) -> None:
    """Draw parts below each other, between two places in inches."""
    left, right = span
    stops = (left + PAD, left + PAD + SHARE, right - PAD - RIVALS, right - PAD)
    _write(axes, 0.5, stops, HEADS, MUTED)
    line = 1.0
    for part in parts:
        top = line + part.name.count("\n") + 1
        axes.text(left + PAD, top - 0.12, part.name, va="bottom", fontsize=LIST_SIZE, color=INK, parse_math=False)
        for number, row in enumerate(part.rows):
            place = top + number
            colour = colours[row["algorithm"]]
            axes.add_patch(Rectangle((left, place), right - left, 0.94, color=colour, alpha=FAINT, linewidth=0.0))
            _write(axes, place + 0.47, stops, _texts(row, right - left), INK)
        line += part.lines


def _write(axes: Axes, line: float, stops: Sequence[float], texts: Sequence[str], colour: str) -> None:
    """Write the texts of a row at their places: two from the left on, two up to the right."""
    for stop, text, side in zip(stops, texts, ("left", "left", "right", "right"), strict=True):
        axes.text(stop, line, text, ha=side, va="center", fontsize=LIST_SIZE, color=colour, parse_math=False)


def _texts(row: Mapping[Any, Any], room: float) -> tuple[str, str, str, str]:
    """What a row of a list says: the share of the budget, the algorithm, its mean rank, how many are not worse."""
    name = fit(str(row["algorithm"]), room - SHARE - RANK - RIVALS - 3 * PAD, LIST_SIZE, 1)
    return percent(row["fraction"]), name, _interval(row), str(_rivals(row))


def _kinds(table: pd.DataFrame) -> list[dict[Any, Any]]:
    """The first row of each kind of tasks."""
    return table.drop_duplicates(["dimension", "fidelity", "n_workers"]).to_dict("records")


def _beside(table: pd.DataFrame) -> list[str]:
    """The kinds of tasks with whose ranks decided, in lines that fit beside the cells."""
    return fit_all([_kind(row, table) for row in _kinds(table)], NAME, SMALL, 3)


def _kind(row: Mapping[Any, Any], table: pd.DataFrame) -> str:
    text = kind_text(row, workers=table["n_workers"].nunique() > 1)
    return f"{text}\n{source_text(row, text)}"


def _key(row: Mapping[Any, Any]) -> tuple[Any, ...]:
    return row["dimension"], row["fidelity"], row["n_workers"]


def _rank(row: Mapping[Any, Any]) -> str:
    """`mean rank 2.3 (1.9 to 3.1), 4 not worse`."""
    rivals = _rivals(row)
    return f"mean rank {_interval(row)}" + (f", {rivals} not worse" if rivals else "")


def _interval(row: Mapping[Any, Any]) -> str:
    """`2.3 (1.9 to 3.1)`."""
    known = np.isfinite([row["low"], row["high"]]).all()
    return f"{row['mean_rank']:.1f}" + (f" ({row['low']:.1f} to {row['high']:.1f})" if known else "")


def _rivals(row: Mapping[Any, Any]) -> int:
    """How many other algorithms are not shown to be worse."""
    return len([name for name in str(row["not_worse"]).split("; ") if name])
