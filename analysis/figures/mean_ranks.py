"""Mean ranks over many tasks, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis.explanations import explain_many_tasks
from analysis.figures.intervals import intervals


def mean_ranks(table: pd.DataFrame, *, title: str, algorithms: Sequence[str], paired: bool = True) -> Figure:
    """Draw the mean rank of every algorithm over the tasks, the best on top.

    Args:
        table: `mean_ranks.csv`.
        title: of the suite.
        algorithms: all of the suite, for their looks.
        paired: whether the same repetition of two algorithms is a pair.
    """
    ordered = table.sort_values("mean_rank", kind="stable")
    tasks = int(table["n_tasks"].max())
    return intervals(
        ordered.rename(columns={"mean_rank": "value"}),
        title=f"{title}: mean ranks over {tasks} tasks",
        axis=f"mean rank of {len(table)} (less is better)",
        note=explain_many_tasks("mean_ranks", paired=paired),
        algorithms=algorithms,
        line=(len(table) + 1) / 2,
    )
