"""Random search on a table against exact expectations: order statistics of finitely many values."""

import itertools

import numpy as np
import pytest

from tests.benchmark.tables.toy_table import write_toy_table
from tests.planted.random_search import best_of, compare, expectation

TRIALS = 100


@pytest.mark.parametrize("values", [[3.0, 1.0, 2.0], [2.0, 2.0, 5.0, 2.0], [7.0]])
def test_the_expectation_is_that_of_all_sequences(values):
    """Mean and variance of the best of n draws equal those over every sequence of n draws there is, ties included."""
    mean, variance = best_of(np.array(values), 5)
    for trials in range(1, 6):
        best = [min(draws) for draws in itertools.product(values, repeat=trials)]
        np.testing.assert_allclose([mean[trials - 1], variance[trials - 1]], [np.mean(best), np.var(best)], atol=1e-12)


def test_repetitions_meet_seeds_in_turn():
    """Five repetitions on three seeds: the first two seeds count twice, the third once."""
    values = np.array([[1.0, 10.0, 100.0], [3.0, 10.0, 300.0]])
    mean, error = expectation(values, 5, 1)
    assert mean[0] == pytest.approx((2 * 2 + 2 * 10 + 200) / 5)
    assert error[0] == pytest.approx(np.sqrt(2 * 1 + 100**2) / 5)


def test_random_search_is_within_three_standard_errors_at_every_trial(tmp_path):
    """The tuner with its searcher and ledgers on a table: the mean best so far follows the exact curve."""
    write_toy_table(tmp_path / "toy.npz")
    off = compare(str(tmp_path / "toy.npz"), tmp_path, 25, TRIALS)
    assert off.shape == (TRIALS,)
    assert np.abs(off).max() < 3
