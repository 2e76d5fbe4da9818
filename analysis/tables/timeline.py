"""Which simulated worker trained what, and when."""

from __future__ import annotations

import heapq

import numpy as np
import pandas as pd

from analysis.loading.results import Results
from analysis.statistics.anytime import Array

TIMELINE = (
    "objective", "algorithm", "repetition", "worker", "trial", "index", "start", "end",
    "start_epoch", "epochs", "state",
)  # fmt: skip
"""Columns of the table, in order; start and end in seconds of the suite's clock, worker counted from 0."""


def timeline_table(results: Results, repetition: int = 0) -> pd.DataFrame:
    """One row an evaluation of one repetition, cells in the order of the plan, evaluations in that of their starts.

    Ledgers do not say which worker trained what, and it makes no difference: each evaluation is given to
    the free worker of the least number. If a ledger holds more evaluations at once than the plan
    has workers, then the workers' numbers go on beyond `Method.n_workers`, for all to see.

    Args:
        results: plan and evaluations.
        repetition: of every cell.
    """
    parts = [results.evaluations.iloc[run.rows] for run in results.runs if run.repetition == repetition]
    parts = [part.dropna(subset=["start"]) for part in parts]  # Other tools need not have recorded it.
    rows = [part.sort_values(["start", "index"], kind="stable") for part in parts]
    frames = [part.assign(worker=_workers(part["start"].to_numpy(), part["end"].to_numpy())) for part in rows]
    return pd.concat(frames, ignore_index=True)[list(TIMELINE)]


def _workers(start: Array, end: Array) -> Array:
    """(n,) integers: the worker of each evaluation, no two of one worker overlapping; `start` ascends."""
    free: list[int] = []
    busy: list[tuple[float, int]] = []
    given = np.zeros(len(start), dtype=np.int64)
    for place, (begin, until) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        while busy and busy[0][0] <= begin:
            heapq.heappush(free, heapq.heappop(busy)[1])
        given[place] = heapq.heappop(free) if free else len(busy)
        heapq.heappush(busy, (until, int(given[place])))
    return given
