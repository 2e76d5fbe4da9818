"""Regularized evolution: the paper's algorithm written again, and what follows from it by counting."""

import contextlib
import math
from collections import deque

import numpy as np
import pytest
from scipy import stats

from algorithms.schedulers.successive_halving import SuccessiveHalving
from algorithms.searchers.random_search import RandomSearch
from algorithms.searchers.regularized_evolution import RegularizedEvolution
from benchmark.suite.model import Budget
from benchmark.tuning.tuner import Outcome, TuningLoop
from objectives.closed_form.functions import Branin, Hartmann6
from objectives.space import FIDELITY, Categorical, Condition, Space

NAMES = ["a", "b", "c", "d"]
SPACE = Space({name: stats.uniform(0, 1) for name in NAMES})
DEFAULT = dict.fromkeys(NAMES, 0.25)


def search(seed=0, space=SPACE, default=None, **options):
    return RegularizedEvolution(space, rng=np.random.default_rng(seed), initial_config=default, **options)


def bowl(config):
    return sum((value - 0.7) ** 2 for name, value in config.items() if name != FIDELITY)


def differing(config, other):
    return [name for name in NAMES if config[name] != other[name]]


def members(searcher):
    """(a, error) of the population, the oldest first."""
    return [(member.config["a"], member.error) for member in searcher.population.values()]


def place(value):
    """A configuration whose hyperparameters all have one value, so that its children are known by the others."""
    return dict.fromkeys(NAMES, value)


def parent_value(child):
    """The value that a child of `place(value)` still has in three of four hyperparameters."""
    return max(child.values(), key=list(child.values()).count)


def evolving(errors, size, **options):
    """A searcher whose population is place(0), place(0.01), ... with these errors, all random proposals spent."""
    searcher = search(population_size=size, **options)
    for _ in range(size):
        searcher.sample_configuration()
    for number, error in enumerate(errors):
        searcher.update(place(number / 100), error)
    return searcher


def parents(searcher, count):
    """How often each member is the parent of the next proposals."""
    values = [parent_value(searcher.sample_configuration()) for _ in range(count)]
    return [values.count(number / 100) for number in range(len(searcher.population))]


def algorithm_1(rng, population_size, sample_size, cycles, first):
    """Real et al. (2019), algorithm 1, statement by statement, for the unit cube."""
    population, history = deque(), []
    while len(population) < population_size:
        config = dict(first) if not history and first else SPACE.decode(rng.random(len(NAMES)))
        population.append((config, bowl(config)))
        history.append(config)
    while len(history) < cycles:
        sample = []
        for candidate in rng.integers(len(population), size=sample_size):
            sample.append(population[candidate])
        parent = sorted(sample, key=lambda model: model[1])[0][0]
        name = NAMES[rng.permutation(len(NAMES))[0]]
        child = {**parent, name: float(rng.random())}
        population.append((child, bowl(child)))
        history.append(child)
        population.popleft()
    return history


@pytest.mark.parametrize(("population_size", "sample_size"), [(20, 5), (1, 1), (10, 10), (7, 1)])
@pytest.mark.parametrize("default", [None, DEFAULT])
def test_one_after_the_other_it_is_the_papers_algorithm(population_size, sample_size, default):
    """Proposal for proposal the search is algorithm 1 on the same draws."""
    searcher = search(3, default=default, population_size=population_size, sample_size=sample_size)
    proposed = []
    for _ in range(200):
        proposed.append(searcher.sample_configuration())
        searcher.update(proposed[-1], bowl(proposed[-1]))
    assert proposed == algorithm_1(np.random.default_rng(3), population_size, sample_size, 200, default)


