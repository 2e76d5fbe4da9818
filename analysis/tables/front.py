"""front.csv: the trade-offs that every run ended with, none of which another trial of the run beats in all metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.fronts.box import Box
from analysis.fronts.nondominated import final_front
from analysis.loading.metric_values import FEASIBLE, TEST, VALID
from analysis.loading.plan import Objective
from analysis.loading.records import WORTHLESS
from analysis.loading.results import Results, Run
from analysis.statistics.anytime import Array

FRONT = ("objective", "algorithm", "repetition", "state", "index", "trial", "epochs", "end", "config")
"""Columns, in order; an interface. One row for every member of the final front of a planned run: an evaluation within
the budget that meets the constraints and has all optimised metrics, and that none of the run's other ones dominates on
validation. Behind these columns there are `valid:NAME` and `test:NAME` for every metric of an objective with a front,
in its own direction and unit; empty where it was not measured, or the objective has no such metric."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Front:
    """The final front of a run.

    Attributes:
        rows: its members among the evaluations, the best by the first metric first.
        valid, test: (members, metrics) their optimised metrics, minimised; NaN on test where one is not known.
    """

    objective: Objective
    run: Run
    rows: pd.DataFrame
    valid: Array
    test: Array


def final_fronts(results: Results) -> list[Front]:
    """The final front of every planned run on a multi-objective objective, in the order of the plan."""
    return [_front(objective, run, results.evaluations.iloc[run.rows]) for objective, run in runs_with_fronts(results)]


def front_table(results: Results, fronts: Sequence[Front]) -> pd.DataFrame:
    """The members of all final fronts in the order of the plan, each by ascending first metric, the best first."""
    metrics = dict.fromkeys(metric.name for objective in multi_objective(results) for metric in objective.metrics)
    names = [f"{data}{name}" for name in metrics for data in (VALID, TEST)]
    parts = [_with_metrics(front) for front in fronts if len(front.rows)]
    rows = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(FRONT))
    return rows.reindex(columns=[*FRONT, *names])


def multi_objective(results: Results) -> list[Objective]:
    """The objectives of which several metrics are optimised."""
    return [objective for objective in results.plan.objectives if objective.is_multi_objective]


def runs_with_fronts(results: Results) -> Iterator[tuple[Objective, Run]]:
    """Every planned run on a multi-objective objective, in the order of the plan."""
    by_label = {objective.label: objective for objective in multi_objective(results)}
    return ((by_label[run.objective], run) for run in results.runs if run.objective in by_label)


def valid_vectors(objective: Objective, rows: pd.DataFrame) -> Array:
    """The optimised metrics of evaluations on validation, all minimised; NaN for what takes no part in a front.

    Returns:
        (n, metrics). No part takes what came to nothing, is not feasible, lies beyond the budget, or lacks a metric.
    """
    vectors = _vectors(objective, rows, "valid_error", VALID)
    out = rows["state"].isin(WORTHLESS).to_numpy() | ~rows["counted"].to_numpy()
    if FEASIBLE in rows:
        out |= ~rows[FEASIBLE].to_numpy()
    vectors[out | np.isnan(vectors).any(axis=1)] = np.nan
    return vectors


def tested_vectors(objective: Objective, rows: pd.DataFrame) -> Array:
    """The same metrics on the test set: (n, metrics), NaN where one is not known."""
    return _vectors(objective, rows, "test_error", TEST)


def box_of(objective: Objective) -> Box:
    """Where the hypervolumes of a multi-objective objective are measured: its declared reference and best values."""
    optimised = objective.optimised
    references = [metric.own(metric.reference) for metric in optimised if metric.reference is not None]
    bests = [metric.own(metric.best) for metric in optimised if metric.best is not None]
    return Box(reference=tuple(references), ideal=tuple(bests) if len(bests) == len(optimised) else None)


def _front(objective: Objective, run: Run, rows: pd.DataFrame) -> Front:
    valid, test = valid_vectors(objective, rows), tested_vectors(objective, rows)
    members = final_front(valid)
    members = members[np.lexsort(valid[members].T[::-1])]
    return Front(objective=objective, run=run, rows=rows.iloc[members], valid=valid[members], test=test[members])


def _with_metrics(front: Front) -> pd.DataFrame:
    """The rows of a front with all metrics in their own directions, those of other objectives left out."""
    first, *others = front.objective.metrics
    rows = front.rows.drop(columns="state").rename(columns={"run_state": "state"})
    kept = [f"{data}{metric.name}" for metric in others for data in (VALID, TEST)]
    own = {f"{data}{first.name}": first.own(rows[f"{word}_error"]) for data, word in ((VALID, "valid"), (TEST, "test"))}
    return rows[[*FRONT, *kept]].astype({"objective": object, "algorithm": object, "state": object}).assign(**own)


def _vectors(objective: Objective, rows: pd.DataFrame, first: str, prefix: str) -> Array:
    further = [metric.own(rows[f"{prefix}{metric.name}"]) for metric in objective.optimised[1:]]
    return np.column_stack([rows[first], *further]).astype(np.float64)
