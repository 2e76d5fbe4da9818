"""The ends of a metric against their definitions, by another route."""

import statistics

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmark.tables.table_ends import metric_with_ends
from objectives.metric import Metric

NUMBERS = st.lists(st.integers(-50, 50), min_size=1, max_size=12)


@settings(max_examples=40)
@given(NUMBERS, st.sampled_from(["min", "max"]))
def test_ends_of_full_trainings(numbers, goal):
    """Best is the best number, typical the median; both are where somebody with a sorted list finds them."""
    values = np.array(numbers, float).reshape(-1, 1, 1)
    metric = metric_with_ends(Metric("m", goal=goal), values, None, np.ones((len(numbers), 1), int))
    best = min(numbers) if goal == "min" else max(numbers)
    assert metric.best == best
    median = statistics.median(numbers)
    assert metric.typical == (None if median == best else median)
    if metric.reference is not None:
        worse = [
            number for number in numbers if (number > metric.reference if goal == "min" else number < metric.reference)
        ]
        assert len(worse) <= 0.1 * len(numbers)
        assert metric.reference in numbers


def test_no_value_of_any_epoch_seed_or_test_is_better_than_the_best():
    """Regrets are not negative, whatever a run meets; trainings that are not there do not count."""
    values = np.array([[[0.2, 0.5]], [[0.9, np.nan]], [[np.nan, np.nan]]])
    test = np.array([[[0.4, 0.1]], [[0.9, np.nan]], [[np.nan, np.nan]]])
    metric = metric_with_ends(Metric("m"), values, test, np.array([[2], [1], [0]]))
    assert (metric.best, metric.typical, metric.reference) == (0.1, 0.7, 0.9)


def test_declared_ends_are_kept():
    """What a mapping says of a metric stands."""
    metric = metric_with_ends(
        Metric("m", best=-1.0, typical=3.0), np.array([[[0.0]], [[1.0]]]), None, np.ones((2, 1), int)
    )
    assert (metric.best, metric.typical, metric.reference) == (-1.0, 3.0, 1.0)
