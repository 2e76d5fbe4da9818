"""The spaces that a plan declares: axes with bounds, choices and conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from benchmark.errors import BadInput, is_finite, require_value

SEPARATORS = str.maketrans(".-:/", "____")
"""Characters that a name may hold besides those of identifiers, as in `optimizer.lr`."""


LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Hyperparameter:
    """One axis of a space: its kind, its bounds and scale, its choices, and when it counts.

    Attributes:
        when: an earlier axis and the values with which this one counts; None: always.
        optional: whether configurations may lack it for reasons that are not known, as those of other tools do.
    """

    name: str
    kind: str
    low: float = -math.inf
    high: float = math.inf
    log: bool = False
    choices: tuple[Any, ...] = ()
    when: tuple[str, tuple[Any, ...]] | None = None
    optional: bool = False

    @property
    def conditional(self) -> bool:
        """Whether some configurations do not hold it."""
        return self.optional or self.when is not None

    def allows(self, value: Any) -> bool:
        """Whether a configuration may hold this value; bounds are left to the objective."""
        return value in self.choices if self.choices else type(value) in (int, float)

    def counts(self, config: Mapping[str, Any]) -> bool:
        """Whether a configuration has to hold a value of this axis; otherwise it holds none."""
        if self.optional:
            return self.name in config
        return self.when is None or (self.when[0] in config and config[self.when[0]] in self.when[1])

    def position(self, value: Any) -> float:
        """Where a value lies between the bounds, in [0, 1], on the scale on which the space is uniform.

        Whole numbers and choices lie in the middle of their equal parts of a linear scale. Exact to double
        precision however large, small or narrow the range is.
        """
        if self.choices:
            return (self.choices.index(value) + 0.5) / len(self.choices)
        low, high, value = self.low, self.high, min(max(value, self.low), self.high)
        if self.kind == "int":  # Half a step wider, in whole numbers, which have no rounding.
            low, high, value = 2 * int(low) - 1, 2 * int(high) + 1, 2 * int(value)
        if low == high:
            return 0.5
        if self.log:
            return min(_log_ratio(value, low) / _log_ratio(high, low), 1.0)
        if self.kind == "float":
            low, high, value = _shrunk(low, high, value)
        return float((value - low) / (high - low))


def _log_ratio(value: float, low: float) -> float:
    """`log(value / low)` of numbers >= low > 0; the quotient may overflow, and may be too near to 1."""
    return math.log1p((value - low) / low) if value < 2 * low else math.log(value) - math.log(low)


def _shrunk(low: float, high: float, value: float) -> tuple[float, float, float]:
    """Bounds and a value between them, divided by a power of two so that their differences cannot overflow."""
    _, exponent = math.frexp(max(abs(low), abs(high)))
    first, last, middle = (math.ldexp(number, -exponent - 1) for number in (low, high, value))
    return first, last, middle


def read_space(label: str, table: Mapping[str, Any], *, any_name: bool = False) -> tuple[Hyperparameter, ...]:
    """The axes of an objective's space, in its order.

    Args:
        label: of the objective.
        table: an axis by name.
        any_name: allow every name that can be shown, as other tools do.

    Raises:
        BadInput: none, or one with a value that is not allowed.
    """
    space: tuple[Hyperparameter, ...] = ()
    for name, axis in table.items():
        _check_name(name, any_name=any_name)
        when = _when(name, axis.get("when"), space)
        space += (replace(_hyperparameter(name, axis), when=when, optional=axis.get("optional") is True),)
    if not space:
        raise BadInput(f"space of {label}: need at least one hyperparameter, got none")
    return space


def _check_name(name: str, *, any_name: bool) -> None:
    if any_name and 1 <= len(name) <= LONGEST_NAME and name.isprintable() and name[0] not in "=+-@":
        return
    if not name.translate(SEPARATORS).isidentifier() or ord(name[0]) in SEPARATORS:
        raise BadInput(f"space: name {name!r}: need an identifier, which may hold . - : / after its first letter")


def _hyperparameter(name: str, axis: Any) -> Hyperparameter:
    kind = axis.get("kind") if isinstance(axis, dict) else None
    if kind == "categorical":
        return Hyperparameter(name=name, kind=kind, choices=_choices(name, require_value(axis, "choices", list)))
    if kind == "ordinal":
        return _ordinal(name, require_value(axis, "choices", list))
    if kind not in ("float", "int"):
        raise BadInput(f"space.{name}.kind = {kind!r}: need float, int, ordinal or categorical")
    low, high = require_value(axis, "low", float | int), require_value(axis, "high", float | int)
    if not (is_finite(low) and is_finite(high) and low <= high):
        raise BadInput(f"space.{name}: low = {low!r}, high = {high!r}: need finite numbers, low at most high")
    return Hyperparameter(name=name, kind=kind, low=low, high=high, log=axis.get("log") is True and low > 0)


def _choices(name: str, values: list[Any]) -> tuple[Any, ...]:
    if not values or not all(isinstance(value, str | bool | None) or is_finite(value) for value in values):
        raise BadInput(f"space.{name}.choices = {values!r}: need texts, numbers, truth values or nulls")
    return tuple(values)


def _ordinal(name: str, values: list[Any]) -> Hyperparameter:
    """Listed numbers; on a logarithmic scale where the middle one is nearer to the middle of that."""
    if not values or not all(map(is_finite, values)):
        raise BadInput(f"space.{name}.choices = {values!r}: need numbers")
    low, middle, high = values[0], values[len(values) // 2], values[-1]
    log = low > 0 and abs(middle - math.sqrt(low) * math.sqrt(high)) < abs(middle - (low + high) / 2)
    return Hyperparameter(name=name, kind="ordinal", low=low, high=high, log=log, choices=tuple(values))


def _when(name: str, when: Any, earlier: tuple[Hyperparameter, ...]) -> tuple[str, tuple[Any, ...]] | None:
    """The condition under which an axis counts, on an axis before it."""
    if when is None:
        return None
    names = [axis.name for axis in earlier]
    if not isinstance(when, dict) or when.get("parent") not in names or not isinstance(when.get("values"), list):
        raise BadInput(f"space.{name}.when = {when!r}: need a table of parent, one of {names}, and values, a list")
    return when["parent"], tuple(when["values"])
