"""Makes of a file's rows what each says of one epoch of one training: metrics in columns of their own, or wide ones."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from benchmark.errors import BadInput, short_repr
from benchmark.importers.rows.cell_values import CellReader, is_empty
from benchmark.importers.rows.cells import Cells
from benchmark.importers.rows.mapping import RowMapping

PLACEHOLDER = re.compile(r"\{(epoch|seed)\}")
CAPTURES = {"epoch": r"(?P<epoch>\d+)", "seed": r"(?P<seed>.+?)"}

Key = tuple[str, str]
"""What the names of wide columns say: epoch and seed, "" for what they do not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Observations:
    """Single epochs of single trainings, n of them.

    Attributes:
        positions: (n,) int64, the row of each among the file's rows.
        seeds: the label of each one's seed.
        epochs: (n,) int64, from 1.
        values: (n,) float64 validation values by metric, NaN for cells that hold none.
        test_values: likewise of the test set, of metrics that have a column of it.
        seconds: (n,) float64 as the file has them, or None.
    """

    positions: np.ndarray
    seeds: list[str]
    epochs: np.ndarray
    values: dict[str, np.ndarray]
    test_values: dict[str, np.ndarray]
    seconds: np.ndarray | None

    def select(self, keep: np.ndarray) -> Observations:
        """Those at some positions, or where a mask is true."""
        indices = np.arange(len(self.epochs))[keep]
        return Observations(
            positions=self.positions[indices],
            seeds=[self.seeds[index] for index in indices],
            epochs=self.epochs[indices],
            values={name: array[indices] for name, array in self.values.items()},
            test_values={name: array[indices] for name, array in self.test_values.items()},
            seconds=None if self.seconds is None else self.seconds[indices],
        )


def observe(mapping: RowMapping, reader: CellReader) -> Observations:
    """Read the metrics, seeds, epochs and seconds of a file.

    Raises:
        BadInput: naming the row and column of a cell that does not fit, or the key of the mapping.
    """
    keys = _wide_keys(mapping, reader.cells)
    count = len(reader.cells.rows)
    values = {
        metric.metric.name: _melted(reader, metric.column, keys, metric.metric.unit, _field(metric.metric.name))
        for metric in mapping.metrics
    }
    last = max(keys, key=lambda key: int(key[0] or 0))
    test_values = {
        metric.metric.name: _test(reader, metric.test, keys, metric.metric.unit, metric.metric.name, last)
        for metric in mapping.metrics
        if metric.test is not None
    }
    seconds = None
    if mapping.seconds is not None:
        cells = reader.cells.column(mapping.seconds, "seconds")
        seconds = np.tile(np.array(reader.seconds(mapping.seconds, cells, mapping.seconds_unit)), len(keys))
    return Observations(
        positions=np.tile(np.arange(count), len(keys)),
        seeds=_seeds(mapping, reader.cells, keys),
        epochs=_epochs(mapping, reader, keys),
        values=values,
        test_values=test_values,
        seconds=seconds,
    )


def _field(name: str) -> str:
    return f"metrics.{name}.column"


def _wide_keys(mapping: RowMapping, cells: Cells) -> list[Key]:
    """The epochs and seeds that names of columns hold, [("", "")] where no column is wide."""
    found: dict[str, list[Key]] = {}
    for metric in mapping.metrics:
        for column in (metric.column, metric.test):
            if column is not None and PLACEHOLDER.search(column):
                found[column] = sorted(_matches(column, cells), key=lambda key: (int(key[0] or 0), key[1]))
    if not found:
        return [("", "")]
    first, *others = found
    for column in others:
        if found[column] != found[first]:
            raise BadInput(
                f"metrics: {column!r} and {first!r} stand for columns of other epochs or seeds, need the same"
            )
    for key, column in (("epoch", mapping.epoch), ("seed", mapping.seed)):
        if column is not None and f"{{{key}}}" in first:
            raise BadInput(f"{key} = {column!r}: the names of columns say it already, {first!r}")
    return found[first]


