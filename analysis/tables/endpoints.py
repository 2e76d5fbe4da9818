"""What a run is judged by: its final errors, or its anytime score."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd

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
        Repetitions x algorithms, both in the order of the plan. NaN: no finished run, the test error where
        the objective has no test set, or the score where its metric has no scale; +inf (of an error): the run failed,
        none of its evaluations gave a result, or the test error of its incumbent alone is unknown.
    """
    scale = results.plan.objective(objective).metric.scale
    undefined = scale is None if endpoint == "score" else endpoint == "test_error" and not results.has_test(objective)
    columns = {
        algorithm: [math.nan if undefined else _final(results, run, endpoint, scale) for run in runs]
        for label, algorithm, runs in results.cells()
        if label == objective
    }
    return pd.DataFrame(columns, index=pd.RangeIndex(results.plan.repetitions, name="repetition"), dtype=np.float64)


def test_notes(results: Results) -> list[tuple[str, str]]:
    """What a reader must know of every objective whose test errors are not known; its label, and a sentence."""
    return [
        (
            objective.label,
            f"no test {objective.metric.name} is recorded: algorithms are compared by the validation "
            f"{objective.metric.name} of what they selected, which the selection makes look better than it is, and "
            "nothing here corrects that.",
        )
        for objective in results.plan.objectives
        if not results.has_test(objective.label)
    ]


def sign(endpoint: str) -> float:
    """1 where less is better, -1 where more is."""
    return -1.0 if endpoint == "score" else 1.0


def _final(results: Results, run: Run, endpoint: str, scale: tuple[float, float] | None) -> float:
    if not run.aggregated:
        return math.nan
    [curve] = results.curves([run], results.plan.axis)
    if endpoint == "score" and scale is not None:
        return score(curve, best=scale[0], chance=scale[1], horizon=results.plan.horizon(run.objective))
    errors = curve.valid if endpoint == "valid_error" else curve.test
    if run.state == "failed" or not len(errors) or math.isnan(errors[-1]):
        return WORST[endpoint]
    return float(errors[-1])
