"""The recheck of fronts and of constraints: what fresh seeds leave of dominance, and of feasibility."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import mean as exact_mean
from typing import Any

import numpy as np
import pandas as pd

from analysis.fronts.hypervolume import hypervolume
from analysis.fronts.nondominated import undominated
from analysis.loading.metric_values import FEASIBLE, with_feasibility
from analysis.loading.plan import Objective
from analysis.loading.recheck import Recheck, Retrained, read
from analysis.loading.results import Results, Run
from analysis.statistics.anytime import Array
from analysis.tables.front import Front, box_of, valid_vectors

FRONT = (
    "objective", "algorithm", "repetition", "n_front", "n_rechecked", "k", "n_crashed", "n_survive", "share_by_seed",
    "selected_hypervolume", "fresh_hypervolume",
)  # fmt: skip
"""Columns of `recheck_front.csv`, in order; an interface. One row for every complete run with a front: n_rechecked of
its n_front members were trained again with k fresh seeds each, n_crashed trainings came to nothing. All else is of
these members among each other, on validation: n_survive are not dominated by another one in the means over the seeds;
share_by_seed are not with a single seed, on average; selected_hypervolume is theirs as they were selected, and
fresh_hypervolume the mean over the seeds, the crashed left out."""

FEASIBILITY = ("objective", "algorithm", "repetition", "n_chosen", "n_rechecked", "n_trainings", "n_feasible", "share")
"""Columns of `recheck_feasibility.csv`, in order; an interface. One row for every complete run on a constrained
objective: n_feasible of the n_trainings with fresh seeds of what it chose, its incumbent or its front, meet the
constraints on validation; share is their ratio."""


def recheck_front(results: Results, fronts: Sequence[Front], folder: Path) -> pd.DataFrame:
    """What dominance among a front's members survives, run by run; no row without a recheck.

    Args:
        results: of the suite.
        fronts: from `analysis.tables.front.final_fronts`.
        folder: the suite's.

    Raises:
        BadInput: a damaged file of the recheck.
    """
    recheck = read(results, folder)
    done = [front for front in fronts if front.run.state == "done" and len(front.rows)]
    rows = [] if recheck is None else [_dominance(results, recheck, front) for front in done]
    return pd.DataFrame(rows, columns=list(FRONT))


def recheck_feasibility(results: Results, fronts: Sequence[Front], folder: Path) -> pd.DataFrame:
    """How often what a run chose is feasible with fresh seeds; no row without a recheck. Arguments as above."""
    recheck = read(results, folder)
    chosen = {(front.run.objective, front.run.algorithm, front.run.repetition): front.rows for front in fronts}
    constrained = {objective.label: objective for objective in results.plan.objectives if objective.constraints}
    rows = [
        _feasibility(results, recheck, constrained[run.objective], run, chosen.get(_key(run)))
        for run in results.runs
        if recheck is not None and run.state == "done" and run.objective in constrained
    ]
    return pd.DataFrame(rows, columns=list(FEASIBILITY))


def _key(run: Run) -> tuple[str, str, int]:
    return run.objective, run.algorithm, run.repetition


def _dominance(results: Results, recheck: Recheck, front: Front) -> dict[str, Any]:
    trials = list(_retrained(results, recheck, front.run, front.rows))
    members = [place for place, trial in enumerate(trials) if trial is not None and len(trial.valid)]
    row: dict[str, Any] = dict(zip(FRONT[:3], _key(front.run), strict=True))
    row |= {"n_front": len(trials), "n_rechecked": len(members), "k": 0, "n_crashed": 0}
    if not members:
        return row
    vectors = [_vectors(results, front.objective, trial) for trial in trials if trial is not None and len(trial.valid)]
    k = min(map(len, vectors))
    seeds = np.stack([one[:k] for one in vectors])  # (members, seeds, metrics)
    box = box_of(front.objective)
    by_seed = [seeds[:, seed] for seed in range(k)]
    return row | {
        "k": k,
        "n_crashed": int(np.isnan(seeds).any(axis=2).sum()),
        "n_survive": int(undominated(seeds.mean(axis=1)).sum()),
        "share_by_seed": exact_mean([float(undominated(points).mean()) for points in by_seed]),
        "selected_hypervolume": hypervolume(front.valid[members], box),
        "fresh_hypervolume": exact_mean(
            [hypervolume(points[~np.isnan(points).any(axis=1)], box) for points in by_seed]
        ),
    }


def _feasibility(
    results: Results, recheck: Recheck, objective: Objective, run: Run, chosen: pd.DataFrame | None
) -> dict[str, Any]:
    if chosen is None:
        place = results.final_incumbent(run)
        chosen = results.evaluations.iloc[[] if place is None else [place]]
    trials = [trial for trial in _retrained(results, recheck, run, chosen) if trial is not None and len(trial.valid)]
    feasible = [_completed(results, objective, trial)[FEASIBLE].to_numpy(dtype=bool) for trial in trials]
    n_trainings, n_feasible = sum(map(len, feasible)), int(sum(one.sum() for one in feasible))
    return dict(zip(FEASIBILITY[:3], _key(run), strict=True)) | {
        "n_chosen": len(chosen),
        "n_rechecked": len(trials),
        "n_trainings": n_trainings,
        "n_feasible": n_feasible,
        "share": n_feasible / n_trainings if n_trainings else math.nan,
    }


def _retrained(results: Results, recheck: Recheck, run: Run, rows: pd.DataFrame) -> Iterator[Retrained | None]:
    """The fresh trainings of some of a run's evaluations; None of those that were not rechecked."""
    values = zip(results.configs(rows), rows["valid_error"], rows["test_error"], strict=True)
    return (recheck.of(_key(run), config, float(valid), float(test)) for config, valid, test in values)


def _completed(results: Results, objective: Objective, trial: Retrained) -> pd.DataFrame:
    """The fresh evaluations with the columns that those of a suite have."""
    return with_feasibility(trial.rows.assign(objective=objective.label, counted=True), results.plan)


def _vectors(results: Results, objective: Objective, trial: Retrained) -> Array:
    """(seeds, metrics) the optimised metrics of fresh trainings, feasible or not; NaN where one came to nothing."""
    rows = _completed(results, objective, trial).assign(**{FEASIBLE: True})
    return valid_vectors(objective, rows)