def _matches(pattern: str, cells: Cells) -> Iterator[Key]:
    """What the columns that a pattern stands for say in their names."""
    parts = re.split(r"\{(epoch|seed)\}", pattern)
    if len(parts) // 2 != len(set(parts[1::2])):
        raise BadInput(f"metrics: {pattern!r}: need {{epoch}} and {{seed}} at most once each")
    text = "".join(CAPTURES[part] if number % 2 else re.escape(part) for number, part in enumerate(parts))
    matches = [match for match in (re.fullmatch(text, name) for name in cells.columns) if match]
    if not matches:
        there = ", ".join(map(short_repr, cells.columns))
        raise BadInput(f"metrics: {cells.name} has no columns {pattern!r}, but {there}")
    for match in matches:
        groups = match.groupdict()
        yield groups.get("epoch", ""), groups.get("seed", "")


def _column(pattern: str, key: Key) -> str:
    return pattern.replace("{epoch}", key[0]).replace("{seed}", key[1])


def _melted(reader: CellReader, pattern: str, keys: Sequence[Key], unit: str, field: str) -> np.ndarray:
    """The values of a column, or of all columns that a pattern stands for one below the other."""
    names = [_column(pattern, key) for key in keys]
    columns = {name: reader.numbers(name, reader.cells.column(name, field), unit) for name in dict.fromkeys(names)}
    return np.concatenate([np.array(columns[name], np.float64) for name in names])


def _test(reader: CellReader, pattern: str, keys: Sequence[Key], unit: str, name: str, last: Key) -> np.ndarray:
    """Test values; one column beside wide curves holds those of the last epoch."""
    values = _melted(reader, pattern, keys, unit, f"metrics.{name}.test")
    if keys == [("", "")] or PLACEHOLDER.search(pattern):
        return values
    ends = np.repeat([key[0] == last[0] for key in keys], len(reader.cells.rows))
    return np.where(ends, values, np.nan)


def _seeds(mapping: RowMapping, cells: Cells, keys: Sequence[Key]) -> list[str]:
    if mapping.seed is None:
        return [key[1] for key in keys for _ in cells.rows]
    column = cells.column(mapping.seed, "seed")
    for position, cell in enumerate(column):
        if is_empty(cell):
            raise cells.refuse(position, mapping.seed, cell, "the label of a seed")
    return list(itertools.chain.from_iterable([list(map(_label, column))] * len(keys)))


def _label(cell: Any) -> str:
    """A seed's label; 1.0, as programs write whole numbers beside empty cells, is 1."""
    return str(int(cell)) if isinstance(cell, float) and cell.is_integer() else str(cell)


def _epochs(mapping: RowMapping, reader: CellReader, keys: Sequence[Key]) -> np.ndarray:
    """Epochs from 1; 0 for rows of a file that counts from 1, which are before the first."""
    if mapping.epoch is None:
        wide = [int(key[0]) if key[0] else 1 for key in keys]
        numbers = np.repeat(np.array(wide, np.int64), len(reader.cells.rows))
    else:
        column = reader.cells.column(mapping.epoch, "epoch")
        numbers = np.array(reader.whole_numbers(mapping.epoch, column, "the number of an epoch, >= 0"), np.int64)
    name = reader.cells.name
    if numbers.min() < 0:
        raise BadInput(f"{name}: epoch {numbers.min()}: need numbers >= 0")
    if numbers.min() == 0 and mapping.epochs_from is None:
        raise BadInput(
            f"{name}: epochs begin with 0; say epochs_from = 0 if that is the first one, "
            "or epochs_from = 1 if it is before training and does not count"
        )
    numbers = numbers + 1 if mapping.epochs_from == 0 else numbers
    return _stepped(numbers, mapping.epoch_step, name)


def _stepped(numbers: np.ndarray, step: int, name: str) -> np.ndarray:
    """Count every `step` epochs of the file as one."""
    counted = numbers[numbers > 0]
    odd = counted[counted % step != 0]
    if odd.size:
        raise BadInput(f"{name}: epoch {odd[0]}: no multiple of epoch_step = {step}")
    common = int(np.gcd.reduce(counted)) if counted.size else 1
    if step == 1 and common > 1 and len(np.unique(counted)) > 1:
        raise BadInput(
            f"{name}: all epochs are multiples of {common}; say epoch_step = {common}, so that {common} of them are one"
        )
    return numbers // step
