"""The order of trials by several metrics: fronts, epsilon-nets, and constraints before both."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from algorithms.multi_objective.ranking import epsilon_net, rank
from algorithms.multi_objective.task_values import total_violations

FRONTS = arrays(
    float, st.tuples(st.integers(1, 12), st.integers(1, 4)), elements=st.sampled_from([0.0, 1, 2, 3, np.inf])
)
"""Small sets of points with many ties, and values that were not measured."""


def free(errors):
    return np.zeros((len(errors), 0))


def fronts_by_definition(errors):
    """The front of every point: those that nothing dominates are taken away, again and again."""
    left, numbers = set(range(len(errors))), {}
    for front in itertools.count():
        if not left:
            return numbers
        best = {
            i for i in left if not any((errors[j] <= errors[i]).all() and (errors[j] < errors[i]).any() for j in left)
        }
        numbers |= dict.fromkeys(best, front)
        left -= best
    return None


@settings(max_examples=40)
@given(FRONTS)
def test_fronts_come_in_the_order_of_their_definition(errors):
    """No trial comes before one of an earlier front, duplicates included; those with missing values are last."""
    measured = np.isfinite(errors).all(axis=1)
    numbers = fronts_by_definition(np.where(measured[:, None], errors, np.inf))
    order = rank(errors, free(errors))
    assert sorted(order) == list(range(len(errors)))
    assert [numbers[i] for i in order] == sorted(numbers.values())
    assert [measured[i] for i in order] == sorted(measured, reverse=True)


@settings(max_examples=10)
@given(FRONTS)
def test_a_shorter_order_is_the_beginning(errors):
    """Asking for fewer places changes none of them."""
    order = rank(errors, free(errors))
    for most in range(len(errors)):
        assert rank(errors, free(errors), most) == order[:most]


def test_an_epsilon_net_by_hand():
    """First the best of the first metric, then the farthest, then the one in the widest gap."""
    points = np.array([[2.0, 60.0], [0, 100], [10, 0], [5, 50], [1, 90]])
    assert epsilon_net(points) == [1, 2, 3, 0, 4]


@settings(max_examples=20)
@given(arrays(float, st.tuples(st.integers(1, 9), st.integers(1, 3)), elements=st.sampled_from([-3.5, 0, 0.25, 1, 7])))
def test_an_epsilon_net_takes_the_farthest(points):
    """Every point is, when it is taken, as far as any from the nearest of those taken before."""
    extent = np.ptp(points, axis=0)
    scaled = points / np.where(extent > 0, extent, 1.0)
    order = epsilon_net(points)
    assert sorted(order) == list(range(len(points)))
    for count in range(1, len(points)):
        distances = np.linalg.norm(scaled[:, None] - scaled[order[:count]], axis=2).min(axis=1)
        assert distances[order[count]] == pytest.approx(distances.max())


def test_the_net_does_not_depend_on_units():
    """A metric in other units, a million times as large, leaves the order as it is."""
    points = np.random.default_rng(0).random((20, 2))
    assert epsilon_net(points * [1, 1e6]) == epsilon_net(points)


def test_feasible_trials_come_first_and_others_by_violation():
    """A trial that violates a bound is behind the worst that does not; what was not measured is last."""
    errors = np.array([[0.0, 0.0], [9, 9], [1, 1], [0, 0]])
    amounts = np.array([[0.5, -1.0], [0, 0], [0.1, -2.0], [np.inf, -1.0]])
    assert rank(errors, amounts) == [1, 2, 0, 3]


def test_violations_are_in_units_of_the_largest():
    """A bound in milliseconds does not outweigh one on an accuracy."""
    amounts = np.array([[1000.0, -1.0], [0, 0.1], [500, 0.05], [-7, -7]])
    assert total_violations(amounts).tolist() == [1, 1, 1, 0]
    assert total_violations(np.zeros((3, 0))).tolist() == [0, 0, 0]
