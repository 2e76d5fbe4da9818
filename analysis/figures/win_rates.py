"""Win rates over many tasks: how often one algorithm is ahead of another in the same repetition."""

from __future__ import annotations

import math
from collections.abc import Sequence

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from analysis.explanations import explain_many_tasks
from analysis.figures.matrix import caption_matrix, colour_bar, fill, matrix
from analysis.statistics.anytime import Array

PALETTE = "RdBu"
"""Diverging, and different for the colour-blind at either end; white is half of the repetitions."""
HALF = 0.5


def win_rates(table: pd.DataFrame, *, title: str, order: Sequence[str], paired: bool = True) -> Figure:
    """Draw a cell for every two algorithms: in how many per cent of the repetitions the row's is ahead.

    Args:
        table: `win_rates.csv`.
        title: of the suite.
        order: the algorithms from the top down and from the left to the right.
        paired: whether the same repetition of two algorithms is a pair.
    """
    rates, texts = win_cells(table, order)
    figure, axes = matrix(f"{title}: win rates", order, order, texts)
    palette = mpl.colormaps[PALETTE]
    fill(axes, rates, palette)
    colour_bar(figure, axes, ScalarMappable(Normalize(0.0, 100.0), palette), "repetitions won [%]")
    caption_matrix(figure, explain_many_tasks("win_rates", paired=paired))
    return figure


def win_cells(table: pd.DataFrame, order: Sequence[str]) -> tuple[Array, list[list[str]]]:
    """Make the cells of the matrix, of the table `win_rates.csv`.

    Returns:
        (algorithms, algorithms) win rates, NaN on the diagonal; and what stands in each cell.
    """
    rate, low, high = (
        table.pivot(index="algorithm", columns="other", values=column)
        .reindex(index=list(order), columns=list(order))
        .to_numpy(dtype=np.float64, copy=True)
        for column in ("win_rate", "low", "high")
    )
    np.fill_diagonal(rate, np.nan)
    return rate, [[_text(*cell) for cell in zip(*row, strict=True)] for row in zip(rate, low, high, strict=True)]


def _text(rate: float, low: float, high: float) -> str:
    """`63*`, in per cent."""
    return "" if math.isnan(rate) else f"{100 * rate:.0f}{'*' if low > HALF or high < HALF else ''}"
