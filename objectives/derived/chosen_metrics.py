"""An objective with the metrics and constraints that a suite chooses, of the metrics which it has or offers."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from objectives.derived.derived import Derived
from objectives.metric import Metric, as_overrides, is_classic, override
from objectives.objective import Objective
from objectives.task import Constraint, as_constraints


@dataclass(frozen=True, kw_only=True)
class ChosenMetrics(Derived):
    """Records some metrics of an objective, the first one of its own first, and constrains some.

    Those that it offers besides follow from the configuration and the run's clock; no training knows them.

    Args:
        chosen: the metrics.
        bounds: constraints on them.
    """

    chosen: tuple[Metric, ...]
    bounds: tuple[Constraint, ...] = ()

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.chosen

    @property
    def trained_metrics(self) -> tuple[Metric, ...]:
        """Those of the objective, as they are chosen; one that is not is only recorded."""
        trained = self.inner.trained_metrics
        if is_classic(trained):
            return trained
        named = {metric.name: metric for metric in self.chosen}
        return tuple(named.get(metric.name, replace(metric, reference=None)) for metric in trained)

    def front(self) -> np.ndarray | None:
        return self.inner.front_of(self.task.optimised, self.constraints)

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        return self.bounds


def choose_metrics(objective: Objective, metrics: Any = None, constraints: Any = None) -> ChosenMetrics:
    """Choose what an objective records and what constrains it.

    A metric that is constrained and not chosen is recorded, and not optimised.

    Args:
        objective: any but a function, which declares its own.
        metrics: as `as_overrides` takes it; None: its own.
        constraints: as `as_constraints` takes it; on a metric that the objective constrains itself, they replace that.

    Raises:
        ValueError: there is no such metric, or the first one is not the objective's.
    """
    own = {metric.name: metric for metric in objective.metrics}
    named = own if metrics is None else {}
    named = {**own, **{metric.name: metric for metric in objective.offered_metrics}, **named}
    first = objective.metrics[0].name
    changes = {metric.name: {} for metric in objective.metrics} if metrics is None else as_overrides(metrics)
    _require_known("metrics", changes, named)
    if next(iter(changes)) != first:
        other = next(iter(changes))
        raise ValueError(f"metrics: {other!r} comes first: algorithms see {first!r}, so begin with it")
    bounds = {constraint.metric: constraint for constraint in objective.constraints}
    bounds |= {constraint.metric: constraint for constraint in as_constraints(constraints or {})}
    _require_known("constraints", bounds, named)
    chosen = [override(named[name], change) for name, change in changes.items()]
    chosen += [replace(named[name], reference=None) for name in bounds if name not in changes]
    return ChosenMetrics(inner=objective, chosen=tuple(chosen), bounds=tuple(bounds.values()))


def _require_known(field: str, names: Mapping[str, Any], allowed: Mapping[str, Any]) -> None:
    for name in names:
        if name not in allowed:
            close = difflib.get_close_matches(name, list(allowed), n=1, cutoff=0.5)
            hint = f' (did you mean "{close[0]}"?)' if close else ""
            raise ValueError(f"{field}: {name!r}: there are {', '.join(allowed)}{hint}")