def test_it_begins_as_random_search():
    """The first P proposals are random search's, the default among them; the next is a child."""
    searcher = search(default=DEFAULT, population_size=6, sample_size=2)
    random_search = RandomSearch(SPACE, rng=np.random.default_rng(0), initial_config=DEFAULT)
    configs = []
    for _ in range(6):
        configs.append(searcher.sample_configuration())
        assert configs[-1] == random_search.sample_configuration()
        searcher.update(configs[-1], bowl(configs[-1]))
    child = searcher.sample_configuration()
    assert min(len(differing(child, config)) for config in configs) == 1


@pytest.mark.parametrize(("size", "sample_size"), [(8, 3), (8, 8), (8, 1), (5, 2)])
def test_parents_are_the_best_of_a_sample_with_replacement(size, sample_size):
    """The r-th best of P is the parent with probability ((P - r + 1)^S - (P - r)^S) / P^S."""
    errors = [(3 * number) % size for number in range(size)]
    counts = parents(evolving(errors, size, sample_size=sample_size), 3000)
    law = [((size - error) ** sample_size - (size - error - 1) ** sample_size) / size**sample_size for error in errors]
    likely = [k for k in range(size) if law[k] * 3000 > 5]
    rare = [k for k in range(size) if k not in likely]
    observed = [counts[k] for k in likely] + [sum(counts[k] for k in rare)] * bool(rare)
    expected = [3000 * law[k] for k in likely] + [3000 * sum(law[k] for k in rare)] * bool(rare)
    assert stats.chisquare(observed, expected).pvalue > 1e-3


def test_ties_have_no_favourite():
    """Among equal errors every member is as likely to be the parent."""
    assert stats.chisquare(parents(evolving([0.5] * 8, 8, sample_size=3), 2000)).pvalue > 1e-3


def test_crashed_members_lose():
    """A finite error wins whenever it is drawn: with probability 1 - (4/5)^3 of one in five."""
    counts = parents(evolving([math.inf, math.inf, 0.9, math.inf, math.inf], 5, sample_size=3), 2000)
    assert stats.binomtest(counts[2], 2000, 1 - 0.8**3).pvalue > 1e-3


def test_the_oldest_leaves_however_good():
    """After P further results the best ever is no longer a parent."""
    searcher = evolving([0.0, *[0.5] * 4], 5, sample_size=5)
    assert members(searcher)[0] == (0.0, 0.0)
    assert parents(searcher, 200)[0] > 100
    searcher.update(place(0.9), 0.8)
    assert members(searcher) == [(0.01, 0.5), (0.02, 0.5), (0.03, 0.5), (0.04, 0.5), (0.9, 0.8)]
    assert 0.0 not in {parent_value(searcher.sample_configuration()) for _ in range(200)}


def test_a_child_differs_in_one_hyperparameter_drawn_anew():
    """Which one is uniform, and its new value follows its own distribution."""
    searcher = evolving([0.5], 1, sample_size=1)
    children = [searcher.sample_configuration() for _ in range(2000)]
    changed = [differing(child, place(0.0)) for child in children]
    assert {len(names) for names in changed} == {1}
    assert stats.chisquare([changed.count([name]) for name in NAMES]).pvalue > 1e-3
    fresh = [child[names[0]] for child, names in zip(children, changed, strict=True)]
    assert stats.kstest(fresh, "uniform").pvalue > 1e-3


def test_a_child_is_never_its_parent_where_there_is_a_choice():
    """A value is redrawn until it changes, uniformly; a hyperparameter without a choice gives way."""
    space = Space(
        {"fixed": Categorical([1]), "flag": Categorical([False, True]), "act": Categorical(["relu", "tanh", "elu"])}
    )
    parent = {"fixed": 1, "flag": True, "act": "elu"}
    searcher = search(space=space, default=parent, population_size=1, sample_size=1)
    searcher.update(searcher.sample_configuration(), 0.5)
    children = [searcher.sample_configuration() for _ in range(2000)]
    flipped = sum(child == {**parent, "flag": False} for child in children)
    relu, tanh = (sum(child == {**parent, "act": act} for child in children) for act in ("relu", "tanh"))
    assert flipped + relu + tanh == 2000
    assert stats.chisquare([flipped, relu, tanh], [1000, 500, 500]).pvalue > 1e-3


