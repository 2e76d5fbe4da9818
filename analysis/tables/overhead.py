"""What deciding cost beside training, and what was charged beside what was really paid.

Measured seconds: they differ each time that a suite runs, so this table is for the report and the figures, and
not among the CSV files, which repeat to the byte under the modelled clock; `timing.json` has the sums.
"""

from __future__ import annotations

import math
from typing import Any

import pandas as pd

from analysis.loading.results import Results, Run
from analysis.tables.timing import timing

OVERHEAD = (
    "objective", "algorithm", "n", "decide_seconds", "train_seconds", "paid_seconds", "charged_seconds", "share",
)  # fmt: skip
"""Columns of the table, in order.

n: evaluations recorded, unfinished runs' included; seconds are their sums, as in `analysis.tables.timing.Timing`;
share: decide_seconds / (decide_seconds + train_seconds), NaN where no time passed.
"""


def overhead_table(results: Results) -> pd.DataFrame:
    """One row a cell, in the order of the plan."""
    rows = [_row(results, objective, algorithm, runs) for objective, algorithm, runs in results.cells()]
    return pd.DataFrame(rows, columns=list(OVERHEAD))


def _row(results: Results, objective: str, algorithm: str, runs: list[Run]) -> dict[str, Any]:
    spent = timing(results.evaluations.iloc[runs[0].rows.start : runs[-1].rows.stop])
    both = spent.decide_seconds + spent.train_seconds
    return {
        "objective": objective,
        "algorithm": algorithm,
        "n": spent.n_evaluations,
        "decide_seconds": spent.decide_seconds,
        "train_seconds": spent.train_seconds,
        "paid_seconds": spent.paid_seconds,
        "charged_seconds": spent.charged_seconds,
        "share": spent.decide_seconds / both if both > 0.0 else math.nan,
    }
