"""Configuration spaces: named distributions and conditions, mapped to and from the unit cube."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from objectives.distribution import Categorical, Integer, Ordinal, Scalar, frozen
from objectives.hyperparameter import Condition, Config, Hyperparameter, hyperparameter
from objectives.hyperparameter_name import FIDELITY, argument_name

__all__ = [
    "FIDELITY",
    "Categorical",
    "Condition",
    "Config",
    "Hyperparameter",
    "Integer",
    "Ordinal",
    "Scalar",
    "Space",
    "argument_name",
]


class Space(Mapping[str, Any]):
    """An immutable, ordered mapping from hyperparameter names to distributions.

    Values are `scipy.stats` frozen distributions, `Integer`, `Categorical` or `Ordinal`. Iterating and indexing
    give the distributions back, so code that treats a space as the book's plain dict keeps working.

    A hyperparameter with a condition counts only where that holds. A configuration holds the values
    that count and no others, so that two which train alike are equal.

    Args:
        distributions: by name, parents before the hyperparameters that depend on them.
        conditions: by the name of the hyperparameter that depends.

    Attributes:
        axes: every hyperparameter by name.
        arguments: the name of each as an argument of a function, by name.
        conditions: those given.

    Raises:
        ValueError: an empty space, an unusable name or two that are the same argument, a value that is
            no usable distribution, or a condition that can never or always hold.
    """

    def __init__(self, distributions: Mapping[str, Any], conditions: Mapping[str, Condition] | None = None) -> None:
        if not distributions:
            raise ValueError("space: got no hyperparameters, need at least one")
        self._distributions = {name: frozen(value) for name, value in distributions.items()}
        self._axes = {name: hyperparameter(name, value) for name, value in self._distributions.items()}
        self.axes: Mapping[str, Hyperparameter] = MappingProxyType(self._axes)
        self.arguments: Mapping[str, str] = MappingProxyType(_arguments(self._axes))
        checked = {name: self._condition(name, value) for name, value in (conditions or {}).items()}
        self._conditions = {name: checked[name] for name in self._axes if name in checked}
        self.conditions: Mapping[str, Condition] = MappingProxyType(self._conditions)

    def _condition(self, name: str, condition: Condition) -> Condition:
        """The condition with its parent's own values."""
        earlier = list(self._axes)[: list(self._axes).index(name)] if name in self._axes else None
        if earlier is None:
            raise ValueError(f"condition of {name!r}: no such hyperparameter, there are {list(self._axes)}")
        if condition.parent not in earlier:
            raise ValueError(f"condition of {name}: its parent {condition.parent!r} is not one of {earlier}")
        parent = self._axes[condition.parent]
        if parent.kind == "float":
            raise ValueError(f"condition of {name}: its parent {condition.parent} is continuous")
        values = tuple(parent.check(value) for value in condition.values)
        count = len(parent.choices) or parent.high - parent.low + 1
        if not 0 < len(set(values)) < count:
            raise ValueError(f"condition of {name}: holds for {len(set(values))} of {count} values")
        return Condition(parent=condition.parent, values=values)

    def __reduce__(self) -> tuple[type[Space], tuple[dict[str, Any], dict[str, Condition]]]:
        return Space, (self._distributions, self._conditions)  # Mapping proxies cannot be pickled.

    def __getitem__(self, name: str) -> Any:
        return self._distributions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._distributions)

    def __len__(self) -> int:
        return len(self._distributions)

    def sample(self, rng: np.random.Generator) -> Config:
        """Draw a configuration, every hyperparameter from its own distribution."""
        return self.decode(rng.random(len(self._axes)))

    def resample(self, config: Config, name: str, rng: np.random.Generator) -> Config:
        """Copy `config` with the hyperparameter `name` drawn again.

        Those that begin to count by that are drawn too, those that no longer do are left out.
        """
        changed = {**config, name: self._axes[name].decode(float(rng.random()))}
        if not self._conditions:
            return changed
        resampled: Config = {}
        for other, axis in self._axes.items():
            if self._counts(other, resampled):
                resampled[other] = changed[other] if other in changed else axis.decode(float(rng.random()))
        return resampled

    def active(self, config: Mapping[str, Any]) -> list[str]:
        """Names of the active hyperparameters, in the space's order; `config` may hold more, or lack values."""
        if not self._conditions:
            return list(self._axes)
        names: list[str] = []
        counting: Config = {}
        for name in self._axes:
            if self._counts(name, counting):
                names.append(name)
                if name in config:
                    counting[name] = config[name]
        return names

    def _counts(self, name: str, config: Mapping[str, Any]) -> bool:
        return name not in self._conditions or self._conditions[name].holds(config)

    def encode(self, config: Mapping[str, Any]) -> np.ndarray:
        """Map a configuration to the unit cube, (d,) float64, by the distributions' cdf.

        A hyperparameter that does not count is in the middle, 0.5.
        """
        if not self._conditions:
            return np.array([axis.encode(config[name]) for name, axis in self._axes.items()])
        active = set(self.active(config))
        return np.array([axis.encode(config[name]) if name in active else 0.5 for name, axis in self._axes.items()])

    def decode(self, unit: np.ndarray) -> Config:
        """Map a point of the unit cube, (d,) in [0, 1], to a configuration by inverse cdf."""
        places = unit.tolist()
        full = {name: axis.decode(place) for (name, axis), place in zip(self._axes.items(), places, strict=True)}
        return {name: full[name] for name in self.active(full)} if self._conditions else full

    def check(self, config: Mapping[str, Any]) -> Config:
        """Check a configuration; return it in the space's order, with native Python scalars.

        Values that do not count are dropped, after they were checked like the others.

        Raises:
            ValueError: a missing or unknown name, a wrong type, or a value out of range.
        """
        for name in config:
            if name not in self._axes:
                raise ValueError(f"{name!r}: no such hyperparameter, there are {list(self._axes)}")
        checked = {name: axis.check(config[name]) for name, axis in self._axes.items() if name in config}
        needed = self.active(checked) if self._conditions else self._axes
        for name in needed:
            if name not in checked:
                raise ValueError(f"{name}: missing from configuration {dict(config)!r}")
        return {name: checked[name] for name in needed}

    def check_proposal(self, config: Mapping[str, Any]) -> Config:
        """Check what an algorithm proposes, as `check`; a finite space lets values between its own pass."""
        return self.check(config)

    def nearest(self, config: Config) -> Config:
        """The configuration that is trained for a proposal: itself, in a finite space the nearest of its own."""
        return config

    def levels(self, name: str, count: int) -> list[Scalar]:
        """At most `count` distinct values of one hyperparameter, evenly spread in probability."""
        axis = self._axes[name]
        if axis.choices:
            return list(axis.choices)
        if axis.kind == "int" and axis.plain:
            count = min(count, axis.high - axis.low + 1)
        return list(dict.fromkeys(axis.decode((i + 0.5) / count) for i in range(count)))

    def discretised(self, count: int) -> Space:
        """Return the finite space of `levels(name, count)`; parents of conditions keep all their values."""
        parents = {condition.parent for condition in self._conditions.values()}
        finite: dict[str, Any] = {}
        for name, axis in self._axes.items():
            keeps_all = name in parents and not axis.choices
            values = range(axis.low, axis.high + 1) if keeps_all else self.levels(name, count)
            finite[name] = self._distributions[name] if axis.choices else Ordinal(values)  # type: ignore[arg-type]
        return Space(finite, self._conditions)

    def describe(self) -> dict[str, dict[str, Any]]:
        """Describe the space in JSON: kind, bounds, scale or choices of each hyperparameter, and its condition."""
        described = {name: axis.describe() for name, axis in self._axes.items()}
        for name, condition in self._conditions.items():
            described[name]["when"] = {"parent": condition.parent, "values": list(condition.values)}
        return described

    def bound_to(self, rng: np.random.Generator) -> Space:
        """Copy the space so that `rvs()` of its distributions draws from `rng`, not from numpy's global state."""
        bound = {name: copy.deepcopy(value) for name, value in self._distributions.items()}
        for value in bound.values():
            value.random_state = rng
        return self._with(bound)

    def _with(self, distributions: Mapping[str, Any]) -> Space:
        """The same space of other distributions."""
        return Space(distributions, self._conditions)


def _arguments(names: Mapping[str, Any]) -> dict[str, str]:
    """Names as arguments; two that would be the same are refused."""
    first: dict[str, str] = {}
    for name in names:
        other = first.setdefault(argument_name(name), name)
        if other != name:
            raise ValueError(
                f"hyperparameter names {other!r} and {name!r}: both are the argument {argument_name(name)}"
            )
    return {name: argument for argument, name in first.items()}
