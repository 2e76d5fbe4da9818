"""The hypervolume of every run's front so far, as results of a metric of its own, of which all tables follow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.fronts.hypervolume import growing_hypervolume
from analysis.loading.metric import FRONT, LONGEST_UNIT, Metric
from analysis.loading.metric_values import FEASIBLE, SELECTION, TEST, TEST_VIOLATION, VALID, VIOLATION
from analysis.loading.plan import Objective
from analysis.loading.results import Results
from analysis.statistics.anytime import Array
from analysis.tables.front import box_of, multi_objective, runs_with_fronts, tested_vectors, valid_vectors

HYPERVOLUME = (
    "runs", "trajectory", "summary", "statistics", "pairwise", "ranks", "scores", "bands", "differences", "claims",
    "targets", "speedups",
)  # fmt: skip
"""Tables that there are of hypervolumes too, as `hypervolume_NAME.csv` with the columns of `NAME.csv`. Values are of
the metric hypervolume, which is maximised: of the completed, feasible trials so far on validation; those of `test` are
of the test values of the same front. It is a share of the box from the best to the reference values where all
optimised metrics declare a best one, and otherwise in their units, without scores."""


def hypervolume_results(results: Results) -> Results:
    """Results whose evaluations carry the hypervolume of the run up to them, of the multi-objective objectives alone.

    It is defined from the first evaluation on that can be a member of a front, and 0 while none beats the reference.
    """
    objectives = tuple(_of_hypervolume(objective) for objective in multi_objective(results))
    labels = {objective.label for objective in objectives}
    runs, kept, errors = [], [], []
    size = 0
    for objective, run in runs_with_fronts(results):
        rows = results.evaluations.iloc[run.rows]
        runs.append(replace(run, rows=slice(size, size := size + len(rows))))
        errors.append(_errors(objective, rows))
        kept.append(np.arange(run.rows.start, run.rows.stop))
    frame = results.evaluations.iloc[np.concatenate(kept)].reset_index(drop=True)
    valid, test = np.concatenate(errors, axis=1)
    plan = replace(results.plan, objectives=objectives, targets={})
    evaluations = frame[[name for name in frame if not _is_of_metrics(str(name))]].assign(
        valid_error=valid, test_error=test
    )
    evaluations["objective"] = evaluations["objective"].cat.set_categories(
        [label for label in frame["objective"].cat.categories if label in labels]
    )
    return replace(results, plan=plan, runs=tuple(runs), evaluations=evaluations, so_far=True)


def reference_notes(results: Results) -> Iterator[tuple[str, str]]:
    """Say of which objectives no trial beats the reference; the objective's label, and a sentence."""
    for objective in multi_objective(results):
        mine = results.evaluations[results.evaluations["objective"] == objective.label]
        vectors = valid_vectors(objective, mine)
        reference = np.array(box_of(objective).reference)
        if not np.isnan(vectors).all() and not (vectors < reference).all(axis=1).any():
            values = ", ".join(f"{metric.name} {metric.text(value)}" for metric, value in
                               zip(objective.optimised, reference.tolist(), strict=True))  # fmt: skip
            yield (
                objective.label,
                f"no trial beats the reference ({values}) in all metrics, and every hypervolume is 0. Declare as "
                "reference the worst value of each metric that is still of use.",
            )


def _is_of_metrics(name: str) -> bool:
    return name.startswith((VALID, TEST)) or name in (FEASIBLE, VIOLATION, TEST_VIOLATION, SELECTION)


def _of_hypervolume(objective: Objective) -> Objective:
    """The objective with the hypervolume for its metric, and nothing else."""
    normalised = box_of(objective).ideal is not None
    units = " * ".join(metric.unit for metric in objective.optimised if metric.unit)
    metric = Metric(
        name="hypervolume",
        goal="max",
        unit="" if normalised or len(units) > LONGEST_UNIT else units,
        best=1.0 if normalised else None,
        chance=0.0 if normalised else None,
        declared=True,
        selected=FRONT,
    )
    return replace(objective, metrics=(metric,), constraints=())


def _errors(objective: Objective, rows: pd.DataFrame) -> Array:
    """(2, n) the negative hypervolume after each evaluation of a run, on validation and on test.

    Before there is a front it is +inf on validation, as the error of what came to nothing is.
    """
    vectors = valid_vectors(objective, rows), tested_vectors(objective, rows)
    valid, test = growing_hypervolume(*vectors, box_of(objective))
    return np.stack([np.where(np.isnan(valid), np.inf, 0.0 - valid), 0.0 - test])
