"""A table as repetitions meet it: what a trial that diverged is worth, and test values of the other seeds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from benchmark.tables.table import Table
from objectives.metric import Metric, is_classic


def as_met(table: Table, test: str) -> Table:
    """Return a table with the values that records get.

    Where a training diverged its metrics are the chance values; those of the table do not count. A test value is the
    table's own, the mean of the other seeds' validation values, or not known. Of a seed that diverged no later the
    chance value takes part in the mean; what is not known does not.

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
