"""Local search: exactly the rule it states, told by what it proposes."""

import math

import numpy as np
import pytest
from scipy import stats

from algorithms.searchers.local_search import LocalSearch
from algorithms.searchers.random_search import RandomSearch
from objectives.space import FIDELITY, Condition, Space

NAMES = ["a", "b", "c", "d", "e"]
SPACE = Space({name: stats.uniform(0, 1) for name in NAMES})
DEFAULT = dict.fromkeys(NAMES, 0.25)


def search(seed=0, default=DEFAULT, **options):
    return LocalSearch(SPACE, rng=np.random.default_rng(seed), initial_config=default, **options)


def differing(config, other):
    return [name for name in NAMES if config[name] != other[name]]


def bowl(config):
    return sum((value - 0.7) ** 2 for value in config.values())


def test_the_default_counts_as_an_initial_proposal():
    """Of num_init_random = 3 proposals the first is the default, two are random, the next is local."""
    searcher = search(num_init_random=3, probab_local=1.0)
    rng = np.random.default_rng(0)
    first = [searcher.sample_configuration() for _ in range(3)]
    assert first == [DEFAULT, SPACE.sample(rng), SPACE.sample(rng)]
    searcher.update(DEFAULT, 0.5)
    assert len(differing(searcher.sample_configuration(), DEFAULT)) == 1


@pytest.mark.parametrize("num_init_random", [1, 5, 8])
def test_it_begins_as_random_search(num_init_random):
    """Up to num_init_random the proposals are random search's, whatever the results."""
    searcher = search(num_init_random=num_init_random, probab_local=1.0)
    random_search = RandomSearch(SPACE, rng=np.random.default_rng(0), initial_config=DEFAULT)
    for _ in range(num_init_random):
        config = searcher.sample_configuration()
        assert config == random_search.sample_configuration()
        searcher.update(config, bowl(config))
    assert searcher.sample_configuration() != random_search.sample_configuration()


def test_a_local_proposal_is_the_best_but_for_one_hyperparameter():
    """With probab_local = 1 every later proposal is one draw away from the best so far."""
    searcher = search(num_init_random=2, probab_local=1.0)
    best, best_error = None, math.inf
    for number in range(200):
        config = searcher.sample_configuration()
        if number >= 2:
            assert len(differing(config, best)) == 1
        error = bowl(config)
        searcher.update(config, error)
        if error < best_error:
            best, best_error = config, error
    assert best_error < 0.01


@pytest.mark.parametrize("probab_local", [0.0, 0.25, 0.5, 0.9, 1])
def test_local_proposals_come_as_often_as_stated(probab_local):
    """The share of local proposals is probab_local."""
    searcher = search(num_init_random=1, probab_local=probab_local)
    searcher.update(searcher.sample_configuration(), 0.0)
    local = sum(len(differing(searcher.sample_configuration(), DEFAULT)) <= 1 for _ in range(2000))
    if probab_local in (0, 1):
        assert local == 2000 * probab_local
    else:
        assert stats.binomtest(local, 2000, probab_local).pvalue > 1e-3


def test_every_hyperparameter_is_as_likely_to_be_drawn_anew():
    """Which one changes is uniform, and its new value follows its own distribution."""
    searcher = search(num_init_random=1, probab_local=1.0)
    searcher.update(searcher.sample_configuration(), 0.0)
    proposed = [searcher.sample_configuration() for _ in range(2000)]
    changed = [differing(config, DEFAULT)[0] for config in proposed]
    assert stats.chisquare([changed.count(name) for name in NAMES]).pvalue > 1e-3
    fresh = [config[name] for config, name in zip(proposed, changed, strict=True)]
    assert stats.kstest(fresh, "uniform").pvalue > 1e-3


def around(searcher):
    """The configuration around which a searcher with probab_local = 1 proposes."""
    proposed = [searcher.sample_configuration() for _ in range(30)]
    return {name: max({config[name] for config in proposed}, key=[c[name] for c in proposed].count) for name in NAMES}


HIGH, LOW = dict.fromkeys(NAMES, 0.9), dict.fromkeys(NAMES, 0.1)


@pytest.mark.parametrize(
    ("results", "best"),
    [
        ([(HIGH, 0.5), (LOW, 0.5)], HIGH),
        ([(HIGH, 0.5), (LOW, 0.4)], LOW),
        ([(HIGH, 0.4), (LOW, 0.5)], HIGH),
        ([(HIGH, math.inf), (LOW, 0.9)], LOW),
        ([(LOW, 0.9), (HIGH, math.inf)], LOW),
        ([(HIGH, -2.0), (LOW, 0.0)], HIGH),
        ([(HIGH, math.nan), (LOW, 0.9), (HIGH, math.nan)], LOW),
    ],
    ids=["tie", "better", "worse", "crash first", "crash later", "negative", "not a number"],
)
def test_which_configuration_is_the_best(results, best):
    """The lowest error wins, ties keep the earlier one, and a crash is never the best."""
    searcher = search(default=None, num_init_random=1, probab_local=1.0)
    searcher.sample_configuration()
    for config, error in results:
        searcher.update(config, error)
    assert around(searcher) == best