def test_a_space_of_one_configuration_repeats_it():
    """Where nothing can change the only configuration comes again, as a copy."""
    space = Space({"act": Categorical(["relu"])})
    searcher = search(space=space, population_size=1, sample_size=1)
    first = searcher.sample_configuration()
    searcher.update(first, 0.5)
    again = searcher.sample_configuration()
    assert again == first
    again.clear()
    assert searcher.sample_configuration() == first


CONDITIONAL = Space(
    {"layers": stats.randint(1, 4), "width_2": stats.uniform(0, 1), "width_3": stats.uniform(0, 1)},
    conditions={
        "width_2": Condition(parent="layers", values=(2, 3)),
        "width_3": Condition(parent="layers", values=(3,)),
    },
)


def test_only_what_counts_is_mutated():
    """With one layer its number is what changes; widths that begin to count are drawn, the others left out."""
    searcher = search(space=CONDITIONAL, default={"layers": 1}, population_size=1, sample_size=1)
    searcher.update(searcher.sample_configuration(), 0.5)
    children = [searcher.sample_configuration() for _ in range(500)]
    assert {child["layers"] for child in children} == {2, 3}
    assert all(CONDITIONAL.check(child) == child for child in children)
    assert len({child["width_2"] for child in children}) == 500


def test_a_width_is_kept_when_another_layer_is_switched_off():
    """A mutation of the parent leaves every other value that still counts."""
    parent = {"layers": 3, "width_2": 0.5, "width_3": 0.5}
    searcher = search(space=CONDITIONAL, default=parent, population_size=1, sample_size=1)
    searcher.update(searcher.sample_configuration(), 0.5)
    children = [searcher.sample_configuration() for _ in range(300)]
    assert all(child["width_2"] == 0.5 for child in children if child["layers"] == 2)
    assert {child["layers"] for child in children} == {1, 2, 3}
    for child in children:
        kept = [name for name in parent if name in child and child[name] == parent[name]]
        assert len(kept) == (2 if child["layers"] == 3 else child["layers"] - 1)


def test_proposals_without_a_result_are_no_members():
    """While nothing is known proposals are random search's; then only what was told has children."""
    searcher = search(population_size=4, sample_size=2)
    random_search = RandomSearch(SPACE, rng=np.random.default_rng(0))
    pending = [searcher.sample_configuration() for _ in range(30)]
    assert pending == [random_search.sample_configuration() for _ in range(30)]
    searcher.update(pending[17], 0.9)
    for _ in range(30):
        assert len(differing(searcher.sample_configuration(), pending[17])) == 1


def test_results_may_come_in_any_order():
    """A member's age is that of its result, not of its proposal."""
    searcher = search(population_size=2, sample_size=1)
    first, second, third = (searcher.sample_configuration() for _ in range(3))
    for config, error in ((third, 0.3), (first, 0.1), (second, 0.2)):
        searcher.update(config, error)
    assert members(searcher) == [(first["a"], 0.1), (second["a"], 0.2)]


def test_a_configuration_is_one_member_with_its_longest_training():
    """Results of 1, 9 and again 3 epochs are one member, with the error of 9; so is a result without epochs."""
    searcher = evolving([], 3, sample_size=1)
    for epochs, error in ((1, 0.8), (9, 0.2), (3, 0.5)):
        searcher.update({**place(0.1), FIDELITY: epochs}, error)
    searcher.update({**place(0.2), FIDELITY: 1}, 0.9)
    assert members(searcher) == [(0.1, 0.2), (0.2, 0.9)]
    searcher.update(place(0.1), 0.3)
    assert members(searcher) == [(0.2, 0.9), (0.1, 0.3)]
    searcher.update(place(0.1), 0.4)  # Of two results after the same training the later.
    assert members(searcher) == [(0.2, 0.9), (0.1, 0.4)]
    assert FIDELITY not in searcher.sample_configuration()


