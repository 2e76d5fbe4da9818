"""Sobol: scipy's own points in their order, evenly spread, without end."""

import copy
import pickle

import numpy as np
import pytest
from scipy import stats
from scipy.stats import qmc

from algorithms.schedulers.basic import BasicScheduler
from algorithms.searchers.sobol import BITS, Sobol
from objectives.space import Categorical, Condition, Space

SPACE = Space(
    {"rate": stats.loguniform(1e-4, 1), "width": stats.randint(8, 16), "activation": Categorical(["relu", "tanh"])}
)
CUBE = Space({name: stats.uniform(0, 1) for name in "abcde"})
DEFAULT = {"rate": 0.1, "width": 9, "activation": "tanh"}


def search(space=SPACE, default=None, seed=0):
    return Sobol(space, rng=np.random.default_rng(seed), initial_config=default)


def draws(searcher, count):
    return [searcher.sample_configuration() for _ in range(count)]


def points(count, seed=0):
    """(count, 5) proposals in the unit cube."""
    return np.array([list(config.values()) for config in draws(search(CUBE, seed=seed), count)])


@pytest.mark.parametrize("seed", range(5))
def test_proposals_are_scipys_sequence(seed):
    """They are the points that scipy draws at one go with the seed that the generator gives, in their order."""
    scramble = int(np.random.default_rng(seed).integers(2**31 - 1))
    sequence = qmc.Sobol(3, bits=BITS, rng=np.random.default_rng(scramble)).random_base2(9)
    assert draws(search(seed=seed), 512) == [SPACE.decode(point) for point in sequence]


def test_more_bits_are_the_same_sequence():
    """Unscrambled, the points are those of scipy's default of 30 bits, which ends too early for us."""
    fine, usual = (qmc.Sobol(21, scramble=False, bits=bits).random_base2(10) for bits in (BITS, 30))
    assert np.array_equal(fine, usual)


@pytest.mark.parametrize("size", [2, 16, 64, 128, 256])
def test_every_block_is_balanced(size):
    """Each aligned block of 2**k proposals has one in each of 2**k cells of every hyperparameter."""
    blocks = points(512).reshape(-1, size, 5)
    cells = np.sort(np.floor(blocks * size).astype(int), axis=1)
    assert (cells == np.arange(size)[None, :, None]).all()


def test_a_block_is_balanced_in_values_too():
    """Of 64 proposals a hyperparameter of 8 equally likely values takes each 8 times, one of 2 each 32 times."""
    proposed = draws(search(), 64)
    assert {width: sum(c["width"] == width for c in proposed) for width in range(8, 16)} == dict.fromkeys(
        range(8, 16), 8
    )
    assert sum(config["activation"] == "relu" for config in proposed) == 32


def test_the_default_costs_no_point():
    """The default comes first and only once, copied; the sequence follows whole."""
    default = dict(DEFAULT)
    searcher = search(default=default)
    default["rate"] = 0.9
    assert draws(searcher, 130) == [DEFAULT, *draws(search(), 129)]


def test_it_fills_better_than_random_draws():
    """In each of 20 repetitions 128 points lie evener than 128 uniform ones (centred discrepancy)."""
    for seed in range(20):
        random = np.random.default_rng(seed).random((128, 5))
        assert qmc.discrepancy(points(128, seed)) < qmc.discrepancy(random) / 2


def test_repetitions_are_independent_and_uniform():
    """Over the seeds any one proposal follows the distribution, and no two repetitions share one."""
    firsts = np.array([points(2, seed) for seed in range(200)])
    assert len(np.unique(firsts)) == firsts.size
    for place in range(2):
        for coordinate in range(5):
            assert stats.kstest(firsts[:, place, coordinate], "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(firsts[:, 0].T) - np.eye(5)).max() < 0.3


def test_the_scramble_comes_from_the_generators_state():
    """A generator that has been drawn from gives another scramble; scipy would spawn the same from its seed."""
    used = np.random.default_rng(0)
    used.random()
    assert draws(Sobol(SPACE, rng=used), 3) != draws(search(), 3)


def test_nothing_is_drawn_during_the_search():
    """After construction the caller's generator is not touched."""
    rng = np.random.default_rng(0)
    searcher = Sobol(SPACE, rng=rng)
    before = copy.deepcopy(rng.bit_generator.state)
    draws(searcher, 200)
    assert rng.bit_generator.state == before


def test_there_is_no_end():
    """Past 2**32 points, where 32 bits would end, there still are new ones, inside the cube."""
    searcher = search(CUBE)
    draws(searcher, 64)
    searcher.sequence.num_generated = 2**32
    beyond = np.array([list(config.values()) for config in draws(searcher, 256)])
    assert len(np.unique(beyond, axis=0)) == 256
    assert (beyond >= 0).all()
    assert (beyond < 1).all()
    assert searcher.sequence.maxn == 2**53


@pytest.mark.parametrize("clone", [copy.deepcopy, lambda searcher: pickle.loads(pickle.dumps(searcher))])
@pytest.mark.parametrize("steps", [0, 1, 63, 64, 65, 150])
def test_a_copy_goes_on_alike_anywhere_in_a_block(clone, steps):
    """A copy and its original go the same way, and neither moves the other."""
    searcher = search(default=DEFAULT)
    draws(searcher, steps)
    twin = clone(searcher)
    assert draws(twin, 150) == draws(searcher, 150) == draws(search(default=DEFAULT), steps + 150)[steps:]


def test_results_change_nothing():
    """It learns nothing and says so, also through the basic scheduler."""
    searcher = search()
    proposed = []
    for error in range(100):
        proposed.append(searcher.sample_configuration())
        searcher.update(proposed[-1], -error)
    assert proposed == draws(search(), 100)
    assert BasicScheduler(search()).adaptive is False


def test_what_does_not_count_is_left_out():
    """In a conditional space every proposal holds the hyperparameters that count, each still balanced."""
    space = Space(
        {"layers": stats.randint(1, 3), "width_2": stats.randint(8, 16)},
        conditions={"width_2": Condition(parent="layers", values=(2,))},
    )
    proposed = draws(search(space), 64)
    assert all(space.check(config) == config for config in proposed)
    assert sum("width_2" in config for config in proposed) == 32
