"""Translates spaces and configurations to terms that every library knows, and back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from objectives.space import Condition, Config, Hyperparameter, Scalar, Space

TINY = 1e-60
"""Ranges narrower, or that reach below it on a logarithmic scale or beyond 1 / TINY, are declared as quantiles."""

MOST_EXACT = 2**53
"""Beyond it doubles leave out integers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coordinate:
    """One hyperparameter in terms that every library knows.

    Attributes:
        name: an identifier: the name as an argument of a function.
        kind: "float" (uniform on its, perhaps logarithmic, scale), "int" (both ends included) or
            "categorical".
        low: least value; None for a categorical.
        high: greatest value; None for a categorical.
        log: whether numbers are spread evenly on a logarithmic scale.
        choices: of a categorical.
        condition: when it counts, with the parent's values as a library sees them; None: always.
    """

    name: str
    kind: Literal["float", "int", "categorical"]
    low: Any = None
    high: Any = None
    log: bool = False
    choices: tuple[Scalar, ...] = ()
    condition: Condition | None = None


class Translation:
    """Declares a space to a library and translates configurations.

    Uniform and log-uniform floats, integers alike and categoricals are declared as they are. An
    ordinal becomes the integer place of its value in the list; any other distribution becomes its
    quantile in [0, 1], so that a library samples it as we do. So do ranges that are no part of
    everyday arithmetic (see `_ordinary`): libraries square widths and divide by bounds.

    Libraries have rules for names, and some split them at dots or slashes. They get each name as
    an argument of a function: `optimizer.lr` is `optimizer_lr`.

    Attributes:
        coordinates: in the space's order.
        axes: the hyperparameters by the libraries' names.

    Raises:
        ValueError: a condition on a hyperparameter that becomes its quantile.
    """

    def __init__(self, space: Space) -> None:
        self.space, self.names = space, dict(space.arguments)  # A mapping proxy cannot be copied.
        self.axes = {self.names[name]: axis for name, axis in space.axes.items()}
        self.coordinates = tuple(self._coordinate(name, axis) for name, axis in space.axes.items())

    def outward(self, config: Mapping[str, Any]) -> dict[str, Scalar]:
        """Translate the active values of a configuration to the library's."""
        active = self.space.active(config)
        return {self.names[name]: _outward(self.space.axes[name], config[name]) for name in active}

    def complete(self, config: Mapping[str, Any]) -> dict[str, Scalar]:
        """Translate to all coordinates, for a library without conditions; inactive ones get their middle value."""
        complete_config = {**{name: axis.decode(0.5) for name, axis in self.space.axes.items()}, **config}
        return {self.names[name]: _outward(axis, complete_config[name]) for name, axis in self.space.axes.items()}

    def inward(self, values: Mapping[str, Any]) -> Config:
        """Translate a library's values to a configuration; inactive ones may be missing.

        Numbers come back in Python's own types and within their bounds, which logarithms and
        exponentials may miss by a rounding.

        Raises:
            ValueError: a value that counts is missing or no value of its hyperparameter.
        """
        native = {name: values[self.names[name]] for name in self.space.axes if self.names[name] in values}
        return self.space.check({name: _inward(self.space.axes[name], value) for name, value in native.items()})

    def _coordinate(self, name: str, axis: Hyperparameter) -> Coordinate:
        condition = self.space.conditions.get(name)
        if condition is not None:
            parent = self.space.axes[condition.parent]
            if not _declared_as_is(parent):  # Declared as its quantile, which never equals a value of the condition.
                raise ValueError(f"condition of {name}: its parent {condition.parent} is not evenly distributed")
            seen = tuple(_outward(parent, value) for value in condition.values)
            condition = Condition(parent=self.names[condition.parent], values=seen)
        name = self.names[name]
        if axis.kind == "categorical":
            return Coordinate(name=name, kind="categorical", choices=axis.choices, condition=condition)
        if axis.kind == "ordinal":
            return Coordinate(name=name, kind="int", low=0, high=len(axis.choices) - 1, condition=condition)
        if not _declared_as_is(axis):
            return Coordinate(name=name, kind="float", low=0.0, high=1.0, condition=condition)
        kind: Literal["float", "int"] = "int" if axis.kind == "int" else "float"
        return Coordinate(name=name, kind=kind, low=axis.low, high=axis.high, log=axis.log, condition=condition)


def _declared_as_is(axis: Hyperparameter) -> bool:
    """Return whether values go to a library as they are, not as quantiles."""
    return axis.plain and (bool(axis.choices) or _ordinary(axis))


def _ordinary(axis: Hyperparameter) -> bool:
    """Return whether bounds and width of a range are far from the ends of doubles, and its integers exact as such."""
    if axis.kind == "int":
        return bool(max(abs(axis.low), abs(axis.high)) <= MOST_EXACT)
    least = axis.low if axis.log else axis.high - axis.low
    return bool(least >= TINY and max(abs(axis.low), abs(axis.high)) <= 1 / TINY)


def _outward(axis: Hyperparameter, value: Any) -> Scalar:
    if axis.kind == "ordinal":
        return axis.choices.index(axis.check(value))
    return axis.check(value) if _declared_as_is(axis) else axis.encode(axis.check(value))


def _inward(axis: Hyperparameter, value: Any) -> Scalar:
    if axis.kind == "categorical":
        return axis.check(value)
    if axis.kind == "ordinal":
        return axis.choices[round(_within(value, 0, len(axis.choices) - 1))]
    if not _declared_as_is(axis):
        return axis.decode(_within(value, 0.0, 1.0))
    number = _within(value, axis.low, axis.high)
    return axis.check(round(number) if axis.kind == "int" else number)


def _within(value: Any, low: float, high: float) -> float:
    return min(max(float(value), low), high)
