"""Axes of metrics, and the line behind which everything is reached."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib.path import Path

from analysis.figures.metric_axis import metric_axis, staircase
from analysis.fronts.nondominated import final_front
from analysis.loading.metric import Metric

GOALS = st.sampled_from(["min", "max"])
POINTS = st.lists(st.tuples(st.integers(1, 9), st.integers(1, 9)), min_size=1, max_size=6)


@given(POINTS, GOALS, GOALS)
def test_behind_the_line_is_what_some_point_dominates(points, across_goal, up_goal):
    """In the middle of every cell of a grid, whichever way the metrics go."""
    metrics = [Metric(name="m", goal=goal) for goal in (across_goal, up_goal)]
    values = np.array(points, dtype=float)
    minimised = np.column_stack([metric.own(values[:, place]) for place, metric in enumerate(metrics)])
    corners = values[final_front(minimised)]
    across, up = (metric_axis(metric, np.array([0.0, 10.0])) for metric in metrics)
    x, y = staircase(corners, across, up)
    region = Path(np.column_stack([np.append(x, across.worst), np.append(y, up.worst)]))
    middles = np.argwhere(np.ones((10, 10))) + 0.5
    own = np.column_stack([metric.own(middles[:, place]) for place, metric in enumerate(metrics)])
    reached = (minimised <= own[:, np.newaxis]).all(axis=2).any(axis=1)
    np.testing.assert_array_equal(region.contains_points(middles), reached)


def test_what_is_worse_than_the_ends_is_left_out():
    """Beyond the worst end of either axis; what is better than the best end stays."""
    across, up = metric_axis(Metric(), np.array([1.0, 2.0])), metric_axis(Metric(goal="max"), np.array([1.0, 2.0]))
    x, _ = staircase(np.array([[0.5, 0.1], [0.9, 1.5], [1.5, 2.5], [9.0, 3.0]]), across, up)
    assert x.tolist() == [0.9, 0.9, 1.5, 1.5, across.high]


def test_nothing_reached_is_the_worst_corner():
    """A line of no points is a single place."""
    gain, loss = metric_axis(Metric(goal="max"), np.array([1.0, 2.0])), metric_axis(Metric(), np.array([1.0, 2.0]))
    x, y = staircase(np.empty((0, 2)), gain, loss)
    assert (x.tolist(), y.tolist()) == ([gain.low], [loss.high])


@pytest.mark.parametrize(
    ("values", "reference", "logarithmic"),
    [
        ([1.0, 101.0], None, True),
        ([1.0, 99.0], None, False),
        ([0.0, 1e9], None, False),
        ([-1.0, 1e9], None, False),
        ([1.0, 50.0, 1e9], 100.0, False),
        ([1.0, 5e4, 1e9], 1e5, True),
        ([200.0, 1e9], 100.0, True),
    ],
)
def test_an_axis_is_logarithmic_over_more_than_two_decades(values, reference, logarithmic):
    """Of positive values, and of those alone that beat the reference, if any do."""
    axis = metric_axis(Metric(reference=reference), np.array(values))
    assert (axis.size is None) == logarithmic
    drawn = axis.of(values)
    shown = [value for value in values if reference is None or value < reference] or values
    assert all(axis.low < axis.of([value])[0] < axis.high for value in shown)
    assert (np.diff(drawn) >= 0.0).all()


@given(st.lists(st.floats(), min_size=1, max_size=5), st.none() | st.floats(allow_nan=False, allow_infinity=False))
def test_any_numbers_have_an_axis(values, reference):
    """What is drawn is finite but for NaN, and the ends of the axis differ."""
    axis = metric_axis(Metric(goal="max", reference=reference), np.array(values))
    drawn = axis.of(values)
    assert axis.low < axis.high
    assert np.isfinite(drawn[~np.isnan(values)]).all()
