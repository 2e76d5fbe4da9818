"""The book's random searcher draws as the book's does, from numpy's global generator or from one of its own."""

import numpy as np
import pytest
from scipy import stats

from benchmark import book as d2l
from objectives.space import Categorical, Condition, Space
from tests.benchmark.fakes.book_reader import RandomSearcher

SPACE = {"learning_rate": stats.loguniform(1e-2, 1), "batch_size": stats.randint(32, 256)}


def drawn(searcher, count=3):
    return [searcher.sample_configuration() for _ in range(count)]


@pytest.mark.usefixtures("_own_global_state")
def test_the_global_seed_decides_as_in_the_book():
    """Under each of five global seeds our searcher draws what the book's own draws, and no two seeds draw alike."""
    results = []
    for seed in range(5):
        np.random.seed(seed)  # noqa: NPY002, TID251 (as readers write)
        ours = drawn(d2l.RandomSearcher(SPACE))
        np.random.seed(seed)  # noqa: NPY002, TID251 (as readers write)
        assert ours == drawn(RandomSearcher(SPACE))
        results.append(ours[0]["learning_rate"])
    assert len(set(results)) == 5


@pytest.mark.usefixtures("_own_global_state")
def test_choices_are_drawn_from_the_global_generator_too():
    """The harness's own distributions hear the global seed like those of scipy."""
    searcher = d2l.RandomSearcher({"activation": Categorical(list("abcdefgh"))})
    repeated = []
    for _ in range(2):
        np.random.seed(1)  # noqa: NPY002, TID251 (as readers write)
        repeated.append(drawn(searcher, 8))
    assert repeated[0] == repeated[1]
    assert len({config["activation"] for config in repeated[0]}) > 1


def test_a_seed_of_its_own_leaves_the_global_generator_alone():
    """The same seed repeats the search, another changes it."""
    first, again, other = (drawn(d2l.RandomSearcher(SPACE, seed=seed)) for seed in (1, 1, 2))
    assert first == again != other


@pytest.mark.usefixtures("_own_global_state")
def test_the_initial_configuration_comes_first_and_is_not_changed():
    """A scheduler that adds a fidelity to it does not change the caller's."""
    initial = {"learning_rate": 0.1, "batch_size": 128}
    searcher = d2l.RandomSearcher(SPACE, initial_config=initial)
    assert (searcher.config_space, searcher.initial_config) == (SPACE, initial)
    assert searcher.hparams == {"config_space": SPACE, "initial_config": initial, "seed": None}
    searcher.sample_configuration()["max_epochs"] = 1
    assert initial == {"learning_rate": 0.1, "batch_size": 128}
    assert searcher.initial_config is None


def test_what_does_not_count_is_left_out():
    """A conditional space gives configurations that it accepts."""
    space = Space(
        {"optimizer": Categorical(["sgd", "adam"]), "momentum": stats.uniform(0, 1)},
        {"momentum": Condition(parent="optimizer", values=("sgd",))},
    )
    configs = drawn(d2l.RandomSearcher(space, seed=0), 20)
    assert [space.check(config) for config in configs] == configs
    assert {len(config) for config in configs} == {1, 2}


def test_a_space_that_is_none_is_refused_when_the_searcher_is_made():
    """The message names the hyperparameter."""
    with pytest.raises(ValueError, match="lr = 'high'"):
        d2l.RandomSearcher({"lr": "high"})


@pytest.mark.parametrize(
    ("base", "method", "arguments"),
    [
        (d2l.HPOSearcher, "sample_configuration", ()),
        (d2l.HPOScheduler, "suggest", ()),
        (d2l.HPOScheduler, "update", ({}, 0.0)),
    ],
)
def test_methods_are_added_after_the_class(base, method, arguments):
    """A class comes first; a method that is still missing says so when it is called."""

    class Own(base):
        def __init__(self, level):
            self.save_hyperparameters()

    own = Own(3)
    with pytest.raises(NotImplementedError):
        getattr(own, method)(*arguments)

    def added(self, *arguments):
        return self.level

    added.__name__ = method
    d2l.add_to_class(Own)(added)
    assert getattr(own, method)(*arguments) == own.hparams["level"] == 3
