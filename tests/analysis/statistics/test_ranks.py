"""Ranks within repetitions."""

import itertools

import numpy as np
import pytest

from analysis.statistics.bootstrap import interval, mean
from analysis.statistics.ranks import mean_ranks, ranks


def brute(row):
    """Average rank of ties: one, plus those that are better, plus half of the others that are equal."""
    return [1 + sum(other < one for other in row) + (sum(other == one for other in row) - 1) / 2 for one in row]


def test_ranks_by_brute_force():
    """Ties share their average rank, failures the worst ones."""
    losses = np.random.default_rng(1).integers(0, 4, size=(30, 6)) / 10.0
    losses[losses == 0.3] = np.inf
    assert ranks(losses) == pytest.approx(np.array([brute(row) for row in losses]))


def test_mean_of_ranks_not_rank_of_means():
    """One disaster costs one repetition's rank, and not the lead."""
    losses = np.tile([0.1, 0.2], (10, 1))
    losses[0, 0] = 9.0
    found = mean_ranks(losses)
    assert found.mean == pytest.approx([1.1, 1.9])
    assert (found.n == 10).all()
    assert ((found.lo <= found.mean) & (found.mean <= found.hi)).all()


def test_intervals_are_those_of_the_ranks():
    """The interval is the bootstrap's of each algorithm's ranks."""
    losses = np.random.default_rng(2).normal(size=(20, 3))
    found = mean_ranks(losses)
    expected = interval(np.ascontiguousarray(ranks(losses).T), mean)
    assert np.array_equal(np.stack([found.lo, found.hi], axis=1), expected)


def test_columns_may_come_in_any_order():
    """Shuffling the algorithms shuffles the ranks."""
    losses = np.random.default_rng(3).normal(size=(12, 3))
    found = mean_ranks(losses)
    for order in itertools.permutations(range(3)):
        turned = mean_ranks(losses[:, order])
        assert np.array_equal(turned.mean, found.mean[list(order)])
        assert np.array_equal(turned.lo, found.lo[list(order)])


def test_what_is_missing_has_not_lost():
    """Repetitions that one has not finished are left out, and an algorithm without any takes no part."""
    losses = np.array([[0.1, 0.2, np.nan], [0.3, 0.2, np.nan], [np.nan, 0.2, np.nan], [0.1, np.inf, np.nan]])
    found = mean_ranks(losses)
    assert found.n.tolist() == [3, 3, 0]
    assert found.mean[:2] == pytest.approx([4 / 3, 5 / 3])
    assert np.isnan([found.mean[2], found.lo[0]]).all()


def test_nothing_finished():
    """Without any finished run nothing is ranked."""
    assert mean_ranks(np.full((3, 2), np.nan)).n.tolist() == [0, 0]


def test_all_tied_and_all_failed():
    """All share the middle rank, without width."""
    for value in (0.1, np.inf):
        found = mean_ranks(np.full((8, 3), value))
        assert found.mean.tolist() == found.lo.tolist() == found.hi.tolist() == [2, 2, 2]


def test_one_algorithm_is_always_first():
    """Alone, the rank is 1."""
    assert mean_ranks(np.arange(7.0)[:, np.newaxis]).mean.tolist() == [1]
