"""A task: what of an objective's outcomes is to be optimised, and which constraints hold."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any

from objectives.metric import Metric

BOUNDS = ("lower", "upper")


@dataclass(frozen=True, slots=True)
class Constraint:
    """Bounds on a metric, in its own direction and unit; a value on a bound is feasible.

    Attributes:
        metric: name of the metric.
        lower: the least feasible value, or None.
        upper: the greatest feasible value, or None.

    Raises:
        ValueError: neither bound is given, one is no finite number, or the lower one is above the upper one.
    """

    metric: str
    _: KW_ONLY
    lower: float | None = None
    upper: float | None = None

    def __post_init__(self) -> None:
        for field in BOUNDS:
            bound = getattr(self, field)
            is_number = isinstance(bound, int | float) and not isinstance(bound, bool) and math.isfinite(bound)
            if bound is not None and not is_number:
                raise ValueError(f"{self.metric}.{field} = {bound!r}: need a finite number")
        if self.lower is None and self.upper is None:
            raise ValueError(f"{self.metric}: it has no bound; need lower, upper or both")
        if self.lower is not None and self.upper is not None and self.lower > self.upper:
            raise ValueError(f"{self.metric}.lower = {self.lower!r}: need a number not above upper = {self.upper!r}")

    def violation(self, value: float | None) -> float:
        """Return by how much a value is beyond the bound: 0 where it is feasible, inf where it is not measured."""
        if value is None or not math.isfinite(value):
            return math.inf
        below = 0.0 if self.lower is None else self.lower - value
        above = 0.0 if self.upper is None else value - self.upper
        return max(0.0, below, above)

    def describe(self) -> dict[str, Any]:
        """Describe the constraint in JSON."""
        bounds = {"lower": self.lower, "upper": self.upper}
        return {"metric": self.metric} | {name: None if b is None else float(b) for name, b in bounds.items()}


def as_constraints(declared: Any) -> tuple[Constraint, ...]:
    """Make constraints of what a suite or a call declares.

    Args:
        declared: a mapping from names of metrics to tables of `lower` and `upper`, or a list of constraints.

    Raises:
        ValueError: it is none of these, or makes no sense; the message names the metric.
    """
    if isinstance(declared, list | tuple) and all(isinstance(constraint, Constraint) for constraint in declared):
        return tuple(declared)
    if not isinstance(declared, Mapping):
        need = "need a table by metric, such as { latency_ms = { upper = 5 } }"
        raise ValueError(f"constraints = {declared!r}: {need}")
    return tuple(_as_constraint(name, table) for name, table in declared.items())


def _as_constraint(name: str, table: Any) -> Constraint:
    if isinstance(table, Constraint):
        return table
    if not isinstance(table, Mapping):
        raise ValueError(f"constraints.{name} = {table!r}: need a table of bounds, as {{ upper = 5 }}")
    for key in table:
        if key not in BOUNDS:
            close = difflib.get_close_matches(str(key), BOUNDS, n=1, cutoff=0.5)
            hint = f' (did you mean "{close[0]}"?)' if close else ""
            raise ValueError(f"constraints.{name}.{key}: unknown key, allowed are {', '.join(BOUNDS)}{hint}")
    try:
        return Constraint(name, **table)
    except ValueError as error:
        raise ValueError(f"constraints.{error}") from error


@dataclass(frozen=True, slots=True)
class Task:
    """The metrics of an objective and the constraints on them, as an algorithm meets them.

    The first metric is optimised, and every further one that has a reference value; the others are only recorded. In
    minimised form, a metric that is better the greater it is counts as its negative.

    Attributes:
        metrics: all that a trial comes to.
        constraints: what makes a trial feasible; none: every trial is.

    Raises:
        ValueError: a constraint is on an unknown metric, two are on the same, none can hold, or several metrics are
            optimised and the first one has neither a reference nor a chance value.
    """

    metrics: tuple[Metric, ...]
    constraints: tuple[Constraint, ...] = ()

    def __post_init__(self) -> None:
        constrained = [constraint.metric for constraint in self.constraints]
        for constraint in self.constraints:
            self._check_constraint(constraint)
            if constrained.count(constraint.metric) > 1:
                raise ValueError(f"constraints: {constraint.metric!r} is there twice; give lower and upper together")
        first = self.optimised[0]
        if self.is_multi_objective and first.reference is None:
            others = ", ".join(metric.name for metric in self.optimised[1:])
            raise ValueError(
                f"metrics.{first.name}.reference: missing; {others} is optimised besides it, so declare a reference or "
                f"chance value of {first.name}, beyond which nothing counts, or give the others no reference"
            )

    def _check_constraint(self, constraint: Constraint) -> None:
        named = {metric.name: metric for metric in self.metrics}
        metric = named.get(constraint.metric)
        if metric is None:
            close = difflib.get_close_matches(constraint.metric, named, n=1, cutoff=0.5)
            hint = f' (did you mean "{close[0]}"?)' if close else ""
            raise ValueError(f"constraints: {constraint.metric!r} is no metric, there are {', '.join(named)}{hint}")
        field, bound = ("upper", constraint.upper) if metric.goal == "min" else ("lower", constraint.lower)
        if metric.best is not None and bound is not None and metric.to_error(bound) < metric.to_error(metric.best):
            raise ValueError(
                f"constraints.{metric.name}.{field} = {bound!r}: no trial can be feasible, the best value that there "
                f"can be is {metric.best!r}"
            )

    @property
    def optimised(self) -> tuple[Metric, ...]:
        """The metrics that are optimised; of several, the first one's reference is its chance value by default."""
        first, *others = self.metrics
        further = [metric for metric in others if metric.reference is not None]
        if further and first.reference is None and first.chance is not None:
            first = replace(first, reference=first.chance)
        return (first, *further)

    @property
    def is_multi_objective(self) -> bool:
        """Whether several metrics are optimised."""
        return len(self.optimised) > 1

    @property
    def references(self) -> tuple[float | None, ...]:
        """The reference of every optimised metric in minimised form; None only where there is but one metric."""
        return tuple(_minimised(metric, metric.reference) for metric in self.optimised)

    @property
    def ideals(self) -> tuple[float | None, ...]:
        """The best value of every optimised metric in minimised form, None where it is not declared."""
        return tuple(metric.best_error for metric in self.optimised)

    def errors(self, values: Mapping[str, float | None]) -> tuple[float, ...] | None:
        """Return the optimised metrics in minimised form; None where one of them is not measured or not finite."""
        errors = [_minimised(metric, values.get(metric.name)) for metric in self.optimised]
        finite = tuple(error for error in errors if error is not None and math.isfinite(error))
        return finite if len(finite) == len(errors) else None

    def violations(self, values: Mapping[str, float | None]) -> tuple[float, ...]:
        """Return by how much each constraint is violated, in the unit of its metric."""
        return tuple(constraint.violation(values.get(constraint.metric)) for constraint in self.constraints)

    def is_feasible(self, values: Mapping[str, float | None]) -> bool:
        """Return whether every constraint holds."""
        return not self.constraints or not any(self.violations(values))


def non_dominated(vectors: Sequence[tuple[float, ...]]) -> list[bool]:
    """Return of each vector, in minimised form, whether no other is at least as good in all and better in one.

    Equal vectors do not dominate each other.
    """
    return [not any(dominates(other, vector) for other in vectors) for vector in vectors]


def dominates(one: Sequence[float], other: Sequence[float]) -> bool:
    """Return whether a vector in minimised form is at least as good as another in all metrics, and better in one."""
    return all(x <= y for x, y in zip(one, other, strict=True)) and tuple(one) != tuple(other)


def _minimised(metric: Metric, value: float | None) -> float | None:
    return None if value is None else metric.to_error(value)
