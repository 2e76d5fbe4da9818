"""ranks.csv: mean ranks of the algorithms of an objective, ranked within each repetition."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.loading.results import Results
from analysis.statistics.ranks import mean_ranks
from analysis.statistics.unpaired import expected_ranks
from analysis.tables.endpoints import finals, sign

RANKS = ("objective", "algorithm", "endpoint", "n", "mean_rank", "lo", "hi")
"""Columns, in order; an interface. `lo` and `hi` are limits of a 95 % interval."""


def ranks_table(results: Results) -> pd.DataFrame:
    """One row for each objective and algorithm, of the suite's primary endpoint.

    1 is best whatever the endpoint. n counts the repetitions that all algorithms have finished which have
    finished any: ranks depend on who takes part, unlike all else here. Failed runs share the worst ranks. Where
    repetitions are no pairs it is the rank to expect of runs that are drawn independently, and n an algorithm's runs.
    """
    rows: list[dict[str, Any]] = []
    for objective in results.plan.objectives:
        endpoint = results.endpoint_of(objective.label)
        frame = finals(results, objective.label, endpoint)
        losses = sign(endpoint) * frame.to_numpy(dtype=np.float64)
        unpaired = [column[~np.isnan(column)] for column in losses.T]
        found = mean_ranks(losses) if results.plan.paired else expected_ranks(unpaired)
        for place, algorithm in enumerate(frame.columns):
            values = {"n": found.n[place], "mean_rank": found.mean[place], "lo": found.lo[place], "hi": found.hi[place]}
            rows.append({"objective": objective.label, "algorithm": algorithm, "endpoint": endpoint, **values})
    return pd.DataFrame(rows, columns=list(RANKS))
