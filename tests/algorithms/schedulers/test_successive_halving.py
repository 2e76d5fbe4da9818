"""Successive halving: rungs, one round by hand, and the book's own class beside it."""

import math
from collections import Counter

import numpy as np
import pytest
from scipy import stats

from algorithms.schedulers.rungs import rungs
from algorithms.schedulers.successive_halving import SuccessiveHalving
from algorithms.searchers.random_search import RandomSearch
from benchmark.checking.subject import drive
from benchmark.suite.model import Budget
from objectives.space import FIDELITY, Space
from tests.algorithms.scripted import Listed, run
from tests.benchmark.fakes.book_reader import SuccessiveHalvingScheduler

SPACE = Space({"x": stats.uniform(0, 1)})


def halving(values, **options):
    return SuccessiveHalving(Listed(values), **{"max_epochs": 9, **options})


def error_of(x, epochs):
    """Distinct for distinct configurations, in another order at every fidelity."""
    return (x * 1009 * epochs) % 1


@pytest.mark.parametrize(
    ("r_min", "r_max", "eta", "expected"),
    [
        (1, 27, 3, [1, 3, 9, 27]),
        (1, 243, 3, [1, 3, 9, 27, 81, 243]),
        (1, 1, 2, [1]),
        (5, 5, 3, [5]),
        (1, 8, 2, [1, 2, 4, 8]),
        (2, 10, 2, [2, 4, 8, 10]),
        (1, 10, 3, [1, 3, 9, 10]),
        (3, 7, 4, [3, 7]),
        (1, 2, 100, [1, 2]),
        (1, 5**9, 5, [5**k for k in range(10)]),
    ],
)
def test_rungs(r_min, r_max, eta, expected):
    """Rungs are exact powers up to the top one, which is always there once."""
    assert rungs(r_min, r_max, eta) == expected


@pytest.mark.parametrize("eta", [2, 3, 4, 5, 7, 10])
def test_no_rung_is_lost_to_rounding(eta):
    """Every power of eta has one rung more than the power below it."""
    for power in range(1, 15):
        assert len(rungs(1, eta**power, eta)) == power + 1


def test_one_round_by_hand():
    """Nine train for 1, the best three in the order of their error for 3, the best of those for 9."""
    scheduler = halving([0.5, 0.8, 0.2, 0.9, 0.4, 0.7, 0.1, 0.6, 0.3], eta=3)
    evaluated = run(scheduler, 13, lambda x, epochs: x + 1 / epochs)
    assert evaluated[:9] == [(x, 1) for x in (0.5, 0.8, 0.2, 0.9, 0.4, 0.7, 0.1, 0.6, 0.3)]
    assert evaluated[9:12] == [(0.1, 3), (0.2, 3), (0.3, 3)]
    assert evaluated[12:] == [(0.1, 9)]


def test_a_later_rung_is_ranked_by_its_own_errors():
    """Who was best after one epoch may be last after three."""
    errors = {(0.1, 1): 0.1, (0.2, 1): 0.2, (0.3, 1): 0.3, (0.4, 1): 0.4, (0.1, 2): 0.9, (0.2, 2): 0.8}
    scheduler = halving([0.4, 0.3, 0.2, 0.1], max_epochs=4, eta=2)
    evaluated = run(scheduler, 7, lambda *job: errors.get(job, 0.5))
    assert evaluated == [(0.4, 1), (0.3, 1), (0.2, 1), (0.1, 1), (0.1, 2), (0.2, 2), (0.2, 4)]


def test_ties_keep_the_earlier():
    """Among equal errors those proposed first go on, in that order."""
    scheduler = halving([0.4, 0.3, 0.2, 0.1], max_epochs=4, eta=2)
    assert run(scheduler, 7, lambda x, epochs: 0.5)[4:] == [(0.4, 2), (0.3, 2), (0.4, 4)]


def test_crashed_trials_are_promoted_last():
    """An error of +inf goes on only where there is nothing better."""
    crashes = {0.4, 0.3, 0.1}
    scheduler = halving([0.4, 0.3, 0.2, 0.1], max_epochs=4, eta=2)
    evaluated = run(scheduler, 7, lambda x, epochs: math.inf if x in crashes else 0.9)
    assert evaluated[4:] == [(0.2, 2), (0.4, 2), (0.2, 4)]


def test_rounds_follow_each_other():
    """After the top rung a new round begins with new configurations."""
    values = [i / 100 for i in range(21)]
    evaluated = run(halving(values, max_epochs=4, eta=2), 21, error_of)
    assert [epochs for _, epochs in evaluated] == [1, 1, 1, 1, 2, 2, 4] * 3
    assert [x for x, epochs in evaluated if epochs == 1] == values[:12]


def test_an_exhausted_searcher_ends_in_a_smaller_round():
    """What is left is still halved, and then there is nothing for ever."""
    scheduler = halving([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], max_epochs=4, eta=2)
    evaluated = run(scheduler, 100, lambda x, epochs: x)
    assert evaluated[7:] == [(0.5, 1), (0.6, 1), (0.5, 2), (0.6, 2), (0.5, 4)]
    assert [scheduler.suggest() for _ in range(10)] == [None] * 10


