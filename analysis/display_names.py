"""A study under the names that are shown: tables in files keep the labels, whose folders the ledgers lie in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import pandas as pd

from analysis.loading.plan import Plan
from analysis.loading.results import Results
from analysis.study import Study, Tables

ALGORITHMS = ("algorithm", "a", "b", "better", "other", "advised", "always", "oracle", "best_single")
"""Columns of tables that hold labels of algorithms."""
LISTED = "not_worse"
"""The column of `advice.csv` that lists several."""


def with_display_names(study: Study) -> Study:
    """Return the study with the name to display of every algorithm and objective in the place of its label."""
    plan = study.results.plan
    objectives = {objective.label: objective.display_name for objective in plan.objectives}
    if all(label == name for names in (objectives, plan.display_names) for label, name in names.items()):
        return study
    rename = partial(_renamed, objectives=objectives, algorithms=plan.display_names)
    named = Study(_results(study.results, _plan(plan, objectives), rename), study.folder)
    named.not_drawn = study.not_drawn
    named.make_hypervolume = lambda: with_display_names(study.hypervolume)
    named.tables = Tables({name: partial(_table, study, name, rename) for name in study.tables}, study.not_drawn)
    return named


def _table(study: Study, name: str, rename: Callable[[pd.DataFrame], pd.DataFrame]) -> pd.DataFrame:
    return rename(study.tables[name])


def _renamed(frame: pd.DataFrame, objectives: Mapping[str, str], algorithms: Mapping[str, str]) -> pd.DataFrame:
    """A table with other names; their order is that of the labels."""
    columns = {"objective": objectives} | dict.fromkeys(ALGORITHMS, algorithms)
    named = {name: _named(frame[name], names) for name, names in columns.items() if name in frame}
    if LISTED in frame:
        named[LISTED] = frame[LISTED].map(lambda labels: "; ".join(algorithms.get(a, a) for a in labels.split("; ")))
    return frame.assign(**named)


def _named(column: pd.Series, names: Mapping[str, str]) -> pd.Series:
    """A column of labels by other names; what is no label stays."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.cat.rename_categories([names.get(label, label) for label in column.cat.categories])
    return pd.Series([names.get(label, label) for label in column], index=column.index, dtype=column.dtype)


def _plan(plan: Plan, objectives: Mapping[str, str]) -> Plan:
    names = plan.display_names
    return replace(
        plan,
        objectives=tuple(replace(objective, label=objective.display_name) for objective in plan.objectives),
        algorithms=tuple(names[label] for label in plan.algorithms),
        algorithm_by_label={names[label]: algorithm for label, algorithm in plan.algorithm_by_label.items()},
        control=names[plan.control],
        targets={objectives[label]: errors for label, errors in plan.targets.items()},
    )


def _results(results: Results, plan: Plan, rename: Callable[[pd.DataFrame], pd.DataFrame]) -> Results:
    objectives = {objective.key: objective.label for objective in plan.objectives}
    names = plan.display_names
    return replace(
        results,
        plan=plan,
        runs=tuple(
            replace(run, objective=objectives[run.objective], algorithm=names[run.algorithm]) for run in results.runs
        ),
        evaluations=rename(results.evaluations),
        algorithm_by_label={names[label]: algorithm for label, algorithm in results.algorithm_by_label.items()},
    )
