"""The tables of feasibility: how many runs have met the constraints by when, and whether what was chosen meets them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from analysis.loading.metric_values import FEASIBLE, TEST_VIOLATION, VIOLATION
from analysis.loading.plan import Objective
from analysis.loading.records import WORTHLESS
from analysis.loading.results import AXES, Results, Run
from analysis.statistics.anytime import Array, Curve
from analysis.statistics.bands import changes, thinned, values
from analysis.statistics.pairwise import share_interval
from analysis.statistics.quantiles import quantile
from analysis.tables.front import Front

FEASIBILITY = (
    "objective", "algorithm", "axis", "t", "n_runs", "n_feasible", "share",
    "violation_q25", "violation_median", "violation_q75",
)  # fmt: skip
"""Columns of `feasibility.csv`, in order; an interface. Of every constrained objective: n_feasible of the n_runs that
are complete or failed have an incumbent at t, that is, a feasible trial; a failed run has none after its last event.
violation_*: quartiles over runs of the least violation so far, the sum of what lies beyond the bounds, each in its
metric's unit; 0 from the first feasible trial on, inf while nothing is measured, empty unless every run is defined.
Rows: see `analysis.statistics.bands.thinned`."""

RUNS = (
    "objective", "algorithm", "repetition", "state", "n_evaluations", "n_feasible", "n_infeasible", "n_failed",
    "t_first", "least_violation", "n_chosen", "n_chosen_tested", "n_chosen_feasible",
)  # fmt: skip
"""Columns of `feasibility_runs.csv`, one row a planned run: evaluations within the budget, of which n_failed came to
nothing; t_first: runtime of the first feasible one, inf without. n_chosen: 1 for an incumbent, or the members of the
final front; n_chosen_tested of them have their constrained metrics known on the test set, and n_chosen_feasible meet
the constraints there."""

SUMMARY = (
    "objective", "algorithm", "n", "n_with_feasible", "t_first_median", "n_evaluations", "n_infeasible", "n_failed",
    "n_chosen_tested", "share_chosen_feasible", "share_lo", "share_hi",
)  # fmt: skip
"""Columns of `feasibility_summary.csv`, one row a cell, over the n runs that are complete or failed.
share_chosen_feasible of n_chosen_tested chosen configurations meet the constraints on the test set; share_lo and
share_hi are Wilson's 95 % interval where every run chooses one, and empty for fronts, whose members are not
independent."""


def constrained(results: Results) -> list[Objective]:
    """The objectives that have constraints."""
    return [objective for objective in results.plan.objectives if objective.constraints]


def feasibility_notes(results: Results) -> Iterator[tuple[str, str]]:
    """Say on which objectives no trial is feasible; the objective's label, and a sentence."""
    for objective in constrained(results):
        mine = results.evaluations[results.evaluations["objective"] == objective.label]
        if len(mine) and not mine[FEASIBLE].any():
            bounds = " and ".join(constraint.text for constraint in objective.constraints)
            yield (
                objective.label,
                f"none of {len(mine)} trials meets the constraint {bounds}, so there is no incumbent.",
            )


def feasibility_table(results: Results) -> pd.DataFrame:
    """Shares of runs with a feasible trial, and least violations, over time on the three axes."""
    labels = {objective.label for objective in constrained(results)}
    parts = [
        _over_time(results, [run for run in runs if run.aggregated], axis).assign(
            objective=objective, algorithm=algorithm, axis=axis
        )
        for objective, algorithm, runs in results.cells()
        if objective in labels
        for axis in AXES
    ]
    return pd.concat(parts, ignore_index=True)[list(FEASIBILITY)]


def feasibility_runs(results: Results, fronts: Sequence[Front]) -> pd.DataFrame:
    """One row a planned run on a constrained objective, in the order of the plan.

    Args:
        results: of the suite.
        fronts: from `analysis.tables.front.final_fronts`, for what was chosen where several metrics are optimised.
    """
    chosen = {(front.run.objective, front.run.algorithm, front.run.repetition): front.rows for front in fronts}
    labels = {objective.label for objective in constrained(results)}
    rows = [_run(results, run, chosen) for run in results.runs if run.objective in labels]
    return pd.DataFrame(rows, columns=list(RUNS))


