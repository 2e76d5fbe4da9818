"""Grid search: every combination of the levels once, and no grid too large to hold."""

import itertools

import numpy as np
import pytest
from scipy import stats

from algorithms.searchers.grid_search import MOST_POINTS, GridSearch
from objectives.space import Categorical, Condition, Ordinal, Space
from tests.objectives.conditional_spaces import LAYERS

SPACE = Space(
    {
        "rate": stats.loguniform(1e-4, 1),
        "momentum": stats.uniform(0, 1),
        "layers": stats.randint(1, 4),
        "activation": Categorical(["relu", "tanh"]),
    }
)


def points(space, seed=0, default=None, **options):
    """Everything a grid search proposes until it is exhausted."""
    searcher = GridSearch(space, rng=np.random.default_rng(seed), initial_config=default, **options)
    return list(iter(searcher.sample_configuration, None))


def key(config):
    return tuple(config.items())


def test_every_combination_comes_once():
    """The proposals are the product of the levels of all hyperparameters, none twice."""
    levels = {
        "rate": [10**-3.5, 10**-2.5, 10**-1.5, 10**-0.5],
        "momentum": [0.125, 0.375, 0.625, 0.875],
        "layers": [1, 2, 3],
        "activation": ["relu", "tanh"],
    }
    proposed = points(SPACE, levels=4)
    assert len(proposed) == len(set(map(key, proposed))) == 4 * 4 * 3 * 2
    for name, expected in levels.items():
        found = sorted({config[name] for config in proposed})
        assert found == (pytest.approx(expected) if isinstance(expected[0], float) else expected)
    whole = itertools.product(*(sorted({config[name] for config in proposed}) for name in SPACE))
    assert sorted(map(key, proposed)) == sorted(tuple(zip(SPACE, point, strict=True)) for point in whole)


@pytest.mark.parametrize("levels", [1, 2, 5, 9])
def test_a_log_uniform_rate_has_a_geometric_grid(levels):
    """Neighbours on the grid of a log-uniform hyperparameter have one ratio."""
    rates = sorted(config["rate"] for config in points(Space({"rate": SPACE["rate"]}), levels=levels))
    assert len(rates) == levels
    assert rates[0] * rates[-1] == pytest.approx(1e-4)
    ratios = [high / low for low, high in itertools.pairwise(rates)]
    assert ratios == pytest.approx([10 ** (4 / levels)] * (levels - 1))


@pytest.mark.parametrize(
    ("distribution", "levels", "expected"),
    [
        (stats.randint(3, 6), 10, [3, 4, 5]),
        (stats.randint(3, 4), 5, [3]),
        (stats.randint(0, 100), 5, [10, 30, 50, 70, 90]),
        (stats.binom(10, 0.01), 5, [0]),
        (Categorical(["a", "b", "c"]), 1, ["a", "b", "c"]),
    ],
)
def test_levels_of_one_hyperparameter(distribution, levels, expected):
    """Few integers give each once, many are spread evenly, and a categorical gives all its choices."""
    assert sorted(config["x"] for config in points(Space({"x": distribution}), levels=levels)) == expected


def test_the_order_is_the_generators():
    """One seed gives one order, another seed another, of the same grid."""
    one, two, other = (points(SPACE, seed) for seed in (1, 1, 2))
    assert one == two != other
    assert sorted(map(key, one)) == sorted(map(key, other))


def test_the_order_is_random():
    """The first proposals are not the first rows of the grid but spread over every hyperparameter."""
    assert len({config["rate"] for config in points(SPACE)[:30]}) == 5


def test_the_default_comes_first_and_the_whole_grid_after():
    """The default is one proposal more than the grid, also when it lies on it."""
    on_the_grid = points(SPACE)[7]
    proposed = points(SPACE, default=on_the_grid)
    assert proposed[0] == on_the_grid
    assert sorted(map(key, proposed[1:])) == sorted(map(key, points(SPACE)))


@pytest.mark.parametrize("levels", [1, 2, 3, 4])
def test_no_two_points_of_a_conditional_grid_train_alike(levels):
    """Only the widths of the layers that are there vary: the whole product without its doubles."""
    proposed = points(LAYERS, levels=levels)
    whole = itertools.product(*(LAYERS.levels(name, levels) for name in LAYERS))
    expected = {key(LAYERS.check(dict(zip(LAYERS, point, strict=True)))) for point in whole}
    assert len(proposed) == len(expected)
    assert set(map(key, proposed)) == expected
    assert all(list(config) == LAYERS.active(config) for config in proposed)


def test_a_conditional_grid_by_hand():
    """Three rates and widths: 3 * (3 + 9 + 27) points."""
    assert len(points(LAYERS, levels=3)) == 117


def test_a_chain_of_conditions():
    """What depends on something that does not count does not count either."""
    space = Space(
        {"a": Categorical([True, False]), "b": Ordinal([1, 2, 3]), "c": stats.uniform(), "d": stats.uniform()},
        {"b": Condition(parent="a", values=(True,)), "c": Condition(parent="b", values=(2, 3))},
    )
    proposed = points(space, levels=2)
    assert len(proposed) == len(set(map(key, proposed))) == (1 + 1 + 2 + 2) * 2


def test_the_points_that_are_allowed_are_those_that_differ():
    """A grid is refused by its own size, not by that of the product with what does not count."""
    assert len(points(LAYERS, levels=9)) == 9 * (9 + 9**2 + 9**3)
    with pytest.raises(ValueError, match=r"levels = 33: gives 1222947 grid points, at most 1000000 are allowed"):
        points(LAYERS, levels=33)


def test_too_many_parents_are_refused_at_once(monkeypatch):
    """Combinations are not even counted beyond what is allowed."""
    monkeypatch.setattr("algorithms.searchers.grid_search.MOST_POINTS", 1000)
    parents = {f"p{i}": Categorical([True, False]) for i in range(60)}
    conditions = {f"c{i}": Condition(parent=f"p{i}", values=(True,)) for i in range(60)}
    space = Space({**parents, **{name: stats.uniform() for name in conditions}}, conditions)
    with pytest.raises(ValueError, match=r"levels = 2: gives \d+ grid points, at most 1000 are allowed"):
        GridSearch(space, rng=np.random.default_rng(0), levels=2)


def test_an_exhausted_grid_stays_exhausted():
    """After the last point there is nothing, for ever."""
    searcher = GridSearch(Space({"x": stats.randint(0, 3)}), rng=np.random.default_rng(0))
    assert len(list(iter(searcher.sample_configuration, None))) == 3
    searcher.update({"x": 1}, 0.1)
    assert [searcher.sample_configuration() for _ in range(5)] == [None] * 5


@pytest.mark.parametrize("levels", [11, 1000, MOST_POINTS])
def test_a_grid_too_large_is_refused(levels):
    """Six hyperparameters at eleven levels are too many points; the message has both numbers."""
    space = Space({f"x{i}": stats.randint(0, 50) for i in range(6)})
    with pytest.raises(ValueError, match=rf"levels = {levels}: gives \d+ grid points, at most 1000000 are allowed"):
        GridSearch(space, rng=np.random.default_rng(0), levels=levels)


@pytest.mark.parametrize("levels", [0, -1, 2.0, True, "5", None, MOST_POINTS + 1, 10**15])
def test_impossible_levels(levels):
    """Levels of the wrong type or range are refused at once, before any grid is laid out."""
    with pytest.raises(ValueError, match=rf"levels = {levels!r}: need a whole number in 1\.\.1000000"):
        GridSearch(SPACE, rng=np.random.default_rng(0), levels=levels)
