"""Bradley-Terry strengths against the likelihood maximised directly, and Elo."""

import itertools

import numpy as np
import pytest
from scipy import optimize
from scipy.special import log_expit

from analysis.many_tasks.mean_ranks import mean_ranks
from analysis.many_tasks.ratings import RATINGS, ratings, strengths
from analysis.many_tasks.tasks import read_tasks
from tests.analysis.many_tasks.fields import finals, planted


def direct(wins):
    """The strengths that maximise the likelihood of a matrix of wins, with one more tie a pair, by a general method."""
    pairs = [*itertools.permutations(range(len(wins)), 2)]

    def loss(found):
        return -sum((wins[a, b] + 0.5) * log_expit(found[a] - found[b]) for a, b in pairs) + found.sum() ** 2

    found = optimize.minimize(loss, np.zeros(len(wins)), method="BFGS", options={"gtol": 1e-9}).x
    return found - found.mean()


@pytest.mark.parametrize("seed", range(3))
def test_strengths_maximise_the_likelihood(seed):
    """Of a field in which every two meet equally often, one method winning almost always."""
    rng, k, n = np.random.default_rng(seed), 4, 24
    wins = np.zeros((k, k))
    for a, b in itertools.combinations(range(k), 2):
        wins[a, b] = n if a == 0 else rng.integers(0, 2 * n + 1) / 2
        wins[b, a] = n - wins[a, b]
    found = strengths(wins.sum(axis=1)[np.newaxis] / n, n)[0]
    assert found == pytest.approx(direct(wins), abs=1e-5)


def test_two_methods_have_the_odds():
    """With one tie more: 15 of 20 make 15.5 to 5.5; always winning stays finite."""
    assert strengths(np.array([[0.75, 0.25]]), 20)[0] == pytest.approx(np.log(15.5 / 5.5) * np.array([0.5, -0.5]))
    assert strengths(np.array([[1.0, 0.0]]), 10**6)[0, 0] == pytest.approx(np.log(2 * 10**6 + 1) / 2)


def test_many_fields_at_once():
    """Every row is as if it were alone, from all equal to all in one order."""
    rng = np.random.default_rng(6)
    rows = np.array([np.arange(21.0)[::-1], np.full(21, 10.0), *rng.permuted(np.tile(np.arange(21.0), (5, 1)), axis=1)])
    together = strengths(rows, 660)
    alone = np.concatenate([strengths(row[np.newaxis], 660) for row in rows])
    assert together == pytest.approx(alone, abs=1e-9)
    assert (np.diff(together[0]) < 0).all()
    assert together[1] == pytest.approx(np.zeros(21), abs=1e-12)


def test_elo_of_a_field():
    """The mean is 1500, 400 points are odds of 10, and the order is that of mean ranks."""
    tasks = read_tasks(*planted(tasks=7))
    table = ratings(tasks)
    assert tuple(table.columns) == RATINGS
    assert table["elo"].mean() == pytest.approx(1500)
    assert table["elo"].to_numpy() == pytest.approx(1500 + 400 * table["strength"] / np.log(10))
    assert (table["elo"].rank() == mean_ranks(tasks)["mean_rank"].rank(ascending=False)).all()
    assert (table["low"] < table["elo"]).all()
    assert (table["elo"] < table["high"]).all()


def test_nothing_to_rate():
    """A single method has no rating."""
    assert ratings([]).empty
    assert ratings(read_tasks(*finals([[[0.1, 0.2]]]))).empty
