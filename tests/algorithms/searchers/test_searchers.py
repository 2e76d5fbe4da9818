"""What every searcher promises; a new entry of the registry is tested without a line here."""

import copy
import math
import pickle

import numpy as np
import pytest

from algorithms import SEARCHERS
from algorithms.roles import Searcher
from benchmark.checking.toy_tasks import toy_error
from objectives.space import FIDELITY
from tests.algorithms.driving import proposals
from tests.algorithms.subjects import EVALUATIONS, SPACES, every_searcher, make_searcher, on_every_space


@every_searcher
def test_searchers_have_their_role(name):
    """A registered searcher has the two methods of its role."""
    assert isinstance(make_searcher(name, "mixed"), Searcher)


@every_searcher
@on_every_space
def test_proposals_are_in_the_space(name, space):
    """Every proposal is complete, in range and of Python's own types."""
    config_space = SPACES[space][0]
    for config in filter(None, proposals(make_searcher(name, space), EVALUATIONS)):
        checked = config_space.check(config)
        assert checked == config
        assert set(config) == set(config_space.active(config))
        assert [type(config[key]) for key in checked] == [type(value) for value in checked.values()]


@every_searcher
@on_every_space
def test_the_default_comes_first(name, space):
    """The default configuration is the first proposal, and without one there still is a first."""
    assert proposals(make_searcher(name, space), 1) == [SPACES[space][1]]
    assert proposals(make_searcher(name, space, default=False), 1) != [None]


@every_searcher
@on_every_space
def test_a_search_is_a_function_of_its_generator(name, space):
    """The same seed proposes the same, another seed something else where there is a choice."""
    one, two, other = (proposals(make_searcher(name, space, seed), EVALUATIONS) for seed in (1, 1, 2))
    assert one == two
    assert (one != other) == (space != "constant")


@every_searcher
@on_every_space
def test_an_exhausted_searcher_stays_exhausted(name, space):
    """After the first None there is nothing for ever, whatever results still come in."""
    searcher = make_searcher(name, space)
    proposed = proposals(searcher, 400)
    if None in proposed:
        assert set(map(str, proposed[proposed.index(None) :])) == {"None"}
        searcher.update(dict(SPACES[space][1]), 0.0)
        assert proposals(searcher, 20) == [None] * 20


@every_searcher
@on_every_space
@pytest.mark.parametrize("error", [math.inf, 0.9, 0.0, -3.0])
def test_results_that_tell_nothing_are_survived(name, space, error):
    """All trials crashed, or all equal: the search goes on inside the space."""
    config_space = SPACES[space][0]
    for config in filter(None, proposals(make_searcher(name, space), EVALUATIONS, lambda config: error)):
        config_space.check(config)


@every_searcher
@on_every_space
def test_a_searcher_changes_no_argument(name, space):
    """The default, the configuration told, and its fidelity stay as they were."""
    config_space, initial = SPACES[space]
    default = dict(initial)
    searcher = SEARCHERS[name](config_space, rng=np.random.default_rng(0), initial_config=default)
    for _ in range(20):
        config = searcher.sample_configuration()
        if config is None:
            break
        told = {**config, FIDELITY: 3}
        before = copy.deepcopy(told)
        searcher.update(told, toy_error(told), additional_info={"epochs": 3})
        assert told == before
    assert default == initial


@every_searcher
@on_every_space
def test_what_a_caller_does_to_a_proposal_does_not_matter(name, space):
    """Proposals and told configurations may be changed by whoever holds them, as the book's code does."""
    expected = proposals(make_searcher(name, space), EVALUATIONS)
    searcher, proposed = make_searcher(name, space), []
    for _ in range(EVALUATIONS):
        config = searcher.sample_configuration()
        proposed.append(copy.deepcopy(config))
        if config is not None:
            told = dict(config)
            config["max_epochs"] = 1
            searcher.update(told, toy_error(proposed[-1]))
            told.clear()
            config.clear()
    assert proposed == expected


@every_searcher
@on_every_space
@pytest.mark.parametrize("clone", [copy.deepcopy, lambda searcher: pickle.loads(pickle.dumps(searcher))])
def test_a_copied_searcher_goes_on_alike(name, space, clone):
    """A copy made in the middle of a search, generator included, proposes what the original does."""
    searcher = make_searcher(name, space)
    proposals(searcher, 8)
    twin = clone(searcher)
    assert proposals(twin, 20) == proposals(searcher, 20)


@every_searcher
@on_every_space
def test_searchers_leave_global_generators_alone(name, space, global_state, move_global_generators):
    """A search neither reads nor moves the global generators."""
    expected = proposals(make_searcher(name, space), EVALUATIONS)
    move_global_generators()
    before = global_state()
    assert proposals(make_searcher(name, space), EVALUATIONS) == expected
    assert global_state() == before
