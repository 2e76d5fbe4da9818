"""statistics.csv: what every algorithm reached, with intervals."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from analysis.imported import count_planned
from analysis.loading.results import Results
from analysis.statistics.anytime import Array
from analysis.statistics.summaries import summaries
from analysis.tables.endpoints import finals
from benchmark.storage.suite_json import ENDPOINTS

STATISTICS = (
    "objective", "algorithm", "endpoint", "n", "n_planned", "n_failed", "mean", "mean_lo", "mean_hi", "std",
    "median", "median_lo", "median_hi", "q25", "q75", "iqm", "iqm_lo", "iqm_hi",
)  # fmt: skip
"""Columns, in order; an interface. `_lo` and `_hi` are limits of 95 % intervals (see `Summaries`)."""


def statistics_table(results: Results) -> pd.DataFrame:
    """One row for each objective, algorithm and endpoint.

    n counts the runs that are complete or failed, n_failed the latter. A failed run has an error of +inf and
    a score of 0: it leaves the mean of errors undefined (empty), and counts as worst in median, quartiles and IQM.
    Intervals need 6 runs. Errors are fractions; scores are in [0, 1], higher is better.
    """
    labels: list[dict[str, Any]] = []
    samples: list[Array] = []
    failed = _failed(results)
    planned = {
        (objective, algorithm): count_planned((run.state for run in runs), results.plan.imported)
        for objective, algorithm, runs in results.cells()
    }
    for objective in results.plan.objectives:
        reached = {endpoint: finals(results, objective.label, endpoint) for endpoint in ENDPOINTS}
        for algorithm in results.plan.algorithms:
            for endpoint, frame in reached.items():
                values = frame[algorithm].to_numpy(dtype=np.float64)
                samples.append(values[~np.isnan(values)])
                label = {"objective": objective.label, "algorithm": algorithm, "endpoint": endpoint}
                counts = {
                    "n_planned": planned[objective.label, algorithm],
                    "n_failed": failed.get((objective.label, algorithm), 0),
                }
                labels.append(label | counts)
    return joined(labels, by_size(samples, summaries), STATISTICS)


def by_size(samples: Sequence[Array], function: Callable[[Array], Any]) -> list[dict[str, Any]]:
    """Apply a function of (k, n) arrays to samples of any sizes, those of one size at once.

    Returns:
        For each sample the fields of the function's value (a dataclass of (k,) arrays); only n = 0 for an empty one.
    """
    found: list[dict[str, Any]] = [{"n": 0} for _ in samples]
    for size in sorted({len(sample) for sample in samples} - {0}):
        places = [place for place, sample in enumerate(samples) if len(sample) == size]
        columns = asdict(function(np.stack([samples[place] for place in places])))
        for row, place in enumerate(places):
            found[place] = {name: column[row] for name, column in columns.items()}
    return found


def joined(labels: Sequence[dict[str, Any]], found: Sequence[dict[str, Any]], columns: Sequence[str]) -> pd.DataFrame:
    """A frame of labels and what was found for them, missing cells NaN."""
    return pd.DataFrame([label | row for label, row in zip(labels, found, strict=True)], columns=list(columns))


def _failed(results: Results) -> dict[tuple[str, str], int]:
    counts: dict[tuple[str, str], int] = {}
    for run in results.runs:
        if run.state == "failed":
            counts[run.objective, run.algorithm] = counts.get((run.objective, run.algorithm), 0) + 1
    return counts
