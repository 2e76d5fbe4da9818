"""Mean ranks over many tasks, with intervals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from matplotlib.figure import Figure

from analysis.explanations import OF_MANY_TASKS
from analysis.figures.intervals import intervals


def mean_ranks(table: pd.DataFrame, *, title: str, algorithms: Sequence[str]) -> Figure:
    """Draw the mean rank of every algorithm over the tasks, the best on top.

    Args:
        table: `mean_ranks.csv`.
        title: of the suite.
        algorithms: all of the suite, for their looks.
    """
    ordered = table.sort_values("mean_rank", kind="stable")
    tasks = int(table["n_tasks"].max())
    return intervals(
        ordered.rename(columns={"mean_rank": "value"}),
        title=f"{title}: mean ranks over {tasks} tasks",
        axis=f"mean rank of {len(table)} (less is better)",
        note=OF_MANY_TASKS["mean_ranks"],
        algorithms=algorithms,
        line=(len(table) + 1) / 2,
    )
