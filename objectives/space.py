"""Configuration spaces: named `scipy.stats` distributions, mapped to and from the unit cube."""

from __future__ import annotations

import copy
import math
import numbers
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np

Scalar = bool | int | float | str
Config = dict[str, Scalar]

FIDELITY = "max_epochs"
"""The one reserved key of a configuration: how many epochs the scheduler asks for."""


class Categorical:
    """A choice among unordered scalars, with the sampling methods of a frozen distribution.

    Args:
        choices: distinct strings, integers, booleans or finite floats, all equally likely.

    Raises:
        ValueError: no choices, a choice that is not a JSON scalar, or two that compare equal
            (`1`, `1.0` and `True` do, so they could not be told apart in a record).
    """

    def __init__(self, choices: list[Scalar] | tuple[Scalar, ...]) -> None:
        choices = [choice.item() if isinstance(choice, np.generic) else choice for choice in choices]
        if not choices:
            raise ValueError("categorical choices: got none, need at least one")
        for choice in choices:
            if not isinstance(choice, bool | int | float | str):
                raise ValueError(f"categorical choice {choice!r}: not a string, number or boolean")
            if isinstance(choice, float) and not math.isfinite(choice):
                raise ValueError(f"categorical choice {choice!r}: not finite")
        if len(set(choices)) != len(choices):
            raise ValueError(f"categorical choices {choices!r}: two are equal")
        self.choices = tuple(choices)
        self.random_state: np.random.Generator | None = None

    def ppf(self, quantile: float) -> Scalar:
        """The choice whose cell of width 1/k contains `quantile` in [0, 1]."""
        return self.choices[min(int(quantile * len(self.choices)), len(self.choices) - 1)]

    def cdf(self, value: Scalar) -> float:
        """Upper edge of the cell of `value`; ValueError when it is no choice."""
        return (self.choices.index(value) + 1) / len(self.choices)

    def rvs(self, size: None = None, random_state: np.random.Generator | None = None) -> Scalar:
        """One choice, drawn from `random_state` or from the generator the space was bound to."""
        generator = random_state or self.random_state or np.random.default_rng()
        return self.ppf(float(generator.random()))

    def __repr__(self) -> str:
        return f"Categorical({list(self.choices)!r})"


class Hyperparameter(Protocol):
    """One axis of a space: its values, and their place in [0, 1]."""

    def encode(self, value: Any) -> float: ...
    def decode(self, unit: float) -> Scalar: ...
    def check(self, value: Any) -> Scalar: ...
    def describe(self) -> dict[str, Any]: ...


class _Float:
    """A continuous hyperparameter; closed forms for the two distributions that nearly all are."""

    def __init__(self, name: str, distribution: Any) -> None:
        self.name, self.distribution = name, distribution
        self.low, self.high = _bounds(distribution)
        self.log = distribution.dist.name in ("loguniform", "reciprocal") and _located(distribution)
        self.uniform = distribution.dist.name == "uniform"
        if self.log:
            self.log_low, self.log_range = math.log(self.low), math.log(self.high / self.low)

    def encode(self, value: float) -> float:
        if self.log:
            return min((math.log(value) - self.log_low) / self.log_range, 1.0)
        if self.uniform:
            return (value - self.low) / (self.high - self.low)
        return float(self.distribution.cdf(value))

    def decode(self, unit: float) -> float:
        if self.log:
            value = math.exp(self.log_low + unit * self.log_range)
        elif self.uniform:
            value = self.low + unit * (self.high - self.low)
        else:
            value = float(self.distribution.ppf(unit))
        return min(max(value, self.low), self.high)

    def check(self, value: Any) -> float:
        if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Real):
            raise ValueError(f"{self.name} = {value!r}: not a number")
        try:
            number = float(value)
        except OverflowError:  # An integer greater than any double.
            number = math.inf
        if not self.low <= number <= self.high:
            raise ValueError(f"{self.name} = {number!r}: outside [{self.low}, {self.high}]")
        return number

    def describe(self) -> dict[str, Any]:
        return {"kind": "float", "low": self.low, "high": self.high, "log": self.log}


class _Integer:
    """A discrete hyperparameter; an integer's place is the middle of its probability cell."""

    def __init__(self, name: str, distribution: Any) -> None:
        self.name, self.distribution = name, distribution
        low, high = _bounds(distribution)
        self.low, self.high = int(low), int(high)
        self.equally_likely = distribution.dist.name == "randint"
        self.count = self.high - self.low + 1

    def encode(self, value: int) -> float:
        if self.equally_likely:
            return (value - self.low + 0.5) / self.count
        below, upto = self.distribution.cdf(value - 1), self.distribution.cdf(value)
        return float(below + upto) / 2

    def decode(self, unit: float) -> int:
        if self.equally_likely:
            return self.low + min(int(unit * self.count), self.count - 1)
        return int(min(max(self.distribution.ppf(unit), self.low), self.high))

    def check(self, value: Any) -> int:
        if isinstance(value, bool | np.bool_) or not isinstance(value, numbers.Integral):
            raise ValueError(f"{self.name} = {value!r}: not an integer")
        number = int(value)
        if not self.low <= number <= self.high:
            raise ValueError(f"{self.name} = {number!r}: outside {self.low}..{self.high}")
        return number

    def describe(self) -> dict[str, Any]:
        return {"kind": "int", "low": self.low, "high": self.high, "log": False}


