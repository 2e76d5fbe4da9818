"""Tables with every objective's values in the direction and unit of its own metric, where some objective declares one.

All statistics are of errors, that is, less is better. Turning values round is all it takes to make them the statistics
of a metric that is maximised: means and quantiles turn with the values, lower limits become upper ones, and deviations,
counts and probabilities stay.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from analysis.loading.plan import Plan

METRIC = "metric"
"""The column that names the first metric of each row's objective, behind the other labels."""
LABELS = ("objective", "algorithm", "a", "b", "repetition")

_FINALS = ("final_valid_error", "final_test_error")
_MEANS = ("valid_mean", "test_mean")
_ERRORS = ("valid_error", "test_error")
_SELECTED = tuple(f"{kind}_{data}" for data in _MEANS for kind in ("selected", "fresh"))

VALUES: Mapping[str, tuple[str, ...]] = {
    "trials": _ERRORS,
    "runs": _FINALS,
    "trajectory": _MEANS,
    "summary": _MEANS,
    "statistics": ("mean", "median", "iqm"),
    "pairwise": ("mean_difference", "median_difference", "iqm_difference", "effect"),
    "bands": ("mean", "iqm", "q50"),
    "differences": ("mean",),
    "targets": ("target",),
    "speedups": ("target",),
    "recheck": ("selected_valid_error", "selected_test_error", "fresh_valid_mean", "fresh_test_mean"),
    "noise": (),
    "optimism": (*_SELECTED, "valid_optimism", "test_optimism"),
    "curves": _ERRORS,
    "seed_optimism": ("valid_median", "test_median"),
}
"""Columns of values, or of differences of such, by table; tables without any name no metric."""

LIMITS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "statistics": (
        ("mean_lo", "mean_hi"), ("median_lo", "median_hi"), ("iqm_lo", "iqm_hi"), ("q25", "q75"),
    ),
    "pairwise": tuple((f"{name}_difference_lo", f"{name}_difference_hi") for name in ("mean", "median", "iqm")),
    "bands": (("q10", "q90"), ("q25", "q75"), ("lo", "hi")),
    "differences": (("lo", "hi"),),
    "optimism": tuple((f"{data}_optimism_lo", f"{data}_optimism_hi") for data in ("valid", "test")),
}  # fmt: skip
"""Columns of lower and upper limits, which change places."""


def in_own_units(name: str, frame: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """Turn the values of a table, and name the metric that they are of.

    Args:
        name: of the table.
        frame: with errors, less being better.
        plan: whose objectives declare metrics; if none does, the table is returned as it is.
    """
    if not plan.declares_metrics or name not in VALUES:
        return frame
    names = {objective.label: objective.metric.name for objective in plan.objectives}
    maximised = [objective.label for objective in plan.objectives if objective.metric.maximised]
    turned = frame["objective"].isin(maximised)
    if "endpoint" in frame:
        turned &= frame["endpoint"] != "score"
    columns = {column: _turned(frame[column], turned, frame[column]) for column in VALUES[name]}
    for low, high in LIMITS.get(name, ()):
        columns |= {low: _turned(frame[low], turned, frame[high]), high: _turned(frame[high], turned, frame[low])}
    made = frame.assign(**columns)
    metric = frame["objective"].astype(object).map(names)
    made.insert(sum(label in frame for label in LABELS), METRIC, metric.astype(object))
    return made


def _turned(column: pd.Series, turned: pd.Series, other: pd.Series) -> pd.Series:
    """A column with the negatives of another one in some rows; zero has no sign."""
    return column.where(~turned, 0.0 - other)
