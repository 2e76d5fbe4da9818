"""The tables of suites with many objectives: the frames that they are made of, and who makes each."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from analysis.loading.results import Results, Run
from analysis.many_tasks.advice import advice
from analysis.many_tasks.friedman import critical_difference
from analysis.many_tasks.held_out import advice_held_out, advice_summary
from analysis.many_tasks.mean_ranks import mean_ranks, rank_over_budget
from analysis.many_tasks.profiles import data_profiles, performance_profiles
from analysis.many_tasks.ratings import ratings
from analysis.many_tasks.task_map import task_map
from analysis.many_tasks.tasks import IMPROVEMENTS, Task, read_tasks
from analysis.many_tasks.win_rates import win_rates
from analysis.statistics.anytime import Curve
from benchmark.errors import BadInput, is_finite
from benchmark.storage.suite_json import entries_by_label, read_suite_json

FEWEST = 4
"""Objectives from which on a suite says something about tasks."""
OF_PAIRS = ("performance_profiles", "advice", "advice_held_out", "advice_summary")
"""Tables of suites whose repetitions are pairs."""


def has_many_tasks(results: Results) -> bool:
    """Whether a suite has enough objectives, and something to compare on them."""
    plan = results.plan
    return len(plan.objectives) >= FEWEST and len(plan.algorithms) > 1


class ManyTasks:
    """What a suite of many objectives says about its methods, each part made once, when it is asked for.

    Args:
        results: plan and evaluations.
        folder: the suite's, for what its `suite.json` says of each objective.
    """

    def __init__(self, results: Results, folder: Path) -> None:
        self._results, self._folder = results, folder

    @cached_property
    def tasks(self) -> list[Task]:
        entries = planned_entries(self._folder)
        plan = self._results.plan
        found = improvements(self._results)
        return read_tasks(found, ends(self._results, entries), plan.algorithms, paired=plan.paired)

    @cached_property
    def features(self) -> pd.DataFrame:
        """Dimension, fidelity and workers of every task."""
        _, declared = read_suite_json(self._folder)
        return features(self._results, planned_entries(self._folder), declared.get("n_workers", 1))

    @cached_property
    def held_out(self) -> pd.DataFrame:
        return advice_held_out(self.tasks, self.features)

    def makers(self) -> Mapping[str, Callable[[], pd.DataFrame]]:
        """The makers of the tables by name.

        Where repetitions are no pairs there are no performance profiles, for a cost has no least one to be relative
        to, and no advice, for it rests on what is known of the tasks, which other tools do not record.
        """
        makers = self._all_makers()
        return makers if self._results.plan.paired else {name: makers[name] for name in makers if name not in OF_PAIRS}

    def _all_makers(self) -> Mapping[str, Callable[[], pd.DataFrame]]:
        return {
            "task_map": lambda: task_map(self.tasks, self._results.plan.control),
            "mean_ranks": lambda: mean_ranks(self.tasks),
            "critical_difference": lambda: critical_difference(self.tasks),
            "win_rates": lambda: win_rates(self.tasks),
            "ratings": lambda: ratings(self.tasks),
            "performance_profiles": lambda: performance_profiles(self.tasks),
            "data_profiles": lambda: data_profiles(self.tasks),
            "rank_over_budget": lambda: rank_over_budget(self.tasks),
            "advice": lambda: advice(self.tasks, self.features),
            "advice_held_out": lambda: self.held_out,
            "advice_summary": lambda: advice_summary(self.tasks, self.held_out),
        }


def planned_entries(folder: Path) -> dict[str, dict[str, Any]]:
    """What `suite.json` says of every objective, by its label there."""
    return entries_by_label(read_suite_json(folder)[1], "objectives")


def improvements(results: Results) -> pd.DataFrame:
    """The improvements of all runs on the axis of the budget; columns of `analysis.many_tasks.tasks.IMPROVEMENTS`."""
    axis = results.plan.axis
    parts = [part for run in results.runs for part in _improvements(run, results.curves([run], axis)[0])]
    runs = [run for run, _ in parts]
    values = np.concatenate([np.empty((0, 3)), *(rows for _, rows in parts)])
    sizes = [len(rows) for _, rows in parts]
    columns: dict[str, Any] = {
        "objective": np.repeat(np.array([run.objective for run in runs], dtype=object), sizes),
        "algorithm": np.repeat(np.array([run.algorithm for run in runs], dtype=object), sizes),
        "repetition": np.repeat([run.repetition for run in runs], sizes),
    }
    columns |= dict(zip(("runtime", "valid_error", "test_error"), values.T, strict=True))
    return pd.DataFrame(columns, columns=list(IMPROVEMENTS))


def ends(results: Results, entries: Mapping[str, Mapping[str, Any]]) -> pd.DataFrame:
    """The fixed ends of every objective; columns of `analysis.many_tasks.tasks.ENDS` and the two that it may have.

    Where a metric declares no typical value its chance value takes its place. A typical training costs one trial,
    or the objective's largest number of epochs, or the typical seconds that the plan states.

    Args:
        results: plan and evaluations.
        entries: what `suite.json` says of each objective, by its label there.
    """
    plan, rows = results.plan, []
    axis = plan.axis
    for objective in plan.objectives:
        metric, entry = objective.metric, entries[objective.key]
        typical = metric.chance if metric.typical is None else metric.typical
        costs = {"trials": 1, "epochs": entry.get("max_epochs"), "runtime": entry.get("typical_seconds")}
        wanted = "test_error" if plan.endpoint == "score" else plan.endpoint
        rows.append(
            {
                "objective": objective.label,
                "best": math.nan if metric.best is None else metric.own(metric.best),
                "typical": math.nan if typical is None else metric.own(typical),
                "horizon": plan.horizon(objective.label),
                "typical_seconds": _cost(objective.key, costs[axis]),
                "endpoint": results.endpoint_of(objective.label, wanted),
            }
        )
    return pd.DataFrame(rows)


def features(results: Results, entries: Mapping[str, Mapping[str, Any]], n_workers: int) -> pd.DataFrame:
    """What is known of every objective beforehand; columns of `analysis.many_tasks.advice.FEATURES`."""
    rows = [
        {
            "objective": objective.label,
            "dimension": len(objective.space),
            "fidelity": entries[objective.key].get("max_epochs", 1) > 1,
            "n_workers": n_workers,
        }
        for objective in results.plan.objectives
    ]
    return pd.DataFrame(rows)


def _cost(objective: str, value: Any) -> float:
    if value is not None and not (is_finite(value) and value > 0):
        raise BadInput(f"objectives.{objective}: a typical training costs {value!r}: need a number > 0, or null")
    return math.nan if value is None else float(value)


def _improvements(run: Run, curve: Curve) -> Iterator[tuple[Run, np.ndarray]]:
    """The run with (n, 3) times, validation and test errors: its improvements, and a last row if it is not complete."""
    if not run.aggregated:
        yield run, np.array([[0.0, math.nan, math.nan]])
        return
    rows = np.stack([curve.t, curve.valid, curve.test], axis=1)[~np.isnan(curve.valid)]
    yield run, rows[np.append(True, rows[1:, 1] != rows[:-1, 1])[: len(rows)]]
    if run.state == "failed" or not len(rows):
        yield run, np.array([[curve.t[-1] if len(curve.t) else 0.0, math.inf, math.nan]])