class _Choice:
    """A categorical hyperparameter; a choice's place is the middle of its cell."""

    def __init__(self, name: str, distribution: Categorical) -> None:
        self.name, self.distribution = name, distribution

    def encode(self, value: Scalar) -> float:
        return self.distribution.cdf(value) - 0.5 / len(self.distribution.choices)

    def decode(self, unit: float) -> Scalar:
        return self.distribution.ppf(unit)

    def check(self, value: Any) -> Scalar:
        native = value.item() if isinstance(value, np.generic) else value
        for choice in self.distribution.choices:
            if type(choice) is type(native) and choice == native:
                return choice
        raise ValueError(f"{self.name} = {value!r}: not one of {list(self.distribution.choices)!r}")

    def describe(self) -> dict[str, Any]:
        return {"kind": "categorical", "choices": list(self.distribution.choices)}


class Space(Mapping[str, Any]):
    """An immutable, ordered mapping from hyperparameter names to distributions.

    Values are `scipy.stats` frozen distributions or `Categorical`. Iterating and indexing give the
    distributions back, so code that treats a space as the book's plain dict keeps working.

    Raises:
        ValueError: an empty space, an unusable name, or a value that is no usable distribution.
    """

    def __init__(self, distributions: Mapping[str, Any]) -> None:
        if not distributions:
            raise ValueError("space: got no hyperparameters, need at least one")
        self._distributions = dict(distributions)
        self._axes = {name: _axis(name, value) for name, value in distributions.items()}

    def __getitem__(self, name: str) -> Any:
        return self._distributions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._distributions)

    def __len__(self) -> int:
        return len(self._distributions)

    def sample(self, rng: np.random.Generator) -> Config:
        """One configuration, every hyperparameter drawn from its own distribution."""
        return self.decode(rng.random(len(self._axes)))

    def resample(self, config: Config, name: str, rng: np.random.Generator) -> Config:
        """A copy of `config` with the one hyperparameter `name` drawn anew."""
        return {**config, name: self._axes[name].decode(float(rng.random()))}

    def encode(self, config: Mapping[str, Any]) -> np.ndarray:
        """The configuration's place in the unit cube: (d,) float64, by the distributions' cdf."""
        return np.array([axis.encode(config[name]) for name, axis in self._axes.items()])

    def decode(self, unit: np.ndarray) -> Config:
        """The configuration at a point of the unit cube, (d,) in [0, 1], by inverse cdf."""
        places = unit.tolist()
        return {name: axis.decode(place) for (name, axis), place in zip(self._axes.items(), places, strict=True)}

    def check(self, config: Mapping[str, Any]) -> Config:
        """The configuration complete, in the space's order, with native Python scalars.

        Raises:
            ValueError: a missing or unknown name, a wrong type, or a value out of range.
        """
        for name in config:
            if name not in self._axes:
                raise ValueError(f"{name!r}: no such hyperparameter, there are {list(self._axes)}")
        for name in self._axes:
            if name not in config:
                raise ValueError(f"{name}: missing from configuration {dict(config)!r}")
        return {name: axis.check(config[name]) for name, axis in self._axes.items()}

    def levels(self, name: str, count: int) -> list[Scalar]:
        """At most `count` distinct values of one hyperparameter, evenly spread in probability."""
        axis = self._axes[name]
        if isinstance(axis, _Choice):
            return list(axis.distribution.choices)
        if isinstance(axis, _Integer):
            count = min(count, axis.count)
        return list(dict.fromkeys(axis.decode((i + 0.5) / count) for i in range(count)))

    def describe(self) -> dict[str, dict[str, Any]]:
        """The space in JSON scalars: kind, bounds, scale or choices of each hyperparameter."""
        return {name: axis.describe() for name, axis in self._axes.items()}

    def bound_to(self, rng: np.random.Generator) -> Space:
        """The same space over copies whose `rvs()` draw from `rng` instead of numpy's global state."""
        bound = {name: copy.deepcopy(value) for name, value in self._distributions.items()}
        for value in bound.values():
            value.random_state = rng
        return Space(bound)


def _located(distribution: Any) -> bool:
    """Whether a frozen distribution sits at loc = 0, so that the log closed form holds."""
    _, location, _ = distribution.dist._parse_args(*distribution.args, **distribution.kwds)
    return bool(location == 0)


def _bounds(distribution: Any) -> tuple[float, float]:
    """Least and greatest value; an endless tail ends where a double no longer tells its cdf from 0 or 1."""
    with np.errstate(all="ignore"):
        low, high = distribution.support()
        if np.ndim(low) or np.ndim(high):
            return math.nan, math.nan
        low = low if math.isfinite(low) else distribution.ppf(2.0**-53)
        high = high if math.isfinite(high) else distribution.ppf(1 - 2.0**-53)
    return float(low), float(high)


def _axis(name: Any, distribution: Any) -> Hyperparameter:
    if not isinstance(name, str) or not name.isidentifier() or name == FIDELITY:
        raise ValueError(f"hyperparameter name {name!r}: need an identifier other than {FIDELITY}")
    if unicodedata.normalize("NFC", name) != name:
        raise ValueError(f"hyperparameter name {name!r}: write it in Unicode normal form C")
    if isinstance(distribution, Categorical):
        return _Choice(name, distribution)
    if not all(hasattr(distribution, method) for method in ("dist", "support", "cdf", "ppf")):
        raise ValueError(f"{name} = {distribution!r}: not a scipy.stats frozen distribution")
    bounds = _bounds(distribution)
    written = f"{distribution.dist.name}{distribution.args}{distribution.kwds or ''}"
    if not all(math.isfinite(bound) for bound in bounds):
        raise ValueError(f"{name} = {written}: its parameters give no range of finite numbers (low >= high?)")
    if not hasattr(distribution, "pmf"):
        return _Float(name, distribution)
    if not all(bound.is_integer() for bound in bounds):
        raise ValueError(f"{name} = {written}: a discrete distribution must be one of whole numbers")
    return _Integer(name, distribution)