def feasibility_summary(results: Results, runs: pd.DataFrame) -> pd.DataFrame:
    """One row a cell.

    Args:
        results: for the order of the plan.
        runs: from `feasibility_runs`.
    """
    cells = [(objective, algorithm) for objective in constrained(results) for algorithm in results.plan.algorithms]
    return pd.DataFrame([_summary(runs, *cell) for cell in cells], columns=list(SUMMARY))


def _over_time(results: Results, runs: list[Run], axis: str) -> pd.DataFrame:
    found = results.curves(runs, axis)
    least = list(_least_violations(results, runs, axis))
    grid = changes(least, "valid")  # With the first feasible trials, at which a violation falls to 0.
    grid = grid[thinned(grid)]
    n_feasible = np.count_nonzero(~np.isnan(values(found, grid, "valid")), axis=0)
    violations = values(least, grid, "valid")
    columns = {"t": grid, "n_runs": len(runs), "n_feasible": n_feasible, "share": n_feasible / max(len(runs), 1)}
    for name, share in (("q25", Fraction(1, 4)), ("median", Fraction(1, 2)), ("q75", Fraction(3, 4))):
        columns[f"violation_{name}"] = _quantile(violations, share)
    return pd.DataFrame(columns)


def _least_violations(results: Results, runs: list[Run], axis: str) -> Iterator[Curve]:
    for run in runs:
        rows = results.evaluations.iloc[run.rows]
        rows = rows[rows["counted"]]
        least = np.minimum.accumulate(rows[VIOLATION].to_numpy())
        yield Curve(t=rows[AXES[axis]].to_numpy(dtype=np.float64), valid=least, test=least, carried=run.state == "done")


def _quantile(runs: Array, share: Fraction) -> Array:
    """The quantile over runs (n, g); NaN unless all are defined."""
    defined = ~np.isnan(runs).any(axis=0) & (len(runs) > 0)
    found = np.full(runs.shape[1], np.nan)
    if defined.any():
        found[defined] = quantile(np.sort(runs[:, defined].T, axis=1), share)
    return found


def _run(results: Results, run: Run, fronts: dict[tuple[str, str, int], pd.DataFrame]) -> dict[str, Any]:
    rows = results.evaluations.iloc[run.rows]
    rows = rows[rows["counted"]]
    failed, feasible = rows["state"].isin(WORTHLESS), rows[FEASIBLE]
    chosen = fronts.get((run.objective, run.algorithm, run.repetition))
    if chosen is None:
        place = results.final_incumbent(run)
        chosen = results.evaluations.iloc[[] if place is None else [place]]
    tested = chosen[TEST_VIOLATION].dropna()
    return {
        "objective": run.objective,
        "algorithm": run.algorithm,
        "repetition": run.repetition,
        "state": run.state,
        "n_evaluations": len(rows),
        "n_feasible": feasible.sum(),
        "n_infeasible": (~feasible & ~failed).sum(),
        "n_failed": failed.sum(),
        "t_first": rows["end"][feasible].min() if feasible.any() else math.inf,
        "least_violation": rows[VIOLATION].min() if len(rows) else math.nan,
        "n_chosen": len(chosen),
        "n_chosen_tested": len(tested),
        "n_chosen_feasible": (tested == 0.0).sum(),
    }


def _summary(runs: pd.DataFrame, objective: Objective, algorithm: str) -> dict[str, Any]:
    mine = runs[(runs["objective"] == objective.label) & (runs["algorithm"] == algorithm)]
    mine = mine[mine["state"].isin(["done", "failed"])]
    tested, feasible = mine["n_chosen_tested"].sum(), mine["n_chosen_feasible"].sum()
    share = feasible / tested if tested else math.nan
    limits = (math.nan, math.nan)
    if tested and not objective.is_multi_objective:
        limits = tuple(share_interval(np.array([share]), np.zeros(1), int(tested))[0])
    times = np.sort(mine["t_first"].to_numpy(dtype=np.float64))
    return {
        "objective": objective.label,
        "algorithm": algorithm,
        "n": len(mine),
        "n_with_feasible": (mine["n_feasible"] > 0).sum(),
        "t_first_median": float(quantile(times[np.newaxis], Fraction(1, 2))[0]) if len(times) else math.nan,
        **{name: mine[name].sum() for name in ("n_evaluations", "n_infeasible", "n_failed")},
        "n_chosen_tested": tested,
        "share_chosen_feasible": share,
        "share_lo": limits[0],
        "share_hi": limits[1],
    }