def test_without_a_best_it_is_random_search():
    """While nothing but crashes has come in, proposals are random search's own."""
    searcher = search(num_init_random=1, probab_local=1.0)
    random_search = RandomSearch(SPACE, rng=np.random.default_rng(0), initial_config=DEFAULT)
    for _ in range(20):
        config = searcher.sample_configuration()
        assert config == random_search.sample_configuration()
        searcher.update(config, math.inf)


def test_the_fidelity_is_not_part_of_the_best():
    """A result told with its epochs gives proposals without them."""
    searcher = search(num_init_random=1, probab_local=1.0)
    searcher.sample_configuration()
    searcher.update({**HIGH, FIDELITY: 3}, 0.1)
    assert set(searcher.sample_configuration()) == set(NAMES)
    assert around(searcher) == HIGH


def test_the_best_is_kept_apart_from_the_callers_dictionary():
    """Changing a told configuration afterwards does not move the search."""
    searcher = search(num_init_random=1, probab_local=1.0)
    searcher.sample_configuration()
    told = dict(HIGH)
    searcher.update(told, 0.1)
    told.update(LOW)
    assert around(searcher) == HIGH


def best_of(searcher, count):
    errors = []
    for _ in range(count):
        config = searcher.sample_configuration()
        errors.append(bowl(config))
        searcher.update(config, errors[-1])
    return min(errors)


def test_it_beats_random_search_on_a_bowl():
    """On a separable bowl it ends below random search in nearly every repetition."""
    wins = 0
    for seed in range(30):
        random_search = RandomSearch(SPACE, rng=np.random.default_rng(seed), initial_config=DEFAULT)
        wins += best_of(search(seed), 80) < best_of(random_search, 80)
    assert wins >= 27


CONDITIONAL = Space(
    {"rate": stats.uniform(), "layers": stats.randint(1, 4), "one": stats.uniform(), "two": stats.uniform(),
     "three": stats.uniform()},
    {"two": Condition(parent="layers", values=(2, 3)), "three": Condition(parent="layers", values=(3,))},
)  # fmt: skip


def conditional(best, count, seed=0):
    """Local proposals around a configuration of the conditional space."""
    searcher = LocalSearch(
        CONDITIONAL, rng=np.random.default_rng(seed), initial_config=best, num_init_random=1, probab_local=1.0
    )
    searcher.update(searcher.sample_configuration(), 0.0)
    return [searcher.sample_configuration() for _ in range(count)]


def test_what_counts_is_as_likely_to_be_drawn_anew():
    """Of two layers four hyperparameters count: each is redrawn in a quarter of the proposals."""
    best = {"rate": 0.5, "layers": 2, "one": 0.5, "two": 0.5}
    proposed = conditional(best, 2000)
    assert all(CONDITIONAL.check(config) == config for config in proposed)
    changed = ["".join(name for name in best if config.get(name, best[name]) != best[name]) for config in proposed]
    assert set(changed) == {"", "rate", "layers", "one", "two"}  # Of three numbers of layers one is drawn again.
    redrawn = [changed.count(name) for name in ("rate", "one", "two")]
    assert stats.chisquare([*redrawn, changed.count("layers") + changed.count("")]).pvalue > 1e-3
    assert stats.binomtest(changed.count(""), 2000, 1 / 12).pvalue > 1e-3


def test_layers_that_are_added_have_widths_of_their_own():
    """A third layer brings its width along, drawn from its distribution; a layer taken away takes it along."""
    proposed = conditional({"rate": 0.5, "layers": 2, "one": 0.5, "two": 0.5}, 3000)
    third = [config["three"] for config in proposed if config["layers"] == 3]
    assert stats.kstest(third, "uniform").pvalue > 1e-3
    assert all("two" not in config for config in proposed if config["layers"] == 1)
    assert all(config["two"] == 0.5 for config in proposed if config["layers"] == 3)


def test_a_best_that_was_told_with_too_much():
    """Values that do not count are neither redrawn nor proposed."""
    searcher = LocalSearch(CONDITIONAL, rng=np.random.default_rng(0), num_init_random=1, probab_local=1.0)
    searcher.sample_configuration()
    searcher.update({"rate": 0.5, "layers": 1, "one": 0.5, "two": 0.5, "three": 0.5, FIDELITY: 3}, 0.1)
    for _ in range(100):
        config = searcher.sample_configuration()
        assert CONDITIONAL.check(config) == config


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"num_init_random": 0}, "num_init_random = 0: need a whole number >= 1"),
        ({"num_init_random": 2.0}, "num_init_random = 2.0"),
        ({"num_init_random": True}, "num_init_random = True"),
        ({"probab_local": -0.1}, r"probab_local = -0.1: need a number in \[0, 1\]"),
        ({"probab_local": 1.1}, "probab_local = 1.1"),
        ({"probab_local": math.nan}, "probab_local = nan"),
        ({"probab_local": True}, "probab_local = True"),
        ({"probab_local": "0.5"}, "probab_local = '0.5'"),
    ],
)
def test_impossible_parameters(options, says):
    """A parameter of the wrong type or range is refused by name, value and rule."""
    with pytest.raises(ValueError, match=says):
        search(**options)
