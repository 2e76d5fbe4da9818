"""The optimism of published tables: a value on the seed that it was selected on, beside those of the other seeds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from analysis.loading.metric import OTHER_SEEDS
from analysis.loading.plan import Objective, Plan
from analysis.loading.results import Results, Run
from analysis.statistics.anytime import Array
from analysis.statistics.summaries import median_interval, quartiles

SEED_OPTIMISM = (
    *("objective", "algorithm", "trials", "n", "n_seeds"),
    *("valid_median", "test_median", "optimism", "lo", "hi"),
)
"""Columns of `seed_optimism.csv`: one row for each algorithm and number of evaluations.

valid_median: of the incumbents' values on the seed of their repetition, by which they were selected; test_median: of
the same configurations' means over the other seeds, over the same n runs. optimism: the median of how much better the
first reads than the second, with its 95 % interval over repetitions; these share n_seeds seeds, so it says nothing of
other seeds. Medians, for a loss may be thousands of times the typical one under a single seed.
"""
STEPS = (1, 2, 5)
"""Numbers of evaluations are these times powers of ten, and the last one."""


def leave_one_seed_out(plan: Plan) -> list[Objective]:
    """The objectives whose test values are those of a table's other seeds."""
    return [entry for entry in plan.objectives if entry.origin is not None and entry.origin.test == OTHER_SEEDS]


def seed_optimism_table(results: Results) -> pd.DataFrame:
    """The optimism of the incumbents of the objectives above, over evaluations; columns `SEED_OPTIMISM`."""
    rows = [row for objective in leave_one_seed_out(results.plan) for row in _rows(results, objective)]
    return pd.DataFrame(rows, columns=list(SEED_OPTIMISM))


def seed_notes(plan: Plan) -> list[str]:
    """What a reader must know of tables: that repetitions share seeds, and whose values those of test are."""
    shared: dict[int, list[str]] = {}
    for entry in plan.objectives:
        if entry.origin is not None and entry.origin.seeds < plan.repetitions:
            shared.setdefault(entry.origin.seeds, []).append(entry.label)
    notes = [
        f"{seeds} {'seed' if seeds == 1 else 'seeds'} for {plan.repetitions} repetitions, which share seeds: intervals "
        f"say nothing of other seeds ({_listed(labels)})."
        for seeds, labels in sorted(shared.items())
    ]
    held_out = [entry.label for entry in leave_one_seed_out(plan)]
    if held_out:
        notes.append(
            "test values are means over the seeds of the table that the repetition does not meet, of the same "
            f"configuration and epoch ({_listed(held_out)})."
        )
    return notes


def _listed(labels: list[str], most: int = 6) -> str:
    return ", ".join(labels[:most]) + (f" and {len(labels) - most} more" if len(labels) > most else "")


def _rows(results: Results, objective: Objective) -> Iterator[dict[str, Any]]:
    for label, algorithm, runs in results.cells():
        done = [run for run in runs if run.state == "done"]
        if label != objective.label or not done:
            continue
        pairs = _incumbents(results, done)
        for trials in _counts(max(len(pair) for pair in pairs)):
            both = np.array([pair[min(trials, len(pair)) - 1] for pair in pairs])
            known = both[np.isfinite(both).all(axis=1)]
            yield {
                "objective": label,
                "algorithm": algorithm,
                "trials": trials,
                "n": len(known),
                "n_seeds": min(objective.origin.seeds, results.plan.repetitions) if objective.origin else 0,
                **_moments(known),
            }


def _moments(known: Array) -> dict[str, float]:
    """Medians, and that of the difference with its interval; NaN without a run."""
    if not len(known):
        return dict.fromkeys(SEED_OPTIMISM[5:], np.nan)
    samples = np.stack([*known.T, known[:, 1] - known[:, 0]])
    valid, test, optimism = quartiles(samples)[1]
    [(low, high)] = median_interval(samples[2:])
    return {"valid_median": valid, "test_median": test, "optimism": optimism, "lo": low, "hi": high}


def _incumbents(results: Results, runs: list[Run]) -> list[Array]:
    """(evaluations, 2) validation and test errors of the incumbent after each evaluation, for each run that has any."""
    curves = results.curves(runs, "trials")
    return [np.stack([curve.valid, curve.test], axis=1) for curve in curves if len(curve.t)]


def _counts(most: int) -> list[int]:
    """1, 2, 5, 10, 20, ... and the last number itself."""
    steps = (step * 10**power for power in range(len(str(most))) for step in STEPS)
    return sorted({most, *(step for step in steps if step < most)})
