"""Performance profiles and data profiles: how often, and how soon, methods solve tasks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from analysis.many_tasks.tasks import Task, taking_part
from analysis.statistics.anytime import Array

TARGET = 0.1
"""The normalised regret with which a run has solved its task: nine tenths of the way from a typical configuration to
the best one."""

PERFORMANCE_PROFILES = ("algorithm", "tau", "share", "n")
DATA_PROFILES = ("algorithm", "trainings", "share", "n")
"""Columns of the two tables: rows are the corners of right-continuous step functions, so that a share holds until the
next row; the first row is at tau = 1, or at 0 trainings. n counts (task, repetition)."""


def performance_profiles(tasks: Sequence[Task], target: float = TARGET) -> pd.DataFrame:
    """The profiles of Dolan and Moré (Math. Program. 91, 2002); columns `PERFORMANCE_PROFILES`.

    A problem is a repetition of a task that all methods finished. A method's cost is when its run first has a
    normalised regret of `target` or less, infinite if it never has within the horizon. share is the part of all
    problems that it solves at no more than tau times the least cost of any method; a problem that nobody solves counts
    as unsolved by all. Profiles depend on who takes part.
    """
    there = taking_part(tasks)
    names = [name for name, here in zip(_algorithms(tasks), there, strict=True) if here]
    reached = [task.reached(target)[there] for task in tasks if task.has_ends]
    costs = np.concatenate([np.empty((len(names), 0)), *reached], axis=1)
    costs = costs[:, ~np.isnan(costs).any(axis=0)]
    rows = [
        (name, *corner)
        for name, mine in zip(names, _ratios(costs), strict=True)
        for corner in _corners(mine, first=1.0)
    ]
    return pd.DataFrame(rows, columns=list(PERFORMANCE_PROFILES))


def data_profiles(tasks: Sequence[Task], target: float = TARGET) -> pd.DataFrame:
    """The profiles of Moré and Wild (SIAM J. Optim. 20, 2009); columns `DATA_PROFILES`.

    share is the part of a method's finished runs that have solved their task, as above, within so many typical
    trainings of it. Only tasks take part that have ends and say what a typical training costs. No method depends on
    another.
    """
    usable = [task for task in tasks if task.has_ends and task.typical_seconds > 0]
    trainings = [task.reached(target) / task.typical_seconds for task in usable]
    joined = np.concatenate([np.empty((len(_algorithms(tasks)), 0)), *trainings], axis=1)
    rows = [
        (name, *corner)
        for name, mine in zip(_algorithms(tasks), joined, strict=True)
        for corner in _corners(mine[~np.isnan(mine)], first=0.0)
    ]
    return pd.DataFrame(rows, columns=list(DATA_PROFILES))


def _algorithms(tasks: Sequence[Task]) -> tuple[str, ...]:
    return tasks[0].algorithms if tasks else ()


def _ratios(costs: Array) -> Array:
    """Costs relative to the least of each column; infinite ones stay so, and what is solved at once has the ratio 1."""
    least = costs.min(axis=0, initial=np.inf)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratios = np.where(costs == least, 1.0, costs / least)
    return np.where(np.isinf(costs), np.inf, ratios)


def _corners(costs: Array, *, first: float) -> Iterator[tuple[float, float, int]]:
    """Cost, share of costs up to it, and number of costs, at `first` and wherever the share rises."""
    n = len(costs)
    if not n:
        return
    at, counts = np.unique(costs[np.isfinite(costs)], return_counts=True)
    if not len(at) or at[0] > first:
        at, counts = np.append(first, at), np.append(0, counts)
    for cost, share in zip(at.tolist(), (np.cumsum(counts) / n).tolist(), strict=True):
        yield cost, share, n