def test_nothing_starts_before_a_rung_is_complete():
    """While results of a rung are awaited there is no suggestion."""
    scheduler = halving([0.4, 0.3, 0.2, 0.1], max_epochs=4, eta=2)
    started = [scheduler.suggest() for _ in range(6)]
    assert [config and config["x"] for config in started] == [0.4, 0.3, 0.2, 0.1, None, None]
    for config in started[:3]:
        scheduler.update(config, config["x"])
        assert scheduler.suggest() is None
    scheduler.update(started[3], 0.1)
    assert scheduler.suggest() == {"x": 0.1, FIDELITY: 2}


def test_the_searcher_is_told_everything():
    """Every result reaches the searcher with its fidelity."""
    scheduler = halving([0.4, 0.3, 0.2, 0.1], max_epochs=4, eta=2)
    evaluated = run(scheduler, 7, error_of)
    assert [(x, epochs) for x, epochs, *_ in scheduler.searcher.told] == evaluated


def test_the_searchers_configuration_is_copied():
    """The fidelity is written into a copy, so a searcher's default stays a configuration."""
    default = {"x": 0.5}
    searcher = RandomSearch(SPACE, rng=np.random.default_rng(0), initial_config=default)
    proposed = []

    class Recording:
        def sample_configuration(self):
            proposed.append(searcher.sample_configuration())
            return proposed[-1]

        def update(self, config, error, additional_info=None):
            pass

    run(SuccessiveHalving(Recording(), max_epochs=4), 7, error_of)
    assert proposed[0] == default
    assert all(set(config) == {"x"} for config in proposed)


SHAPES = [
    {"eta": 2, "r_min": 1, "r_max": 8},
    {"eta": 2, "r_min": 2, "r_max": 16, "prefact": 3},
    {"eta": 2, "r_min": 1, "r_max": 10},
    {"eta": 3, "r_min": 1, "r_max": 27},
    {"eta": 3, "r_min": 2, "r_max": 20, "prefact": 2},
    {"eta": 3, "r_min": 1, "r_max": 243},
    {"eta": 4, "r_min": 1, "r_max": 16},
    {"eta": 2, "r_min": 4, "r_max": 4, "prefact": 5},
]


def round_length(scheduler):
    return sum(scheduler.sizes)


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_rounds_are_the_books(shape):
    """Round for round the same configurations are trained to the same epochs as by the book's class."""
    values = np.random.default_rng(1).permutation(2000) / 2003
    ours = halving(values, **{"max_epochs": 243, **shape})
    book = SuccessiveHalvingScheduler(Listed(values), **shape)
    for _ in range(3):
        length = round_length(ours)
        mine, books = run(ours, length, error_of), run(book, length, error_of)
        assert len(mine) == length
        assert Counter(mine) == Counter(books)


@pytest.mark.parametrize("n_workers", [2, 3, 50])
def test_parallel_workers_evaluate_the_same(n_workers):
    """The rungs are synchronous, so with parallel workers the same trials go as far."""
    values = np.random.default_rng(2).permutation(100) / 103
    shape = {"max_epochs": 8, "eta": 2}
    alone = run(halving(values, **shape), 15, error_of)
    jobs, *_ = drive(
        halving(values, **shape),
        SPACE,
        lambda job: error_of(job.config["x"], job.epochs),
        max_epochs=8,
        budget=Budget(evaluations=15),
        n_workers=n_workers,
    )
    assert Counter((job.config["x"], job.epochs) for job in jobs) == Counter(alone)
    charged = sum(job.epochs - job.start_epoch for job in jobs)
    assert charged == 8 * 1 + 4 * 1 + 2 * 2 + 1 * 4


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"eta": 1}, r"eta = 1: need a whole number in 2\.\.100"),
        ({"eta": 2.0}, "eta = 2.0: need a whole number"),
        ({"eta": True}, "eta = True"),
        ({"r_min": 0}, r"r_min = 0: need a whole number in 1\.\.9"),
        ({"r_min": 10}, r"r_min = 10: need a whole number in 1\.\.9"),
        ({"r_min": 4, "r_max": 3}, r"r_min = 4: need a whole number in 1\.\.3"),
        ({"r_max": 10}, r"r_max = 10: need a whole number in 1\.\.9"),
        ({"r_max": 0}, "r_max = 0"),
        ({"r_max": 4.0}, "r_max = 4.0"),
        ({"prefact": 0}, r"prefact = 0: need a whole number in 1\.\.10000"),
        ({"prefact": "2"}, "prefact = '2'"),
    ],
)
def test_impossible_parameters(options, says):
    """A parameter of the wrong type or range is refused by name, value and rule."""
    with pytest.raises(ValueError, match=says):
        halving([0.1], **options)
