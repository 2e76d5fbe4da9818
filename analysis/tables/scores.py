"""The table of anytime scores: one number a run, on the horizon that the suite's budget declares."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.loading.plan import Objective
from analysis.loading.results import Results, Run
from analysis.statistics.score import score
from analysis.value_format import number_text

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


def scale_notes(results: Results) -> Iterator[tuple[str, str]]:
    """Say where errors contradict the scale that their objective declares, on which scores are clipped.

    Yields:
        The objective's label, and a sentence on it without that label: errors below `best_error`, or none below
        `chance_error`. Evaluations that came to nothing or diverged do not count, for they have no error of their own.
    """
    for objective in results.plan.objectives:
        mine = results.evaluations[results.evaluations["objective"] == objective.label]
        errors = mine.loc[mine["state"] == "ok", "valid_error"].to_numpy(dtype=np.float64)
        if len(errors):
            yield from ((objective.label, text) for text in _contradictions(objective, errors))


def _contradictions(objective: Objective, errors: np.ndarray) -> Iterator[str]:
    best, chance = objective.best_error, objective.chance_error
    below = int((errors < best).sum())
    if below:
        yield (
            f"{below} of {len(errors)} validation errors are below best_error = {number_text(best)}, the least is "
            f"{number_text(errors.min())}; scores count them like best_error. Declare the least error there can be."
        )
    if errors.min() >= chance:
        yield (
            f"none of {len(errors)} validation errors is below chance_error = {number_text(chance)}, the least is "
            f"{number_text(errors.min())}; all scores are 0. Declare the error of knowing nothing, and return what is "
            "to be minimised: of an accuracy, 1 - accuracy."
        )


def _score(results: Results, run: Run) -> float:
    if not run.aggregated:
        return math.nan
    axis, horizon = results.plan.horizon
    objective = next(entry for entry in results.plan.objectives if entry.label == run.objective)
    [curve] = results.curves([run], axis)
    return score(curve, best=objective.best_error, chance=objective.chance_error, horizon=horizon)
