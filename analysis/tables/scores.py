"""The table of anytime scores: one number a run, on the horizon that the suite's budget declares."""

from __future__ import annotations

import math

import pandas as pd

from analysis.loading.results import Results, Run
from analysis.statistics.score import score

SCORES = ("objective", "algorithm", "repetition", "state", "axis", "horizon", "score")
"""Columns of `scores.csv`: one row a planned run; score lies in [0, 1], more is better, and is empty for runs that are
missing or not finished."""


def scores_table(results: Results) -> pd.DataFrame:
    """The anytime score of every planned run (see `analysis.statistics.score`)."""
    axis, horizon = results.plan.horizon
    rows = [
        {
            "objective": run.objective,
            "algorithm": run.algorithm,
            "repetition": run.repetition,
            "state": run.state,
            "axis": axis,
            "horizon": horizon,
            "score": _score(results, run),
        }
        for run in results.runs
    ]
    return pd.DataFrame(rows, columns=list(SCORES))


def _score(results: Results, run: Run) -> float:
    if not run.aggregated:
        return math.nan
    axis, horizon = results.plan.horizon
    objective = next(entry for entry in results.plan.objectives if entry.label == run.objective)
    [curve] = results.curves([run], axis)
    return score(curve, best=objective.best_error, chance=objective.chance_error, horizon=horizon)
