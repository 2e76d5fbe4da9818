"""A table as repetitions meet it: what a trial that diverged is worth, and test values of the other seeds."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np

from benchmark.tables.table import Table
from objectives.metric import Metric, is_classic


@lru_cache(maxsize=16)
def as_met(table: Table, test: str) -> Table:
    """Return a table with the values that records get.

    Where a training diverged its metrics are the chance values; those of the table do not count. A test value is the
    table's own, the mean of the other seeds' validation values, or not known. Of a seed that diverged no later the
    chance value takes part in the mean; what is not known does not. A configuration that was not trained under a seed
    answers with another one of its own, the same in every run.

    Args:
        table: as it was read.
        test: one of `names.TESTS`.
    """
    ends = _ends(table)
    named = {metric.name: metric for metric in table.metrics}
    values = {name: _with_chance(array, ends, named[name]) for name, array in table.values.items()}
    if test == "other_seeds":
        tests = {name: _mean_of_others(table, array, named[name]) for name, array in values.items()}
    elif test == "test":
        tests = {name: _with_chance(array, ends, named[name]) for name, array in table.test_values.items()}
    else:
        tests = {}
    first = table.metrics[0]
    unknown = np.broadcast_to(np.nan, table.valid.shape)
    seconds = table.seconds if table.reported is None else table.reported
    met = _met_seeds(table.reached)
    if met is not None:
        values = {name: _take(array, met) for name, array in values.items()}
        tests = {name: _take(array, met) for name, array in tests.items()}
        seconds = _take(seconds, met)
        reached, diverged = (np.take_along_axis(array, met, axis=1) for array in (table.reached, table.diverged))
        table = replace(table, reached=reached, diverged=diverged)
    return replace(
        table,
        values=values,
        test_values=tests,
        valid=_errors(first, values[first.name]),
        test=_errors(first, tests[first.name]) if first.name in tests else unknown,
        seconds=seconds,
        reported=seconds,
        declared=not is_classic(table.metrics),
        answers={},
    )


def _met_seeds(reached: np.ndarray) -> np.ndarray | None:
    """The column with which each configuration answers for each seed, (C, S); None where every one has its own.

    A configuration that was not trained under a seed answers with one of those that it was trained under, in turn:
    for the seed of column s with its (s modulo their number)-th.
    """
    there = reached > 0
    counts = there.sum(axis=1)
    if not ((counts > 0) & (counts < reached.shape[1])).any():
        return None
    known = np.argsort(~there, axis=1, kind="stable")  # Columns that are there first.
    columns = np.arange(reached.shape[1])
    turns = np.take_along_axis(known, columns % np.maximum(counts, 1)[:, None], axis=1)
    met: np.ndarray = np.where(there, columns, turns)
    return met


def _take(array: np.ndarray, met: np.ndarray) -> np.ndarray:
    taken: np.ndarray = np.take_along_axis(array, met[..., None], axis=1)
    return taken


def _ends(table: Table) -> np.ndarray:
    """Where trainings diverged, (C, S, E) bool: their last epochs."""
    last = np.arange(table.max_epochs) == table.reached[..., None] - 1
    ends: np.ndarray = last & table.diverged[..., None]
    return ends


def _with_chance(values: np.ndarray, ends: np.ndarray, metric: Metric) -> np.ndarray:
    if not ends.any():
        return values
    return np.where(ends, np.nan if metric.chance is None else metric.chance, values)


def _mean_of_others(table: Table, values: np.ndarray, metric: Metric) -> np.ndarray:
    """The mean of the other seeds' values, (C, S, E), NaN where none of them is known."""
    epochs = np.arange(table.max_epochs)
    beyond = epochs >= table.reached[..., None]
    chance = np.nan if metric.chance is None else metric.chance
    filled = np.where(beyond, np.where(table.diverged[..., None], chance, np.nan), values)
    means = np.full(values.shape, np.nan)
    for seed in range(values.shape[1]):
        others = np.delete(filled, seed, axis=1)
        known = ~np.isnan(others)
        count = known.sum(axis=1)
        total = np.where(known, others, 0.0).sum(axis=1)
        np.divide(total, count, out=means[:, seed], where=count > 0)
    return means


def _errors(metric: Metric, values: np.ndarray) -> np.ndarray:
    return values if metric.goal == "min" else 0.0 - values
