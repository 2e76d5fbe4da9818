"""A space of finitely many configurations: a grid of levels, or a pool of listed ones."""

from __future__ import annotations

import math
import struct
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from objectives.hyperparameter import Config, Hyperparameter
from objectives.native_value import native_number
from objectives.space import Condition, Scalar, Space

LARGEST_EXACT = 2**53
"""A whole number beyond it is not every time a double, in which members are held."""

_TYPES = {"float": float, "int": int}


class FiniteSpace(Space):
    """A space of which only listed configurations exist, its *members*; each has a row number.

    The members of a grid are all combinations of its levels; the last hyperparameter's level changes fastest from row
    to row. A pool's are listed. Whatever an algorithm proposes is mapped to a member, the same way for every
    algorithm: an ordered number to the nearest level on the axis's own scale, in a pool then the whole to the nearest
    member by Euclid in the unit cube, ties to the lower level and the lowest row.

    Args:
        distributions: by name; those of a grid are `Ordinal` or `Categorical`.
        conditions: by the name of the hyperparameter that depends; a grid has none.
        codes: (C, d) float64, the members of a pool: a number is itself, a listed value its place in the list, what
            does not count NaN. None for a grid.

    Raises:
        ValueError: a grid with a hyperparameter that is not listed or with a condition, or codes that are no members
            or hold one of them twice.
    """

    def __init__(
        self,
        distributions: Mapping[str, Any],
        conditions: Mapping[str, Condition] | None = None,
        codes: np.ndarray | None = None,
    ) -> None:
        super().__init__(distributions, conditions)
        self.codes = None if codes is None else np.where(np.isnan(codes), np.nan, codes)  # Of all NaNs the same one.
        self._shape = tuple(len(axis.choices) for axis in self._axes.values())
        if self.codes is None:
            self._require_grid()
        else:
            self._require_members(self.codes)

    def _require_grid(self) -> None:
        unlisted = next((name for name, axis in self._axes.items() if not axis.choices), None)
        if unlisted is not None or self._conditions:
            what = f"{unlisted} has no listed values" if unlisted is not None else "it has conditions"
            raise ValueError(
                f"grid: {what}; need listed values everywhere and no condition, or a list of configurations"
            )

    def _require_members(self, codes: np.ndarray) -> None:
        if codes.ndim != 2 or codes.shape[1] != len(self._axes) or not len(codes):
            raise ValueError(f"codes of shape {codes.shape}: need one row a configuration, {len(self._axes)} columns")
        for (name, axis), column in zip(self._axes.items(), codes.T, strict=True):
            known = column[~np.isnan(column)]
            low, high = (0, len(axis.choices) - 1) if axis.choices else (axis.low, axis.high)
            outside = known[~((known >= low) & (known <= high))]
            if axis.kind == "float":  # A range's end may come back from its width one rounding off.
                outside = outside[~(np.isclose(outside, low, rtol=1e-12) | np.isclose(outside, high, rtol=1e-12))]
            elif not outside.size:
                outside = known[known != np.floor(known)]
            if outside.size:
                raise ValueError(f"codes of {name} hold {outside[0].item()!r}: need numbers in [{low}, {high}]")
            if known.size < len(column) and name not in self._conditions:
                raise ValueError(f"codes of {name} hold NaN, and it has no condition")
        if len(self._rows) < len(codes):
            raise ValueError("codes: two rows are the same configuration, need different ones")

    def __reduce__(self) -> tuple[type[Space], tuple[Any, ...]]:
        return FiniteSpace, (self._distributions, self._conditions, self.codes)

    def _with(self, distributions: Mapping[str, Any]) -> Space:
        return FiniteSpace(distributions, self._conditions, self.codes)

    @property
    def is_grid(self) -> bool:
        """Whether the members are all combinations of levels."""
        return self.codes is None

    @property
    def size(self) -> int:
        """The number of members."""
        return math.prod(self._shape) if self.codes is None else len(self.codes)

    def member(self, row: int) -> Config:
        """Return the member of a row."""
        if self.codes is None:
            places = np.unravel_index(row, self._shape)
            return {name: axis.choices[i] for (name, axis), i in zip(self._axes.items(), places, strict=True)}
        codes = self.codes[row].tolist()
        if self._holds_floats:
            return dict(zip(self._axes, codes, strict=True))
        listed = zip(self._axes.items(), codes, strict=True)
        return {name: _value(axis, code) for (name, axis), code in listed if not math.isnan(code)}

    def row(self, config: Mapping[str, Any]) -> int | None:
        """Return the row of a configuration; None where it is no member."""
        try:
            if self.codes is None:
                return self._row_on_grid(config)
            if self._conditions or any(self._shape):
                return self._rows.get(self._key.pack(*[self._code(*axis, config) for axis in self._places.items()]))
            return self._rows.get(self._key.pack(*map(config.__getitem__, self._axes)))
        except (KeyError, TypeError, struct.error):
            return None

    def _row_on_grid(self, config: Mapping[str, Any]) -> int:
        """The row of a member of a grid; KeyError or TypeError where it is none."""
        row = 0
        for name, places in self._places.items():
            row = row * len(places) + places[config[name]]
        return row

    def sample(self, rng: np.random.Generator) -> Config:
        """Draw a member, every one equally likely."""
        if self.codes is None:
            return self._on_grid(rng.random(len(self._axes)).tolist())
        return self.member(int(rng.integers(len(self.codes))))

    def decode(self, unit: np.ndarray) -> Config:
        """Map a point of the unit cube, (d,) in [0, 1], to a member: of a pool the nearest one."""
        if self.codes is None:
            return self._on_grid(np.minimum(unit, 1.0).tolist())
        conditional = super().decode(unit) if self._conditions else None
        return self.member(self._nearest_row(np.asarray(unit) if conditional is None else self.encode(conditional)))

    def check_proposal(self, config: Mapping[str, Any]) -> Config:
        """Check a proposal; an ordered number may lie between two levels.

        Raises:
            ValueError: as `check`.
        """
        if self._holds(config):
            return dict(zip(self._axes, map(config.__getitem__, self._axes), strict=True))
        between = {}
        for name, value in config.items():
            axis = self._axes.get(name)
            number = native_number(value) if axis is not None and axis.kind == "ordinal" else None
            if number is not None and axis is not None and axis.choices[0] <= number <= axis.choices[-1]:  # type: ignore[operator]
                between[name] = number
        if not between:
            return self.check(config)
        snapped = self.check({**config, **{name: self._level(name, number) for name, number in between.items()}})
        return {name: value if value == config[name] else between.get(name, value) for name, value in snapped.items()}

    def nearest(self, config: Config) -> Config:
        """Return the nearest member of a checked proposal."""
        if self.row(config) is not None:
            return config
        snapped = {
            name: self._level(name, value) if self._axes[name].kind == "ordinal" else value
            for name, value in config.items()
        }
        if self.codes is None or self.row(snapped) is not None:
            return snapped
        return self.member(self._nearest_row(self.encode(snapped)))

    def _on_grid(self, unit: Sequence[float]) -> Config:
        """The member of a grid in whose cell a point lies, as `Space.decode` finds it."""
        listed = zip(self._listed, unit, strict=True)
        return {name: choices[int(place * count)] for (name, choices, count), place in listed}

    def _holds(self, config: Mapping[str, Any]) -> bool:
        """Whether this is a member by the types of all its values too, so that nothing has to be checked by itself."""
        if len(config) != len(self._axes) or self._conditions or self.row(config) is None:
            return False
        return tuple(map(type, map(config.__getitem__, self._axes))) == self._types

    def _code(self, name: str, listed: Mapping[Any, int], config: Mapping[str, Any]) -> float:
        """The code of one value of a configuration; NaN where it has none, as that does not count."""
        if name in config:
            return float(listed[config[name]]) if listed else config[name]
        return math.nan

    def _level(self, name: str, number: Any) -> Scalar:
        """The nearest level of an ordered axis, on a logarithmic scale where its levels are spread so."""
        places = self._places[name]
        if number in places:
            return self._axes[name].choices[places[number]]
        choices: Sequence[Any] = self._axes[name].choices
        above = next(i for i, choice in enumerate(choices) if choice > number)
        low, high = choices[above - 1], choices[above]
        middle = math.sqrt(low) * math.sqrt(high) if _is_logarithmic(choices) else (low + high) / 2
        return low if number <= middle else high  # type: ignore[no-any-return]

    def _nearest_row(self, unit: np.ndarray) -> int:
        away = self._units - unit
        return int(np.einsum("ij,ij->i", away, away).argmin())

    @cached_property
    def _listed(self) -> list[tuple[str, tuple[Scalar, ...], int]]:
        """Name, listed values with the last one twice, for the end of the last cell, and their number, by axis."""
        return [(name, (*axis.choices, axis.choices[-1]), len(axis.choices)) for name, axis in self._axes.items()]

    @cached_property
    def _holds_floats(self) -> bool:
        """Whether every value of every member is a float."""
        return not self._conditions and all(axis.kind == "float" for axis in self._axes.values())

    @cached_property
    def _types(self) -> tuple[type, ...]:
        """The type of each hyperparameter's values; one that lists several types has none that any value is of."""
        kinds = [{*map(type, axis.choices)} or {_TYPES[axis.kind]} for axis in self._axes.values()]
        return tuple(kind.pop() if len(kind) == 1 else object for kind in kinds)

    @cached_property
    def _places(self) -> dict[str, dict[Any, int]]:
        """The place of each listed value, by hyperparameter."""
        return {name: {choice: i for i, choice in enumerate(axis.choices)} for name, axis in self._axes.items()}

    @cached_property
    def _rows(self) -> dict[bytes, int]:
        """The row of each member of a pool, by the bytes of its codes."""
        assert self.codes is not None
        data, width = self.codes.tobytes(), 8 * len(self._axes)
        return {data[start : start + width]: start // width for start in range(len(data) - width, -1, -width)}

    @cached_property
    def _key(self) -> struct.Struct:
        """Packs the codes of a member as `_rows` has them."""
        return struct.Struct(f"={len(self._axes)}d")

    @cached_property
    def _units(self) -> np.ndarray:
        """The members of a pool in the unit cube, (C, d)."""
        return np.array([self.encode(self.member(row)) for row in range(self.size)])


def encode_members(space: Space, configs: Sequence[Mapping[str, Any]]) -> np.ndarray | None:
    """Encode configurations as a pool holds them, (C, d) float64; None where a listed value is not in its list.

    Args:
        space: of the configurations.
        configs: complete ones, as `Space.check` returns them.
    """
    places = [(name, {choice: i for i, choice in enumerate(axis.choices)}) for name, axis in space.axes.items()]
    try:
        codes = [
            [_code(config[name], listed) if name in config else math.nan for name, listed in places]
            for config in configs
        ]
    except (KeyError, TypeError):
        return None
    return np.array(codes, np.float64)


def _code(value: Any, listed: Mapping[Any, int]) -> Any:
    return listed[value] if listed else value


def _value(axis: Hyperparameter, code: float) -> Scalar:
    if axis.choices:
        return axis.choices[int(code)]
    return int(code) if axis.kind == "int" else code


def _is_logarithmic(choices: Sequence[Any]) -> bool:
    """Whether the middle level is nearer to the middle of the logarithms than to that of the numbers."""
    low, middle, high = choices[0], choices[len(choices) // 2], choices[-1]
    return low > 0 and abs(middle - math.sqrt(low) * math.sqrt(high)) < abs(middle - (low + high) / 2)  # type: ignore[no-any-return]