def test_further_training_brings_a_member_back():
    """One that has left for age returns as the youngest when its training goes on."""
    searcher = evolving([], 2, sample_size=1)
    for number in range(3):
        searcher.update({**place(number / 100), FIDELITY: 1}, 0.5)
    assert members(searcher) == [(0.01, 0.5), (0.02, 0.5)]
    searcher.update({**place(0.0), FIDELITY: 3}, 0.4)
    assert members(searcher) == [(0.02, 0.5), (0.0, 0.4)]


@pytest.mark.parametrize("n_workers", [1, 3])
def test_it_works_under_successive_halving(n_workers):
    """Promotions and parallel workers: members stay distinct, and are the configurations told last."""
    searcher = search(population_size=6, sample_size=3)
    loop = TuningLoop(
        SuccessiveHalving(searcher, max_epochs=4),
        check=SPACE.check,
        max_epochs=4,
        budget=Budget(evaluations=70),
        n_workers=n_workers,
    )
    steps, finished = loop.run(), []
    job = next(steps, None)
    while job:
        end = job.start + 1 + job.index * 7 % 5
        finished.append((end, job.index, tuple(job.config.values())))
        outcome = Outcome(error=bowl(job.config) + 1 / job.epochs, epochs=job.epochs, end=end)
        with contextlib.suppress(StopIteration):
            job = None
            job = steps.send(outcome)
    assert len(finished) == 70
    last = list(dict.fromkeys(config for _, _, config in sorted(finished, reverse=True)))[:6]
    assert [tuple(member.config.values()) for member in searcher.population.values()] == last[::-1]


def test_the_population_is_kept_apart_from_the_callers_dictionaries():
    """Changing what was told or proposed does not change a member."""
    searcher = evolving([], 1, sample_size=1)
    told = place(0.3)
    searcher.update(told, 0.5)
    told.update(place(0.6))
    searcher.sample_configuration().update(place(0.6))
    assert parent_value(searcher.sample_configuration()) == 0.3


def best_of(searcher, objective, count):
    best = math.inf
    for _ in range(count):
        config = searcher.sample_configuration()
        error = objective.value(config)
        searcher.update(config, error)
        best = min(best, error)
    return best


@pytest.mark.parametrize(
    ("objective", "count", "options", "least"),
    [(Hartmann6(), 200, {}, 25), (Branin(), 400, {"sample_size": 10}, 19)],  # Measured: 29 and 23 of 30.
    ids=["hartmann6", "branin"],
)
def test_it_beats_random_search(objective, count, options, least):
    """From the same first 20 configurations it ends below random search in most of 30 repetitions."""
    wins = 0
    for seed in range(30):
        random_search = RandomSearch(objective.space, rng=np.random.default_rng(seed))
        ours = search(seed, objective.space, **options)
        wins += best_of(ours, objective, count) < best_of(random_search, objective, count)
    assert wins >= least


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"population_size": 0}, r"population_size = 0: need a whole number in 1\.\.10000"),
        ({"population_size": 20.0}, "population_size = 20.0: need a whole number"),
        ({"population_size": True}, "population_size = True"),
        ({"population_size": "20"}, "population_size = '20'"),
        ({"sample_size": 0}, r"sample_size = 0: need a whole number in 1\.\.20"),
        ({"sample_size": 21}, r"sample_size = 21: need a whole number in 1\.\.20"),
        ({"sample_size": 5.0}, "sample_size = 5.0"),
        ({"population_size": 4}, r"sample_size = 5: need a whole number in 1\.\.4"),
    ],
)
def test_impossible_parameters(options, says):
    """A parameter of the wrong type or range is refused by name, value and rule."""
    with pytest.raises(ValueError, match=says):
        search(**options)
