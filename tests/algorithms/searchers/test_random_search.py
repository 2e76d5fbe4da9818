"""Random search: independent draws from the space after the default."""

import numpy as np
from scipy import stats

from algorithms.searchers.random_search import RandomSearch
from objectives.space import Categorical, Space

SPACE = Space(
    {"rate": stats.loguniform(1e-4, 1), "width": stats.randint(8, 16), "activation": Categorical(["relu", "tanh"])}
)
DEFAULT = {"rate": 0.1, "width": 9, "activation": "tanh"}


def draws(count, default=None, seed=0):
    searcher = RandomSearch(SPACE, rng=np.random.default_rng(seed), initial_config=default)
    return [searcher.sample_configuration() for _ in range(count)]


def test_proposals_are_the_spaces_samples():
    """Every proposal is one sample of the space from the generator given, and nothing else is drawn."""
    rng = np.random.default_rng(0)
    assert draws(20) == [SPACE.sample(rng) for _ in range(20)]


def test_the_default_is_tried_once_and_costs_no_draw():
    """The default comes first and only once; what follows is as without it."""
    assert draws(20, DEFAULT) == [DEFAULT, *draws(19)]


def test_the_default_is_copied():
    """Changing the dictionary given, before or after, does not change what is proposed."""
    default = dict(DEFAULT)
    searcher = RandomSearch(SPACE, rng=np.random.default_rng(0), initial_config=default)
    default["rate"] = 0.9
    first = searcher.sample_configuration()
    assert first == DEFAULT
    first["rate"] = 0.5
    assert default["rate"] == 0.9


def test_proposals_have_the_spaces_law():
    """Each hyperparameter follows its own distribution."""
    proposed = draws(3000)
    assert stats.kstest([config["rate"] for config in proposed], SPACE["rate"].cdf).pvalue > 1e-3
    widths = [config["width"] for config in proposed]
    assert stats.chisquare([widths.count(width) for width in range(8, 16)]).pvalue > 1e-3
    tanh = sum(config["activation"] == "tanh" for config in proposed)
    assert stats.binomtest(tanh, 3000, 0.5).pvalue > 1e-3


def test_nothing_is_learned():
    """Results change nothing about what comes next."""
    searcher = RandomSearch(SPACE, rng=np.random.default_rng(0))
    proposed = []
    for error in range(20):
        proposed.append(searcher.sample_configuration())
        searcher.update(proposed[-1], -error)
    assert proposed == draws(20)
