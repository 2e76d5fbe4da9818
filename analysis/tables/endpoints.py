"""What a run is judged by: its final errors, or its anytime score."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

from analysis.loading.plan import Objective
from analysis.loading.results import Results, Run
from analysis.statistics.score import score

WORST = {"test_error": math.inf, "valid_error": math.inf, "score": 0.0}
"""What a failed run is worth: never nothing, or failing would pay."""


def finals(results: Results, objective: str, endpoint: str) -> pd.DataFrame:
    """The endpoint of every run on an objective.

    Args:
        results: plan and evaluations.
        objective: its label.
        endpoint: one of `suite_json.ENDPOINTS`; errors are the validation incumbent's at the end of the record.

    Returns:
        Repetitions x algorithms, both in the order of the plan. NaN: no finished run; +inf (of an
        error): the run failed, or none of its evaluations gave a result.
    """
    declared = next(entry for entry in results.plan.objectives if entry.label == objective)
    columns = {
        algorithm: [_final(results, declared, run, endpoint) for run in runs]
        for label, algorithm, runs in results.cells()
        if label == objective
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(results.plan.repetitions, name="repetition"), dtype=np.float64)


def sign(endpoint: str) -> float:
    """1 where less is better, -1 where more is."""
    return -1.0 if endpoint == "score" else 1.0


def _final(results: Results, objective: Objective, run: Run, endpoint: str) -> float:
    if not run.aggregated:
        return math.nan
    axis, limit = results.plan.horizon
    [curve] = results.curves([run], axis)
    if endpoint == "score":
        return score(curve, best=objective.best_error, chance=objective.chance_error, horizon=limit)
    errors = curve.valid if endpoint == "valid_error" else curve.test
    if run.state == "failed" or not len(errors) or math.isnan(errors[-1]):
        return WORST[endpoint]
    return float(errors[-1])
