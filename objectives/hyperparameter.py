"""Hyperparameters: a distribution each, mapped to and from [0, 1], and their conditions."""

from __future__ import annotations

import itertools
import math
import numbers
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

Scalar = bool | int | float | str
Config = dict[str, Scalar]
Kind = Literal["float", "int", "ordinal", "categorical"]

FIDELITY = "max_epochs"
"""The one reserved key of a configuration: how many epochs the scheduler asks for."""


class _Listed:
    """Equally likely scalars in a list, with the methods of a frozen distribution."""

    def __init__(self, choices: tuple[Scalar, ...]) -> None:
        self.choices = choices
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
        return f"{type(self).__name__}({list(self.choices)!r})"


class Categorical(_Listed):
    """A choice among unordered scalars.

    Args:
        choices: distinct strings, integers, booleans or finite floats, all equally likely.

    Raises:
        ValueError: no choices, a choice that is not a JSON scalar, or two that compare equal
            (`1`, `1.0` and `True` do, so they could not be told apart in a record).
    """

    def __init__(self, choices: Sequence[Scalar]) -> None:
        super().__init__(_scalars("categorical choice", choices))


class Ordinal(_Listed):
    """A finite, ordered axis: equally likely numbers, such as the levels of a discretised range.

    Args:
        values: increasing integers, or increasing finite floats.

    Raises:
        ValueError: no values, values of two types, or values that do not increase.
    """

    def __init__(self, values: Sequence[int | float]) -> None:
        numbers_ = _scalars("ordinal value", values)
        if {type(value) for value in numbers_} not in ({int}, {float}):
            raise ValueError(f"ordinal values {list(numbers_)!r}: need all integers or all floats")
        if any(low >= high for low, high in itertools.pairwise(numbers_)):  # type: ignore[operator]
            raise ValueError(f"ordinal values {list(numbers_)!r}: they do not increase")
        super().__init__(numbers_)


def _scalars(name: str, values: Sequence[Any]) -> tuple[Scalar, ...]:
    """Distinct JSON scalars in Python's own types."""
    native = tuple(value.item() if isinstance(value, np.generic) else value for value in values)
    if not native:
        raise ValueError(f"{name}s: got none, need at least one")
    for value in native:
        if not isinstance(value, bool | int | float | str):
            raise ValueError(f"{name} {value!r}: not a string, number or boolean")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} {value!r}: not finite")
    if len(set(native)) != len(native):
        raise ValueError(f"{name}s {list(native)!r}: two are equal")
    return native


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """A hyperparameter is active only while its parent is active and has one of some values.

    Attributes:
        parent: an earlier hyperparameter with listed or whole values.
        values: some of them.
    """

    parent: str
    values: tuple[Scalar, ...]

    def holds(self, config: Mapping[str, Any]) -> bool:
        """Whether the parent is there with one of the values; a number of another type is another value."""
        if self.parent not in config:
            return False
        value = config[self.parent]
        return any(type(value) is type(allowed) and value == allowed for allowed in self.values)


class Hyperparameter(Protocol):
    """One axis of a space: its values, and their place in [0, 1].

    Attributes:
        kind: "float", "int", "ordinal" (listed numbers in order) or "categorical".
        low: least value; None where values are listed.
        high: greatest value; None where values are listed.
        log: whether values are spread evenly on a logarithmic scale.
        choices: listed values, else ().
        plain: whether values are spread evenly on their (logarithmic) scale or list.
    """

    kind: Kind
    low: Any
    high: Any
    log: bool
    choices: tuple[Scalar, ...]
    plain: bool

    def encode(self, value: Any) -> float: ...
    def decode(self, unit: float) -> Scalar: ...
    def check(self, value: Any) -> Scalar: ...
    def describe(self) -> dict[str, Any]: ...


class _Float:
    """A continuous hyperparameter, with closed forms for the uniform and log-uniform distributions."""

    kind: Kind = "float"
    choices: tuple[Scalar, ...] = ()

    def __init__(self, name: str, distribution: Any) -> None:
        self.name, self.distribution = name, distribution
        self.low, self.high = _bounds(distribution)
        self.log = distribution.dist.name in ("loguniform", "reciprocal") and _located(distribution)
        self.uniform = distribution.dist.name == "uniform"
        self.plain = self.log or self.uniform
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

    kind: Kind = "int"
    log = False
    choices: tuple[Scalar, ...] = ()

    def __init__(self, name: str, distribution: Any) -> None:
        self.name, self.distribution = name, distribution
        low, high = _bounds(distribution)
        self.low, self.high = int(low), int(high)
        self.plain = self.equally_likely = distribution.dist.name == "randint"
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
    """A hyperparameter of listed values, ordered or not; a value's place is the middle of its cell."""

    low = high = None
    log = False
    plain = True

    def __init__(self, name: str, distribution: Categorical | Ordinal) -> None:
        self.name, self.distribution, self.choices = name, distribution, distribution.choices
        self.kind: Kind = "ordinal" if isinstance(distribution, Ordinal) else "categorical"
        self.count = len(self.choices)
        self.typed = {(type(choice), choice): choice for choice in self.choices}  # Tells 1 from 1.0 and True.

    def encode(self, value: Scalar) -> float:
        return self.distribution.cdf(value) - 0.5 / self.count

    def decode(self, unit: float) -> Scalar:
        return self.distribution.ppf(unit)

    def check(self, value: Any) -> Scalar:
        native = value.item() if isinstance(value, np.generic) else value
        try:
            return self.typed[type(native), native]
        except (KeyError, TypeError):  # TypeError: a list or another value without a hash.
            raise ValueError(f"{self.name} = {value!r}: not one of {list(self.choices)!r}") from None

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "choices": list(self.choices)}


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


def hyperparameter(name: Any, distribution: Any) -> Hyperparameter:
    """Build the axis of a space from its name and distribution.

    Raises:
        ValueError: an unusable name or distribution.
    """
    if not isinstance(name, str) or not name.isidentifier() or name == FIDELITY:
        raise ValueError(f"hyperparameter name {name!r}: need an identifier other than {FIDELITY}")
    if unicodedata.normalize("NFC", name) != name:
        raise ValueError(f"hyperparameter name {name!r}: write it in Unicode normal form C")
    if isinstance(distribution, Categorical | Ordinal):
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
