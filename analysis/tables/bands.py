"""The table of bands: how the incumbents of every cell are spread over time."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from analysis.loading.results import AXES, Results
from analysis.statistics.anytime import Curve
from analysis.statistics.bands import ERRORS, QUANTILES, band, changes, thinned

BANDS = (
    "objective", "algorithm", "axis", "error", "t", "n", "n_runs", "mean", "std", "iqm",
    "q10", "q25", "q50", "q75", "q90", "lo", "hi",
)  # fmt: skip
"""Columns of `bands.csv`: error is valid or test (of the validation incumbent); n counts the runs defined at t, of
n_runs that are complete or failed, and all after them is empty unless n = n_runs; lo and hi are the pointwise 95 %
t-interval of the mean. Rows: see `analysis.statistics.bands.thinned`."""


def bands_table(results: Results) -> pd.DataFrame:
    """Moments, quantiles and interval of the mean of every cell, on the three axes and for both errors."""
    parts = [
        _rows(curves, error).assign(objective=objective, algorithm=algorithm, axis=axis, error=error)
        for objective, algorithm, axis, curves in cells(results)
        for error in ERRORS
    ]
    return pd.concat(parts, ignore_index=True)[list(BANDS)]


def cells(results: Results) -> Iterator[tuple[str, str, str, list[Curve]]]:
    """Every (objective, algorithm, axis) with the curves of its complete and failed runs, in the order of the plan."""
    for objective, algorithm, runs in results.cells():
        for axis in AXES:
            yield objective, algorithm, axis, results.curves([run for run in runs if run.aggregated], axis)


def _rows(curves: list[Curve], error: str) -> pd.DataFrame:
    grid = changes(curves, error)
    found = band(curves, grid[thinned(grid)], error)
    columns = {name: getattr(found, name) for name in ("t", "n", "mean", "std", "iqm", "lo", "hi")}
    columns |= {f"q{round(100 * share)}": row for share, row in zip(QUANTILES, found.quantiles, strict=True)}
    return pd.DataFrame(columns).assign(n_runs=len(curves))
