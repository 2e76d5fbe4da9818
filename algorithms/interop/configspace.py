"""Translates spaces, conditions included, and configurations to ConfigSpace and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ConfigSpace import (
    CategoricalHyperparameter,
    Configuration,
    ConfigurationSpace,
    EqualsCondition,
    InCondition,
    UniformFloatHyperparameter,
    UniformIntegerHyperparameter,
)
from ConfigSpace.hyperparameters import Hyperparameter

from algorithms.interop.space_translation import Coordinate, Translation
from objectives.space import Config, Scalar, Space

DECIMALS = 13
"""ConfigSpace rounds every float, bounds included, to so many places (its ROUND_PLACES)."""


class Declaration:
    """Declares a space to ConfigSpace and translates configurations.

    A hyperparameter that has one value only is left out: nothing can depend on it, and SMAC's models
    have no place for it. A choice is declared by its index, because choices of several types become
    strings in numpy. A float whose bounds or values ConfigSpace would round is declared by its place
    in [0, 1], so that a least value of 1e-15 does not become zero.

    Args:
        space: the space.
        initial_config: gives the declared defaults, where it has a value.

    Attributes:
        configspace: the declared space; empty where every hyperparameter has one value only.
    """

    def __init__(self, space: Space, initial_config: Mapping[str, Any] | None = None) -> None:
        self.space, self.translation = space, Translation(space)
        self.neutral = self.translation.complete({})
        free = [c for c in self.translation.coordinates if len(c.choices) > 1 or c.low != c.high]
        self.choices = {c.name: c.choices for c in free if c.kind == "categorical"}
        self.placed = {c.name for c in free if c.kind == "float" and not _exact(c)}
        self.names = [c.name for c in free]
        default = {} if initial_config is None else self.declared(initial_config)
        self.configspace = ConfigurationSpace()
        self.configspace.add([self._hyperparameter(c, default.get(c.name)) for c in free])
        self.configspace.add([self._condition(c) for c in free if c.condition is not None])

    def outward(self, config: Mapping[str, Any]) -> Configuration:
        """Translate a configuration to ConfigSpace."""
        return Configuration(self.configspace, values=self.declared(config))

    def inward(self, configuration: Mapping[str, Any]) -> Config:
        """Translate ConfigSpace's values to a configuration."""
        return self.translation.inward({**self.neutral, **{k: self._value(k, v) for k, v in configuration.items()}})

    def declared(self, config: Mapping[str, Any]) -> dict[str, Any]:
        """The active values as they are declared, without constants."""
        values = self.translation.outward(config)
        return {name: self._place(name, values[name]) for name in self.names if name in values}

    def _place(self, name: str, value: Any) -> Any:
        if name in self.choices:
            return self.choices[name].index(value)
        return self.translation.axes[name].encode(value) if name in self.placed else value

    def _value(self, name: str, place: Any) -> Scalar:
        if name in self.choices:
            return self.choices[name][int(place)]
        if name in self.placed:
            return self.translation.axes[name].decode(min(max(float(place), 0.0), 1.0))
        value: Scalar = place
        return value

    def _hyperparameter(self, coordinate: Coordinate, default: Any) -> Hyperparameter[Any, Any]:
        """Declare one hyperparameter; without a default it gets ConfigSpace's own, the middle or the first."""
        name, low, high = coordinate.name, coordinate.low, coordinate.high
        if coordinate.kind == "categorical":
            return CategoricalHyperparameter(name, range(len(coordinate.choices)), default_value=default or 0)
        if coordinate.kind == "int":
            return UniformIntegerHyperparameter(name, low, high, log=coordinate.log, default_value=default)
        if name in self.placed:
            return UniformFloatHyperparameter(name, 0.0, 1.0, default_value=default)
        return UniformFloatHyperparameter(name, low, high, log=coordinate.log, default_value=default)

    def _condition(self, coordinate: Coordinate) -> EqualsCondition | InCondition:
        assert coordinate.condition is not None
        parent = coordinate.condition.parent
        values = [self._place(parent, value) for value in coordinate.condition.values]
        child, parent_declared = self.configspace[coordinate.name], self.configspace[parent]
        if len(values) == 1:
            return EqualsCondition(child, parent_declared, values[0])
        return InCondition(child, parent_declared, values)


def _exact(coordinate: Coordinate) -> bool:
    """Return whether rounding leaves bounds as they are, and six digits of what is between them."""
    least = coordinate.low if coordinate.log else coordinate.high - coordinate.low
    exact = all(round(bound, DECIMALS) == bound for bound in (coordinate.low, coordinate.high))
    return exact and bool(least >= 10.0 ** (6 - DECIMALS))
