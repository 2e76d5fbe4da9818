"""The two-level bootstrap: tasks are drawn with replacement, and within each drawn task its repetitions.

A new suite would have other tasks, and each of them other repetitions: intervals are for the mean over tasks like
these, not over these very tasks. The draws are a function of the number of repetitions of each task alone, so that no
interval depends on what else is computed.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from analysis.statistics.anytime import Array
from analysis.statistics.bootstrap import LEAST, RESAMPLES, SEED, expanded


@lru_cache(maxsize=4)
def weights(sizes: tuple[int, ...]) -> Array:
    """The weight of every block in every resample.

    Args:
        sizes: repetitions of each task, all >= 1.

    Returns:
        (1 + `RESAMPLES`, sum of the sizes) whole numbers; the first row is the sample itself, and the only one for
        fewer than `LEAST` tasks, which have no interval. A row sums to `total(sizes)`, each drawn task having the
        same share of it. Sums of whole or half blocks that are weighted so are exact in any order.
    """
    rng, tasks = np.random.default_rng([SEED, *sizes]), len(sizes)
    count = RESAMPLES if tasks >= LEAST else 0
    drawn = np.vstack([np.ones(tasks, dtype=np.int64), rng.multinomial(tasks, np.full(tasks, 1 / tasks), count)])
    each = math.lcm(*sizes)
    columns = []
    for size, times in zip(sizes, drawn.T, strict=True):
        counts = rng.multinomial(times * size, np.full(size, 1 / size)).astype(np.float64)
        counts[0] = 1.0
        columns.append(counts * (each // size))
    found = np.concatenate(columns, axis=1)
    found.flags.writeable = False
    return found


def total(sizes: tuple[int, ...]) -> int:
    """What the weights of a resample sum to."""
    return len(sizes) * math.lcm(*sizes)


def resampled(blocks: Array, sizes: tuple[int, ...]) -> Array:
    """Means over tasks of the means over their repetitions.

    Args:
        blocks: (blocks, k) values, task by task; whole or half numbers, such as ranks and wins.
        sizes: repetitions of each task.

    Returns:
        (1 + `RESAMPLES`, k): of the sample, then of every resample.
    """
    return np.asarray(weights(sizes) @ blocks / total(sizes))


def limits(drawn: Array, tasks: int) -> Array:
    """95 % percentile limits of resampled values, at the level that a t-interval over so few tasks asks for.

    Args:
        drawn: (resamples, ...), without the sample itself.
        tasks: how many were resampled.

    Returns:
        (..., 2); NaN for fewer than `LEAST` tasks.
    """
    if tasks < LEAST:
        return np.full((*drawn.shape[1:], 2), np.nan)
    tail = (1 - expanded(tasks)) / 2
    return np.moveaxis(np.quantile(drawn, [tail, 1 - tail], axis=0), 0, -1)
