"""Makes a space and configurations of a file's columns."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from scipy import stats

from benchmark.errors import BadInput, nearest_match, short_repr
from benchmark.importers.rows.cell_values import (
    CellReader,
    is_empty,
    is_not_a_number,
    require_no_other_notation,
    truth_value,
)
from benchmark.importers.rows.mapping import AxisMapping
from objectives.distribution import Categorical, Integer, Ordinal
from objectives.space import Condition, Config, Space

FEWEST_PER_LEVEL = 3
MOST_LEVELS = 64
"""Numbers of a column count as levels where each is met by so many configurations on average, and there are no more."""

Columns = dict[str, list[Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowSpace:
    """The configurations of a file.

    Attributes:
        space: theirs.
        configs: the distinct ones; of a whole grid in its order, the last hyperparameter fastest.
        is_grid: whether they are all combinations of the levels.
        rows: the configuration of each row of the file.
    """

    space: Space
    configs: list[Config]
    is_grid: bool
    rows: list[int]


def make_space(axes: Sequence[AxisMapping], reader: CellReader) -> RowSpace:
    """Find the space and the configurations of a file.

    A column of truth values or texts is a choice. Numbers are levels where they make a whole grid with the others or
    repeat, else a range between the least and the greatest; a mapping may say otherwise.

    Raises:
        BadInput: naming the row and column of a cell that does not fit, or the key of the mapping.
    """
    columns = {axis.name: _values(axis, reader) for axis in axes}
    conditions = {axis.name: _condition(axis, columns) for axis in axes if axis.when}
    for axis in axes:
        _keep_active(axis, columns, conditions, reader)
    keys = list(zip(*columns.values(), strict=True))
    first = {key: position for position, key in reversed(list(enumerate(keys)))}
    levels = {name: sorted(set(values) - {None}) for name, values in columns.items()}
    is_grid = _is_grid(axes, levels, len(first)) and not conditions
    distributions = {axis.name: _distribution(axis, levels[axis.name], len(first), is_grid) for axis in axes}
    space = _space(distributions, conditions)
    configs = {key: _config(key, space, reader, position) for key, position in first.items()}
    order = sorted(first, key=lambda key: space.encode(configs[key]).tolist())
    numbers = {key: number for number, key in enumerate(order)}
    return RowSpace(
        space=space, configs=[configs[key] for key in order], is_grid=is_grid, rows=[numbers[key] for key in keys]
    )


def _values(axis: AxisMapping, reader: CellReader) -> list[Any]:
    """The values of a hyperparameter in every row, of one type; None for empty cells."""
    cells = reader.cells.column(axis.column, f"hyperparameters.{axis.name}")
    filled = [cell for cell in cells if not is_empty(cell)]
    if not filled:
        empty = f"column {short_repr(axis.column)}: all cells are empty"
        raise BadInput(f"{reader.cells.name}: {empty}, need a value; leave the hyperparameter out")
    kind = axis.kind
    if kind != "categorical":
        require_no_other_notation(reader, axis.column, cells)
    if all(truth_value(cell) is not None for cell in filled) and kind in (None, "categorical"):
        return [truth_value(cell) for cell in cells]
    numbers = [reader.number(cell) for cell in cells]
    known = sum(number is not None for number in numbers)
    if kind == "categorical" or (kind is None and known == 0):
        as_numbers = known == len(filled)
        return [number if as_numbers else _text(cell) for cell, number in zip(cells, numbers, strict=True)]
    for position, (cell, number) in enumerate(zip(cells, numbers, strict=True)):
        if number is None and not is_not_a_number(cell):
            need = 'a number as in other rows; kind = "categorical" takes both' if kind is None else "a number"
            raise reader.cells.refuse(position, axis.column, cell, need)
        if kind == "int" and number is not None and number != int(number):
            raise reader.cells.refuse(position, axis.column, cell, "a whole number")
    return _of_one_type(numbers, kind)


def _text(cell: Any) -> str | None:
    return None if is_empty(cell) else str(cell)


def _of_one_type(numbers: list[int | float | None], kind: str | None) -> list[Any]:
    """All integers, or all floats."""
    whole = kind == "int" or (kind != "float" and all(type(number) is int for number in numbers if number is not None))
    convert = int if whole else float
    return [None if number is None else convert(number) for number in numbers]


def _condition(axis: AxisMapping, columns: Columns) -> Condition:
    assert axis.when is not None
    parent, values = axis.when
    if parent not in columns:
        raise BadInput(
            f"hyperparameters.{axis.name}.when.{short_repr(parent)}: no such hyperparameter"
            f"{nearest_match(parent, columns)}"
        )
    there = set(columns[parent])
    for value in values:
        if not any(type(value) is type(other) and value == other for other in there):
            allowed = ", ".join(sorted(map(repr, there - {None}))[:20])
            raise BadInput(f"hyperparameters.{axis.name}.when.{parent} = {value!r}: the column holds {allowed}")
    return Condition(parent=parent, values=values)


def _keep_active(axis: AxisMapping, columns: Columns, conditions: Mapping[str, Condition], reader: CellReader) -> None:
    """Leave values that do not count out, and refuse empty cells of those that do."""
    condition = conditions.get(axis.name)
    values = columns[axis.name]
    for position, value in enumerate(values):
        if condition and not condition.holds({condition.parent: columns[condition.parent][position]}):
            values[position] = None
        elif value is None:
            remedy = "a value; where another hyperparameter decides whether it has one, say when = { parent = values }"
            raise reader.cells.refuse(position, axis.column, reader.cells.columns[axis.column][position], remedy)


def _is_grid(axes: Sequence[AxisMapping], levels: Mapping[str, list[Any]], count: int) -> bool:
    """Whether the configurations are all combinations of levels, and no axis is said to be a range."""
    ranges = any(axis.kind in ("float", "int") or axis.log or (axis.low, axis.high) != (None, None) for axis in axes)
    return not ranges and math.prod(map(len, levels.values())) == count


def _distribution(axis: AxisMapping, levels: list[Any], count: int, is_grid: bool) -> Any:
    """The distribution of a hyperparameter."""
    if type(levels[0]) in (bool, str) or axis.kind == "categorical":
        return Categorical(levels)
    bounded = axis.log or (axis.low, axis.high) != (None, None)
    few = len(levels) <= min(MOST_LEVELS, count / FEWEST_PER_LEVEL)
    repeats = axis.kind is None and not bounded and few
    low = levels[0] if axis.low is None else axis.low
    high = levels[-1] if axis.high is None else axis.high
    if axis.kind == "ordinal" or is_grid or repeats or low == high:
        return Ordinal(levels)
    try:
        if type(levels[0]) is int:
            return Integer(low, high, log=axis.log)  # type: ignore[arg-type]
        if axis.log and low <= 0:
            raise ValueError(f"a logarithmic scale needs values > 0, the least is {low}")
        return stats.loguniform(low, high) if axis.log else stats.uniform(low, high - low)
    except ValueError as error:
        raise BadInput(f"hyperparameters.{axis.name}: {error}") from error


def _space(distributions: Mapping[str, Any], conditions: Mapping[str, Condition]) -> Space:
    try:
        return Space(distributions, conditions)
    except ValueError as error:
        raise BadInput(f"hyperparameters: {error}") from error


def _config(key: tuple[Any, ...], space: Space, reader: CellReader, position: int) -> Config:
    given = {name: value for name, value in zip(space, key, strict=True) if value is not None}
    try:
        return space.check(given)
    except ValueError as error:
        raise BadInput(f"{reader.cells.name}: row {reader.cells.rows[position]}: {error}") from error
