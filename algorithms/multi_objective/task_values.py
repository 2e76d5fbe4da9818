"""Reads what a method for several metrics or constraints needs of a result, and refuses tasks that it cannot do."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from objectives.task import Constraint, Task


def require_metrics(method: str, task: Task, least: int, most: int | None = None) -> None:
    """Refuse a task whose optimised metrics are too few or too many for a method.

    Raises:
        ValueError: says how many the method takes and which the task has.
    """
    names = [metric.name for metric in task.optimised]
    if least <= len(names) <= (most or math.inf):
        return
    takes = f"{least} or more" if most is None else str(least) if least == most else f"{least} to {most}"
    plural = "" if takes == "1" else "s"
    raise ValueError(
        f"{method} takes {takes} optimised metric{plural}, and the task has {len(names)}: {', '.join(names)}; the first"
        " metric and those with a reference are optimised, so give a metric one or leave it out"
    )


def require_constraints(method: str, task: Task, instead: str) -> None:
    """Refuse a task without constraints.

    Raises:
        ValueError: says what to use instead.
    """
    if not task.constraints:
        raise ValueError(f"{method} takes a task with constraints, and this one has none: use {instead}")


def refuse_constraints(method: str, task: Task) -> None:
    """Refuse a task with constraints.

    Raises:
        ValueError: names the constrained metrics.
    """
    if task.constraints:
        named = ", ".join(constraint.metric for constraint in task.constraints)
        raise ValueError(f"{method} takes no constraints, and the task constrains {named}")


def read_outcome(task: Task, error: float, info: Any) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Read from a result the optimised metrics and by how much each bound of each constraint is exceeded.

    Returns:
        The metrics in minimised form, of which `error` is the first one's, and the excesses, which are negative
        within a bound: +inf for what was not measured, and for all of it where training failed.

    Raises:
        ValueError: a result that came without the metrics that are needed.
    """
    metrics = info.get("metrics") if isinstance(info, Mapping) else None
    if metrics is None and math.isfinite(error) and (len(task.optimised) > 1 or task.constraints):
        raise ValueError(f"info = {info!r}: need the trial's metrics, as a mapping under the key 'metrics'")
    others = task.optimised[1:]
    values = {name: value for name, value in (metrics or {}).items() if value is not None and math.isfinite(value)}
    errors = [metric.to_error(values[metric.name]) if metric.name in values else math.inf for metric in others]
    return (error, *errors), tuple(itertools.chain(*(_excesses(each, values) for each in task.constraints)))


def _excesses(constraint: Constraint, values: Mapping[str, float]) -> Iterator[float]:
    value = values.get(constraint.metric)
    if constraint.upper is not None:
        yield math.inf if value is None else value - constraint.upper
    if constraint.lower is not None:
        yield math.inf if value is None else constraint.lower - value


def total_violations(amounts: np.ndarray) -> np.ndarray:
    """Sum what (n, c) excesses are beyond their bounds, each in units of the largest: (n,), 0 where all hold."""
    beyond = np.maximum(amounts, 0.0)
    largest = np.where(np.isfinite(beyond), beyond, 0.0).max(axis=0, initial=0.0)
    totals: np.ndarray = (beyond / np.where(largest > 0, largest, 1.0)).sum(axis=1)
    return totals
