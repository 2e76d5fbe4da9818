"""Distributions that scipy does not have: choices, listed numbers, and integers on a linear or logarithmic scale."""

from __future__ import annotations

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence, Set
from typing import Any

import numpy as np

from objectives.native_value import native_number, native_scalar

Scalar = bool | int | float | str | None

LARGEST = 2**63 - 1
"""Of an integer in 64 bits, as numpy and other programs hold them."""


class _Drawable(ABC):
    """What `Space.bound_to` and readers' code need of a frozen distribution: `rvs` and a generator."""

    def __init__(self) -> None:
        self.random_state: np.random.Generator | None = None

    @abstractmethod
    def ppf(self, quantile: float) -> Any: ...

    def rvs(self, size: None = None, random_state: np.random.Generator | None = None) -> Any:
        """Draw one value, from `random_state` or from the generator the space was bound to.

        Without either numpy's global generator decides, as for the distributions of scipy.
        """
        generator = random_state or self.random_state
        return self.ppf(_global_quantile() if generator is None else float(generator.random()))


def _global_quantile() -> float:
    """Draw from numpy's global generator as scipy's distributions do, which a notebook may have seeded."""
    from scipy import stats  # Start-up imports no more than it must.

    return float(stats.uniform.rvs())


class _Listed(_Drawable):
    """Equally likely scalars in a list, with the methods of a frozen distribution."""

    def __init__(self, choices: tuple[Scalar, ...]) -> None:
        super().__init__()
        self.choices = choices

    def ppf(self, quantile: float) -> Scalar:
        """The choice whose cell of width 1/k contains `quantile` in [0, 1]."""
        return self.choices[min(int(quantile * len(self.choices)), len(self.choices) - 1)]

    def cdf(self, value: Scalar) -> float:
        """Upper edge of the cell of `value`; ValueError when it is no choice."""
        return (self.choices.index(value) + 1) / len(self.choices)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({list(self.choices)!r})"


class Categorical(_Listed):
    """A choice among unordered scalars.

    Args:
        choices: distinct strings, integers, booleans, finite floats or None, all equally likely.

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
        listed = _scalars("ordinal value", values)
        if {type(value) for value in listed} not in ({int}, {float}):
            raise ValueError(f"ordinal values {list(listed)!r}: need all integers or all floats")
        if any(low >= high for low, high in itertools.pairwise(listed)):  # type: ignore[operator]
            raise ValueError(f"ordinal values {list(listed)!r}: they do not increase")
        super().__init__(listed)


class Integer(_Drawable):
    """Integers, both ends included, equally likely or spread evenly on a logarithmic scale.

    On a logarithmic scale the integer k has the probability of [k - 1/2, k + 1/2] under the log-uniform
    distribution over [low - 1/2, high + 1/2]. Beyond some 10**12 (without the logarithm 10**15) doubles in
    [0, 1] cannot tell the cells of neighbours apart, and an integer comes back from there as one near it.

    Args:
        low: least integer; >= 1 with `log`.
        high: greatest integer, >= `low`.
        log: spread evenly in the logarithm.

    Raises:
        ValueError: bounds that are no integers of 64 bits or in the wrong order, or a logarithm of no
            positive number.
    """

    def __init__(self, low: int, high: int, *, log: bool = False) -> None:
        super().__init__()
        self.low, self.high, self.log = low, high, log
        self.low, self.high = self._checked(low), self._checked(high)
        if self.low > self.high:
            raise ValueError(f"{self}: need low <= high")
        if log and self.low < 1:
            raise ValueError(f"{self}: a logarithmic scale needs low >= 1")
        self.count = self.high - self.low + 1
        if log:
            self.log_low = math.log(self.low - 0.5)
            self.log_range = math.log((self.high + 0.5) / (self.low - 0.5))

    def _checked(self, bound: Any) -> int:
        number = native_number(bound)
        if number is None or not math.isfinite(number) or number != int(number) or abs(number) > LARGEST:
            raise ValueError(f"{self}: {bound!r} is not an integer of 64 bits")
        return int(number)

    def ppf(self, quantile: float) -> int:
        """The integer whose cell contains `quantile` in [0, 1]."""
        if not self.log:
            return self.low + min(int(quantile * self.count), self.count - 1)
        rounded = math.floor(math.exp(self.log_low + quantile * self.log_range) + 0.5)
        return min(max(rounded, self.low), self.high)

    def cdf(self, value: float) -> float:
        """Probability of all integers up to `value`."""
        upto = min(max(math.floor(value), self.low - 1), self.high)
        if not self.log:
            return (upto - self.low + 1) / self.count
        return min((math.log(upto + 0.5) - self.log_low) / self.log_range, 1.0)

    def middle(self, value: int) -> float:
        """The middle of an integer's cell in [0, 1]."""
        if not self.log:
            return (value - self.low + 0.5) / self.count
        return (self.cdf(value - 1) + self.cdf(value)) / 2

    def __repr__(self) -> str:
        return f"Integer({self.low!r}, {self.high!r}{', log=True' if self.log else ''})"


def frozen(distribution: Any) -> Any:
    """Freeze a distribution that was made of data and has no parameters, as `rv_histogram`; others are as they were.

    Those that scipy holds ready are left: who writes `stats.uniform` has forgotten its parameters.
    """
    if getattr(distribution, "numargs", None) != 0 or not callable(getattr(distribution, "freeze", None)):
        return distribution
    from scipy import stats  # Start-up imports no more than it must; here it has been imported.

    ready = getattr(stats, str(getattr(distribution, "name", None)), None)
    return distribution if ready is distribution else distribution()


def _scalars(name: str, values: Sequence[Any]) -> tuple[Scalar, ...]:
    """Distinct JSON scalars in Python's own types."""
    if isinstance(values, str | bytes | Set):  # A text's letters, or what has another order in every process.
        raise ValueError(f"{name}s {values!r}: need a list")
    native = tuple(native_scalar(value) for value in values)
    if not native:
        raise ValueError(f"{name}s: got none, need at least one")
    for value in native:
        if not isinstance(value, bool | int | float | str | None):
            raise ValueError(f"{name} {value!r}: not a string, number, boolean or None; name it by a string")
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name} {value!r}: not finite")
    if len(set(native)) != len(native):
        raise ValueError(f"{name}s {list(native)!r}: two are equal")
    return native
