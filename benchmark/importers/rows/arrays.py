"""The arrays of a table from single observations: where each belongs, which trainings failed, what they cost."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from benchmark.errors import BadInput
from benchmark.importers.rows.mapping import RowMapping
from benchmark.importers.rows.observations import Observations
from objectives.metric import Metric

MOST_CELLS = 500_000_000
"""Of configurations x seeds x epochs; 4 GB an array."""

Shape = tuple[int, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrays:
    """What a `NewTable` holds, by its names.

    Attributes:
        values: (C, S, E) by metric.
        test_values: likewise, of metrics that have any.
        seconds: (C, S, E), or None.
        reached: (C, S).
        diverged: (C, S).
        seeds: the label of each.
        gaps: whether epochs below `reached` are lacking; then seconds are those of a training up to each epoch.
    """

    values: dict[str, np.ndarray]
    test_values: dict[str, np.ndarray]
    seconds: np.ndarray | None
    reached: np.ndarray
    diverged: np.ndarray
    seeds: tuple[str, ...]
    gaps: bool


def fill_arrays(observations: Observations, rows: np.ndarray, count: int, mapping: RowMapping, name: str) -> Arrays:
    """Put observations where they belong.

    Args:
        observations: each of another training and epoch.
        rows: (n,) the configuration of each.
        count: the number of configurations.
        mapping: what the file's columns are.
        name: of the file, for messages.

    Raises:
        BadInput: more than fits, no value for trainings that diverged, or seconds that make no sense.
    """
    labels = sorted(set(observations.seeds), key=lambda label: (not label.isdecimal(), len(label), label))
    shape = count, len(labels), int(observations.epochs.max())
    if math.prod(shape) > MOST_CELLS:
        size = " x ".join(map(str, shape))
        raise BadInput(f"{name}: {size} configurations, seeds and epochs: at most {MOST_CELLS:,} cells are allowed")
    numbers = {label: number for number, label in enumerate(labels)}
    columns = np.array([numbers[label] for label in observations.seeds], np.int64)
    place = rows, columns, observations.epochs - 1
    values = {metric: _array(shape, place, column) for metric, column in observations.values.items()}
    tests = {metric: _array(shape, place, column) for metric, column in observations.test_values.items()}
    there = ~np.isnan(_array(shape, place, np.ones(len(rows))))
    failed = there & np.isnan(np.stack(list(values.values()))).any(axis=0)
    diverged = failed.any(axis=2)
    reached = np.where(there, np.arange(1, shape[2] + 1), 0).max(axis=2)
    reached = np.where(diverged, failed.argmax(axis=2) + 1, reached).astype(np.int64)
    known = np.arange(shape[2]) < reached[..., None]
    gaps = bool((known & ~there).any())
    for arrays in (values, tests):
        for metric in (said.metric for said in mapping.metrics if said.metric.name in arrays):
            _set_chance(arrays[metric.name], metric, reached, diverged, first=metric is mapping.metrics[0].metric)
            arrays[metric.name][~known] = math.nan
    seconds = _seconds(observations, place, shape, reached, mapping, gaps=gaps)
    short = (reached > 0) & (reached < shape[2]) & ~diverged
    if short.any() and mapping.shorter is None:
        raise BadInput(
            f"{name}: {short.sum()} of {(reached > 0).sum()} curves end before epoch {shape[2]}; say shorter = "
            '"stopped" if those trainings stopped by themselves and keep their last value, or shorter = "unknown"'
        )
    if mapping.shorter == "stopped":
        _extend((*values.values(), *tests.values()), short, reached, 1.0)
        _extend(() if seconds is None else (seconds,), short, reached, float(gaps))
        reached = np.where(short, shape[2], reached)
    return Arrays(
        values=values,
        test_values={metric: array for metric, array in tests.items() if not np.isnan(array).all()},
        seconds=seconds,
        reached=reached,
        diverged=diverged,
        seeds=tuple(label or "0" for label in labels),
        gaps=gaps,
    )


def _array(shape: Shape, place: tuple[np.ndarray, ...], values: np.ndarray) -> np.ndarray:
    array = np.full(shape, math.nan)
    array[place] = values
    return array


def _extend(arrays: Iterable[np.ndarray], short: np.ndarray, reached: np.ndarray, factor: float) -> None:
    """Go on with the last value of trainings that stopped by themselves, times a factor."""
    rows, columns = np.nonzero(short)
    ends = reached[rows, columns]
    for array in arrays:
        beyond = np.arange(array.shape[2]) >= ends[:, None]
        last = array[rows, columns, ends - 1, None] * factor
        array[rows, columns] = np.where(beyond, last, array[rows, columns])


def _set_chance(array: np.ndarray, metric: Metric, reached: np.ndarray, diverged: np.ndarray, *, first: bool) -> None:
    """Give trainings that diverged the value that they are worth."""
    if not diverged.any():
        return
    if first and metric.chance is None:
        raise BadInput(f"metrics.{metric.name}.chance: missing; it is what a training that diverged is worth")
    ends = np.nonzero(diverged)
    array[(*ends, reached[ends] - 1)] = math.nan if metric.chance is None else metric.chance


def _seconds(
    observations: Observations,
    place: tuple[np.ndarray, ...],
    shape: Shape,
    reached: np.ndarray,
    mapping: RowMapping,
    *,
    gaps: bool,
) -> np.ndarray | None:
    """The seconds of every epoch; where curves have gaps, those of a training up to each epoch."""
    if observations.seconds is None:
        nominal = np.arange(1.0, shape[2] + 1) if gaps else np.ones(shape[2])
        return np.broadcast_to(nominal, shape).copy() if gaps or mapping.shorter == "stopped" else None
    found = _array(shape, place, observations.seconds)
    per = mapping.seconds_per or ("training" if shape[2] == 1 else None)
    if per is None:
        raise BadInput(
            'seconds.per: missing; say "epoch" if a row has the seconds of its epoch, "so_far" if those since the '
            'beginning, "training" if those of the whole training'
        )
    if gaps and per == "epoch":
        raise BadInput('seconds.per = "epoch": curves have gaps, so need those since the beginning, per = "so_far"')
    if gaps:
        return np.asarray(np.nan_to_num(found))
    if per == "training":
        last = np.take_along_axis(found, np.maximum(reached - 1, 0)[..., None], axis=2)
        return np.asarray(np.broadcast_to(last / np.maximum(reached, 1)[..., None], shape)).copy()
    if per == "epoch":
        return found
    added = np.diff(found, axis=2, prepend=0.0)
    if (added < 0).any():
        raise BadInput('seconds.per = "so_far": seconds fall from an epoch to the next; say per = "epoch"')
    return np.asarray(added)
