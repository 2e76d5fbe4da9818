"""The figures of a suite of many tasks, by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

import pandas as pd
from matplotlib.figure import Figure

from analysis.explanations import OF_SAMPLES
from analysis.figures.advice import advice
from analysis.figures.mean_ranks import mean_ranks
from analysis.figures.profiles import data_profiles, performance_profiles
from analysis.figures.rank_over_budget import rank_over_budget
from analysis.figures.ratings import ratings
from analysis.figures.task_map import task_map
from analysis.figures.win_rates import win_rates
from analysis.loading.plan import Plan

OF_ALGORITHMS: Mapping[str, Callable[..., Figure]] = {
    "mean_ranks": mean_ranks,
    "ratings": ratings,
    "performance_profiles": performance_profiles,
    "data_profiles": data_profiles,
    "rank_over_budget": rank_over_budget,
}
"""Figures of a table of the same name, in which every algorithm has its own look."""


def many_tasks_makers(
    plan: Plan, tables: Mapping[str, pd.DataFrame]
) -> Iterator[tuple[str, Callable[[], Figure | None]]]:
    """Names and makers of the figures of many tasks; none where the suite has too few tasks for their tables."""
    if "mean_ranks" not in tables:
        return
    yield "task_map", partial(_map, plan, tables)
    yield "win_rates", partial(_win_rates, plan, tables)
    for name in OF_ALGORITHMS:
        if name in tables:
            yield name, partial(_of_algorithms, plan, tables, name)
    if "advice" in tables:
        yield "advice", partial(_advice, plan, tables)


def by_mean_rank(tables: Mapping[str, pd.DataFrame]) -> list[str]:
    """The algorithms, that of the least mean rank first, and last those without a finished run, which have no rank."""
    ranked = tables["mean_ranks"].sort_values("mean_rank", kind="stable")["algorithm"]
    return list(dict.fromkeys(map(str, [*ranked, *tables["task_map"]["algorithm"]])))


def _map(plan: Plan, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
    table = tables["task_map"]
    if table.empty:
        return None
    return task_map(table, title=plan.title, control=plan.control, order=by_mean_rank(tables), paired=plan.paired)


def _win_rates(plan: Plan, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
    table = tables["win_rates"]
    if table.empty:
        return None
    return win_rates(table, title=plan.title, order=by_mean_rank(tables), paired=plan.paired)


def _of_algorithms(plan: Plan, tables: Mapping[str, pd.DataFrame], name: str) -> Figure | None:
    table = tables[name]
    if table.empty:
        return None
    how = {"paired": plan.paired} if name in OF_SAMPLES else {}
    return OF_ALGORITHMS[name](table, title=plan.title, algorithms=plan.algorithms, **how)


def _advice(plan: Plan, tables: Mapping[str, pd.DataFrame]) -> Figure | None:
    table = tables["advice"]
    return (
        None if table.empty else advice(table, tables["advice_summary"], title=plan.title, algorithms=plan.algorithms)
    )
