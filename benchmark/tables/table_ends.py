"""The ends of a table's metrics: the exact best, the value of a typical configuration, the hypervolume reference."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from objectives.metric import Metric

WORST_SHARE = 0.9
"""The reference of a hypervolume is what nine of ten trainings reach; a worst loss of 1e8 would make all else equal."""


def metric_with_ends(metric: Metric, values: np.ndarray, test_values: np.ndarray | None, reached: np.ndarray) -> Metric:
    """Add the ends that follow from all values of a metric; those that it declares are kept.

    `best` is the best of every value that a run can meet, of any configuration, seed, epoch, validation or test, so
    that no regret is negative. `typical` is the median of full trainings over configurations and seeds, `reference`
    their quantile `WORST_SHARE` from the best. Where all values are equal there is no scale, and neither of the two.

    Args:
        metric: without ends.
        values: (C, S, E) of validation, NaN where not known.
        test_values: likewise of the test set, or None.
        reached: (C, S), epochs known of each training; 0 where it is not known at all.
    """
    known = [array[np.isfinite(array)] for array in (values, test_values) if array is not None]
    best = max if metric.goal == "max" else min
    ends = {"best": best(float(best(array.min(), array.max())) for array in known if array.size)}
    errors = _errors(metric, _final_values(values, reached))
    bounds = {"typical": np.median(errors), "reference": np.quantile(errors, WORST_SHARE, method="higher")}
    for name, error in bounds.items():
        if float(error) > metric.to_error(ends["best"]):
            ends[name] = metric.from_error(float(error))
    return replace(metric, **{name: value for name, value in ends.items() if getattr(metric, name) is None})  # type: ignore[arg-type]


def _final_values(values: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """The last known value of every training there is, (at most C x S,)."""
    rows, columns = np.nonzero(reached)
    final = values[rows, columns, reached[rows, columns] - 1]
    known: np.ndarray = final[np.isfinite(final)]
    return known


def _errors(metric: Metric, values: np.ndarray) -> np.ndarray:
    return values if metric.goal == "min" else 0.0 - values


def metrics_with_ends(
    metrics: tuple[Metric, ...],
    values: Mapping[str, np.ndarray],
    test_values: Mapping[str, np.ndarray],
    reached: np.ndarray,
) -> tuple[Metric, ...]:
    """Add the ends of every metric; arrays by the metric's name, as `metric_with_ends` takes them."""
    return tuple(
        metric_with_ends(metric, values[metric.name], test_values.get(metric.name), reached) for metric in metrics
    )
