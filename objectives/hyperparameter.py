"""Hyperparameters: a distribution each, mapped to and from [0, 1], and their conditions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from objectives.distribution import LARGEST, Categorical, Integer, Ordinal, Scalar
from objectives.hyperparameter_name import check_name
from objectives.native_value import ROUNDING, double, native_number, native_scalar

Config = dict[str, Any]
"""Values are scalars; `Any`, because who reads a configuration knows the type of each."""

Kind = Literal["float", "int", "ordinal", "categorical"]


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
        """Return whether the parent is there with one of the values; a number of another type is another value."""
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
        self.low, self.high = map(float, _bounds(distribution))
        self.log = _is_logarithmic(distribution)
        self.uniform = distribution.dist.name == "uniform"
        self.plain = self.log or self.uniform
        if self.log:
            ratio = self.high / self.low  # Beyond some 308 decades there is no such double.
            self.log_low = math.log(self.low)
            self.log_range = math.log(ratio) if math.isfinite(ratio) else math.log(self.high) - self.log_low

    def encode(self, value: float) -> float:
        if self.log:
            unit = (math.log(value) - self.log_low) / self.log_range
        elif self.uniform:
            unit = (value - self.low) / (self.high - self.low)
        else:
            unit = float(self.distribution.cdf(value))
        return min(max(unit, 0.0), 1.0)

    def decode(self, unit: float) -> float:
        if self.log:
            value = _exp(self.log_low + unit * self.log_range)
        elif self.uniform:
            value = self.low + unit * (self.high - self.low)
        else:
            value = float(self.distribution.ppf(unit))
        return min(max(value, self.low), self.high)

    def check(self, value: Any) -> float:
        number = native_number(value)
        if number is None:
            raise ValueError(f"{self.name} = {value!r}: not a number")
        number = double(number)
        if self.low <= number <= self.high:
            return number
        bound = self.low if number < self.low else self.high
        scale = abs(bound) if self.log else max(abs(self.low), abs(self.high))
        if abs(number - bound) <= max(ROUNDING * scale, math.ulp(bound)):
            return bound
        raise ValueError(f"{self.name} = {number!r}: outside [{self.low}, {self.high}]")

    def describe(self) -> dict[str, Any]:
        return {"kind": "float", "low": self.low, "high": self.high, "log": self.log}


class _Integer:
    """An integer, equally likely or on a logarithmic scale; its place is the middle of its probability cell."""

    kind: Kind = "int"
    choices: tuple[Scalar, ...] = ()
    plain = True

    def __init__(self, name: str, distribution: Integer) -> None:
        self.name, self.low, self.high, self.log = name, distribution.low, distribution.high, distribution.log
        self.encode, self.decode = distribution.middle, distribution.ppf

    def check(self, value: Any) -> int:
        return _whole_number(self.name, value, self.low, self.high)

    def describe(self) -> dict[str, Any]:
        return {"kind": "int", "low": self.low, "high": self.high, "log": self.log}


class _Discrete:
    """An integer of any other distribution; its place is the middle of its probability cell."""

    kind: Kind = "int"
    log = False
    choices: tuple[Scalar, ...] = ()
    plain = False

    def __init__(self, name: str, distribution: Any) -> None:
        self.name, self.distribution = name, distribution
        self.low, self.high = map(int, _bounds(distribution))

    def encode(self, value: int) -> float:
        below, upto = self.distribution.cdf(value - 1), self.distribution.cdf(value)
        return float(below + upto) / 2

    def decode(self, unit: float) -> int:
        return int(min(max(self.distribution.ppf(unit), self.low), self.high))

    def check(self, value: Any) -> int:
        return _whole_number(self.name, value, self.low, self.high)

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
        native = native_scalar(value)
        try:
            return self.typed[type(native), native]
        except (KeyError, TypeError):  # TypeError: a list or another value without a hash.
            pass
        if native_number(native) is not None:  # 16.0 for 16; no two choices are equal, so there is one at most.
            for choice in self.choices:
                if native_number(choice) is not None and math.isclose(choice, native, rel_tol=ROUNDING):  # type: ignore[arg-type]
                    return choice
        raise ValueError(f"{self.name} = {value!r}: not one of {list(self.choices)!r}") from None

    def describe(self) -> dict[str, Any]:
        return {"kind": self.kind, "choices": list(self.choices)}


def _whole_number(name: str, value: Any, low: int, high: int) -> int:
    """Return a value as an integer in low..high; 3.0 is one, also where rounding missed it.

    Raises:
        ValueError: it is none.
    """
    number = native_number(value)
    rounded = None if number is None or not math.isfinite(number) else round(number)
    if rounded is None or abs(number - rounded) > ROUNDING * abs(rounded):  # type: ignore[operator]
        raise ValueError(f"{name} = {value!r}: not an integer")
    if not low <= rounded <= high:
        raise ValueError(f"{name} = {value!r}: outside {low}..{high}")
    return rounded


def _exp(exponent: float) -> float:
    """The exponential; infinite beyond the greatest double."""
    try:
        return math.exp(exponent)
    except OverflowError:
        return math.inf


def _is_logarithmic(distribution: Any) -> bool:
    """Return whether a frozen distribution is log-uniform at loc = 0, so that the closed form holds."""
    if distribution.dist.name not in ("loguniform", "reciprocal"):
        return False
    _, location, _ = distribution.dist._parse_args(*distribution.args, **distribution.kwds)
    return bool(location == 0)


def _bounds(distribution: Any) -> tuple[Any, Any]:
    """Least and greatest value; an endless tail ends where a double no longer tells its cdf from 0 or 1."""
    with np.errstate(all="ignore"):
        try:
            low, high = distribution.support()
        except TypeError:  # numpy has no functions for integers beyond 64 bits.
            return math.nan, math.nan
        if np.ndim(low) or np.ndim(high):
            return math.nan, math.nan
        low = low if math.isfinite(low) else distribution.ppf(2.0**-53)
        high = high if math.isfinite(high) else distribution.ppf(1 - 2.0**-53)
    return low, high


def hyperparameter(name: Any, distribution: Any) -> Hyperparameter:
    """Build the axis of a space from its name and distribution.

    Raises:
        ValueError: an unusable name or distribution.
    """
    check_name(name)
    if isinstance(distribution, Categorical | Ordinal):
        return _Choice(name, distribution)
    if isinstance(distribution, Integer):
        return _Integer(name, distribution)
    if not all(hasattr(distribution, method) for method in ("dist", "support", "cdf", "ppf")):
        raise ValueError(f"{name} = {distribution!r}: not a scipy.stats frozen distribution{_remedy(distribution)}")
    low, high = _bounds(distribution)
    written = f"{name} = {distribution.dist.name}{distribution.args}{distribution.kwds or ''}"
    if not (math.isfinite(low) and math.isfinite(high) and low <= high) or (_is_logarithmic(distribution) and low <= 0):
        raise ValueError(
            f"{written}: its parameters give no range of finite numbers (low >= high?){_rule(distribution)}"
        )
    if not hasattr(distribution, "pmf"):
        if low == high:
            raise ValueError(f"{written}: there is no double between low and high; write Categorical([{low}])")
        return _Float(name, distribution)
    if not (float(low).is_integer() and float(high).is_integer() and max(abs(low), abs(high)) <= LARGEST):
        raise ValueError(f"{written}: a discrete distribution must be one of whole numbers of 64 bits")
    if distribution.dist.name == "randint":
        return _Integer(name, Integer(int(low), int(high)))
    return _Discrete(name, distribution)


def _remedy(values: Any) -> str:
    """Suggest what to write instead of something that is no distribution."""
    if isinstance(values, list | tuple | set | frozenset | dict | np.ndarray):
        return "; write Categorical([...]) for choices, stats.uniform(low, high - low) for a range"
    if isinstance(values, range):
        return f"; write Integer({values.start}, {values.stop - 1})"
    if callable(values) or hasattr(values, "rvs"):
        return "; give it its parameters, as in stats.uniform(low, high - low)"
    return "; write Categorical([...]) for a fixed value or choices"


def _rule(distribution: Any) -> str:
    """The rule that the parameters of a distribution break, for those that spaces are mostly made of."""
    rules = {
        "loguniform": "; a log axis needs low > 0",
        "reciprocal": "; a log axis needs low > 0",
        "uniform": "; uniform(low, width) needs a finite width > 0",
        "randint": "; randint(low, high) leaves high out",
    }
    return rules.get(distribution.dist.name, "")
