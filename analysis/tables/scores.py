"""The table of anytime scores: one number a run, on the horizon that the suite's budget declares."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd

from analysis.loading.metric import Metric
from analysis.loading.results import Results, Run
from analysis.statistics.score import score

SCORES = ("objective", "algorithm", "repetition", "state", "axis", "horizon", "score")
"""Columns of `scores.csv`: one row a planned run; score lies in [0, 1], more is better, and is empty for runs that are
missing or not finished, and where the objective's metric has no scale."""


def scores_table(results: Results) -> pd.DataFrame:
    """The anytime score of every planned run (see `analysis.statistics.score`)."""
    plan = results.plan
    rows = [
        {
            "objective": run.objective,
            "algorithm": run.algorithm,
            "repetition": run.repetition,
            "state": run.state,
            "axis": plan.axis,
            "horizon": plan.horizon(run.objective),
            "score": _score(results, run),
        }
        for run in results.runs
    ]
    return pd.DataFrame(rows, columns=list(SCORES))


def scale_notes(results: Results) -> Iterator[tuple[str, str]]:
    """Say where there is no scale for scores, and where values contradict the one that their objective declares.

    Yields:
        The objective's label, and a sentence on it without that label: no scale, errors below the best, or none below
        chance, at which scores are clipped. Evaluations that came to nothing or diverged do not count, for they have
        no error of their own.
    """
    for objective in results.plan.objectives:
        mine = results.evaluations[results.evaluations["objective"] == objective.label]
        errors = mine.loc[mine["state"] == "ok", "valid_error"].to_numpy(dtype=np.float64)
        scale = objective.metric.scale
        if scale is None:
            yield objective.label, _without_scale(objective.metric)
        elif len(errors):
            yield from ((objective.label, text) for text in _contradictions(objective.metric, scale, errors))


def _without_scale(metric: Metric) -> str:
    missing = " and no ".join(name for name in ("best", "chance") if getattr(metric, name) is None)
    return f"no anytime score: the metric {metric.name} declares no {missing} value, between which scores lie."


def _contradictions(metric: Metric, scale: tuple[float, float], errors: np.ndarray) -> Iterator[str]:
    best, chance = scale
    names = ("best", "chance") if metric.declared else ("best_error", "chance_error")
    beyond, least = ("above", "greatest") if metric.maximised else ("below", "least")
    below = int((errors < best).sum())
    if below:
        yield (
            f"{below} of {len(errors)} validation {_plural(metric)} are {beyond} {names[0]} = {metric.text(best)}, the "
            f"{least} is {metric.text(errors.min())}; scores count them like {names[0]}. Declare the {least} "
            f"{metric.name} there can be."
        )
    if errors.min() >= chance:
        remedy = "" if metric.declared else ", and of an accuracy that its goal is max"
        yield (
            f"none of {len(errors)} validation {_plural(metric)} is {beyond} {names[1]} = {metric.text(chance)}, the "
            f"{least} is {metric.text(errors.min())}; all scores are 0. Declare the {metric.name} of knowing "
            f"nothing{remedy}."
        )


def _plural(metric: Metric) -> str:
    return "errors" if metric.is_error else f"values of {metric.name}"


def _score(results: Results, run: Run) -> float:
    if not run.aggregated:
        return math.nan
    scale = results.plan.objective(run.objective).metric.scale
    [curve] = results.curves([run], results.plan.axis)
    horizon = results.plan.horizon(run.objective)
    return math.nan if scale is None else score(curve, best=scale[0], chance=scale[1], horizon=horizon)
