"""Ratings over many tasks: Elo points by the model of Bradley and Terry, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis.explanations import explain_many_tasks
from analysis.figures.intervals import intervals

MEAN = 1500.0
"""The mean rating."""


def ratings(table: pd.DataFrame, *, title: str, algorithms: Sequence[str], paired: bool = True) -> Figure:
    """Draw the rating of every algorithm, the strongest on top.

    Args:
        table: `ratings.csv`.
        title: of the suite.
        algorithms: all of the suite, for their looks.
        paired: whether the same repetition of two algorithms is a pair.
    """
    ordered = table.sort_values("elo", ascending=False, kind="stable")
    return intervals(
        ordered.rename(columns={"elo": "value"}),
        title=f"{title}: ratings",
        axis="Elo points (more is better)",
        note=explain_many_tasks("ratings", paired=paired),
        algorithms=algorithms,
        line=MEAN,
    )
