"""Converts a file of rows into a table, as its mapping says."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from benchmark.errors import BadInput
from benchmark.importers.rows.arrays import fill_arrays
from benchmark.importers.rows.cell_values import CellReader
from benchmark.importers.rows.cells import Cells, read_cells
from benchmark.importers.rows.mapping import RowMapping
from benchmark.importers.rows.observations import PLACEHOLDER, Observations, observe
from benchmark.importers.rows.row_space import make_space
from benchmark.tables.new_table import NewTable
from benchmark.tables.table_ends import metrics_with_ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """A table, and what a user should know of its making.

    Attributes:
        table: ready to be written.
        notes: what was left out or taken for something, a sentence each.
    """

    table: NewTable
    notes: tuple[str, ...]


def convert(mapping: RowMapping) -> Converted:
    """Read a mapping's file as a table.

    Raises:
        BadInput: naming file, row and column, or the key of the mapping, with the remedy.
    """
    cells = read_cells(mapping.file, separator=mapping.separator, encoding=mapping.encoding, comment=mapping.comment)
    unused = [name for name in cells.columns if name and name not in _used(mapping, cells)]
    cells = _select(cells, mapping)
    observations = observe(mapping, CellReader(cells=cells, decimal=mapping.decimal))
    before = len(observations.epochs)
    observations = _without_missing(observations.select(observations.epochs > 0), mapping, cells)
    left_out = before - len(observations.epochs)
    if left_out == before:
        raise BadInput(f"{cells.name}: no row holds a value of {mapping.metrics[0].metric.name} after an epoch")
    kept = np.unique(observations.positions)
    space = make_space(mapping.hyperparameters, CellReader(cells=cells.select(kept), decimal=mapping.decimal))
    configs = np.array(space.rows)[np.searchsorted(kept, observations.positions)]
    observations, configs, repeated = _without_repeated(observations, configs, mapping, cells)
    arrays = fill_arrays(observations, configs, len(space.configs), mapping, cells.name)
    metrics = tuple(metric.metric for metric in mapping.metrics)
    table = NewTable(
        space=space.space,
        configs=None if space.is_grid else space.configs,
        metrics=metrics_with_ends(metrics, arrays.values, arrays.test_values, arrays.reached),
        values=arrays.values,
        test_values=arrays.test_values,
        seconds=arrays.seconds,
        reached=arrays.reached,
        diverged=arrays.diverged,
        seeds=arrays.seeds,
        unmeasured=arrays.gaps,
        source=mapping.source or cells.name,
        version=mapping.version or "unknown",
        license=mapping.license or "unknown",
        source_digest=cells.digest,
    )
    fewer = int(((arrays.reached > 0).sum(axis=1) < len(arrays.seeds)).sum())
    notes = {
        f"configurations with fewer seeds than others, another of theirs stands for those that lack: {fewer}": fewer,
        f"columns that are not used: {', '.join(unused)}": bool(unused),
        f"rows left out because they hold no value, or are of epoch 0: {left_out}": left_out,
        f"rows left out because they repeat others: {repeated}": repeated,
        "curves have gaps, so each value counts as a training of its own length": table.unmeasured,
    }
    return Converted(table=table, notes=tuple(note for note, holds in notes.items() if holds))


def _used(mapping: RowMapping, cells: Cells) -> set[str]:
    """Names of the columns that a mapping speaks of; of wide ones all that fit."""
    columns = {axis.column for axis in mapping.hyperparameters} | set(mapping.where)
    columns |= {name for name in (mapping.seed, mapping.epoch, mapping.seconds) if name}
    patterns = {name for metric in mapping.metrics for name in (metric.column, metric.test) if name}
    wide = [tuple(PLACEHOLDER.split(pattern)[:: 1 + PLACEHOLDER.groups]) for pattern in patterns]
    ends = [(parts[0], parts[-1]) for parts in wide if len(parts) > 1]
    columns |= {name for name in cells.columns for start, end in ends if name.startswith(start) and name.endswith(end)}
    return columns | patterns


def _select(cells: Cells, mapping: RowMapping) -> Cells:
    """The rows that the mapping's `where` asks for."""
    keep = list(range(len(cells.rows)))
    for name, values in mapping.where.items():
        column = cells.column(name, "where")
        keep = [position for position in keep if str(column[position]) in values]
        if not keep:
            there = ", ".join(sorted({str(cell) for cell in column})[:8])
            raise BadInput(f"where.{name} = {', '.join(values)}: no row of {cells.name} has it; there are {there}")
    return cells.select(keep) if mapping.where else cells


def _without_missing(observations: Observations, mapping: RowMapping, cells: Cells) -> Observations:
    """Leave rows without a value out, or take them for trainings that diverged, as the mapping says."""
    absent = np.isnan(np.stack(list(observations.values.values()))).any(axis=0)
    if not absent.any() or mapping.missing == "diverged":
        return observations
    if mapping.missing is None:
        name, values = next((name, array) for name, array in observations.values.items() if np.isnan(array).any())
        row = cells.rows[observations.positions[np.flatnonzero(np.isnan(values))[0]]]
        raise BadInput(
            f'{cells.name}: row {row}: no value of {name}; say missing = "diverged" if the training failed there, or '
            'missing = "absent" if the row does not count'
        )
    return observations.select(~absent)


def _without_repeated(
    observations: Observations, configs: np.ndarray, mapping: RowMapping, cells: Cells
) -> tuple[Observations, np.ndarray, int]:
    """Leave rows out that say the same again; tell repeated trainings apart by seeds, or refuse them."""
    first: dict[tuple[int, str, int], int] = {}
    seeds, keep = list(observations.seeds), []
    occurrences: dict[tuple[int, str, int], int] = {}
    for index, key in enumerate(zip(configs.tolist(), observations.seeds, observations.epochs.tolist(), strict=True)):
        other = first.setdefault(key, index)
        occurrences[key] = occurrences.get(key, -1) + 1
        if mapping.repeated == "seeds":
            seeds[index] = str(occurrences[key])
        elif other != index:
            if mapping.repeated is None and not _equal(observations, other, index):
                rows = " and ".join(str(cells.rows[observations.positions[place]]) for place in (other, index))
                remedy = 'name a column by seed or epoch, or say repeated = "seeds" or repeated = "first"'
                raise BadInput(f"{cells.name}: rows {rows} are the same training with different values; {remedy}")
            continue
        keep.append(index)
    if mapping.repeated == "seeds" and mapping.seed is not None:
        raise BadInput(f'repeated = "seeds": seed = {mapping.seed!r} tells trainings apart already; leave one out')
    kept = np.array(keep, np.int64)
    return replace(observations, seeds=seeds).select(kept), configs[kept], len(seeds) - len(keep)


def _equal(observations: Observations, one: int, other: int) -> bool:
    arrays = [*observations.values.values(), *observations.test_values.values()]
    arrays += [] if observations.seconds is None else [observations.seconds]
    return all(np.array_equal(array[one], array[other], equal_nan=True) for array in arrays)
