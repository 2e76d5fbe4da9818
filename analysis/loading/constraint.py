"""The constraints of an objective, as its entry in `suite.json` declares them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from analysis.loading.metric import Metric
from analysis.statistics.anytime import Array
from benchmark.errors import BadInput, is_finite, nearest_match, short_repr

KEYS = {"metric", "lower", "upper"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Constraint:
    """Bounds of a metric, in its own direction and unit; a value that equals a bound is allowed.

    Attributes:
        lower, upper: None: there is no such bound.
    """

    metric: str
    lower: float | None = None
    upper: float | None = None

    @property
    def text(self) -> str:
        """The bounds in words: `latency_ms in 1..5`, `accuracy >= 0.9`."""
        if self.lower is None:
            return f"{self.metric} <= {self.upper:g}"
        return (
            f"{self.metric} >= {self.lower:g}"
            if self.upper is None
            else f"{self.metric} in {self.lower:g}..{self.upper:g}"
        )

    def violations(self, values: Array) -> Array:
        """By how much values lie beyond a bound, 0 where they lie beyond none; NaN where a value is."""
        low = -np.inf if self.lower is None else self.lower
        high = np.inf if self.upper is None else self.upper
        return np.maximum(0.0, np.maximum(low - values, values - high))


def read_constraints(label: str, given: Any, metrics: Sequence[Metric]) -> tuple[Constraint, ...]:
    """Read the constraints of an objective from its entry in `suite.json`; None are none.

    Raises:
        BadInput: no such list, an unknown metric, or bounds that are not allowed.
    """
    if given is None:
        return ()
    if not isinstance(given, list):
        raise BadInput(f"constraints of {label} = {short_repr(given)}: need a list of tables")
    return tuple(_constraint(f"constraints of {label}", entry, [metric.name for metric in metrics]) for entry in given)


def _constraint(field: str, entry: Any, names: Sequence[str]) -> Constraint:
    if not isinstance(entry, dict) or not set(entry) <= KEYS:
        raise BadInput(f"{field}: {short_repr(entry)}: need a table of metric, lower and upper")
    name, bounds = entry.get("metric"), {side: entry.get(side) for side in ("lower", "upper")}
    if name not in names:
        raise BadInput(f"{field}: metric = {short_repr(name)}: no such metric{nearest_match(str(name), names)}")
    given = [bound for bound in bounds.values() if bound is not None]
    if not given or not all(map(is_finite, given)) or given != sorted(given):
        raise BadInput(f"{field}: {name}: {short_repr(bounds)}: need a lower or an upper bound, or lower up to upper")
    return Constraint(
        metric=str(name), **{side: None if bound is None else float(bound) for side, bound in bounds.items()}
    )
