"""The trade-offs of an objective: of all that runs ended with, what nothing else dominates."""

from __future__ import annotations

import numpy as np
import pandas as pd

from analysis.loading.plan import Objective
from analysis.statistics.anytime import Array


def trade_offs(front: pd.DataFrame, objective: Objective) -> pd.DataFrame:
    """The rows of `front.csv` that no row of any run dominates on validation, the best by the first metric first.

    Args:
        front: the table, or its rows on any objectives.
        objective: of several metrics.
    """
    mine, first = front[front["objective"] == objective.label], objective.metric
    rows = mine[undominated(mine, objective)]
    ordered: pd.DataFrame = rows.sort_values(f"valid:{first.name}", ascending=not first.maximised, kind="stable")
    return ordered


def undominated(rows: pd.DataFrame, objective: Objective) -> Array:
    """Say of members of an objective's fronts whether none of the others dominates them; equal ones do not."""
    from moocore import is_nondominated  # Only suites with several metrics need it.

    metrics = objective.optimised
    values = rows[[f"valid:{metric.name}" for metric in metrics]].to_numpy(dtype=np.float64)
    maximise = [metric.maximised for metric in metrics]
    return np.asarray(is_nondominated(values, maximise=maximise, keep_weakly=True), dtype=bool)
