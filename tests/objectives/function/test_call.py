"""Functions that are called without a space, as the book's tuner calls them."""

import math

import numpy as np
import pytest
from scipy import stats

from algorithms.schedulers.asha import ASHA
from benchmark import book
from objectives.function.call import call_unbound, error_of
from objectives.function.function_objective import FunctionObjective

SPACE = {"x": stats.uniform(0, 1)}


@pytest.mark.parametrize(
    ("returned", "error"),
    [
        *(
            (0.5, 0.5),
            (np.float32(0.5), 0.5),
            (np.array([0.5]), 0.5),
            ({"loss": 0.5, "accuracy": 9}, 0.5),
            ({"accuracy": 0.5}, -0.5),
        ),
        *(((0.5, 0.6), 0.5), (({"return": -7}, {}), 7), (math.nan, math.inf), (np.array([0.5]), 0.5)),
    ],
)
def test_what_is_returned_is_something_to_minimise(returned, error):
    """A number, the first metric in the direction that its name says, or the first of a pair."""
    assert error_of(returned) == error


@pytest.mark.parametrize("returned", [True, np.True_, np.array([True]), np.zeros(2), None, "low", {}])
def test_what_is_no_number_is_refused(returned):
    """A truth value is a comparison by mistake, and None a forgotten return."""
    with pytest.raises((TypeError, ValueError)):
        error_of(returned)


def test_a_generator_is_drawn_from_as_far_as_is_asked_and_closed():
    """Without a fidelity to the end."""
    closed = []

    def halving(x):
        try:
            for epoch in range(4):
                yield x / 2**epoch
        finally:
            closed.append(True)

    assert call_unbound(halving, {"x": 8.0}, {}, 2) == 4.0
    assert call_unbound(halving, {"x": 8.0}, {}, None) == 1.0
    assert closed == [True, True]


def test_only_what_it_has_parameters_for_is_given():
    """And nothing that is an argument already."""
    assert call_unbound(lambda x, seed: x + seed, {"x": 1}, {"seed": 2, "device": "cpu"}, None) == 3
    assert call_unbound(lambda seed: seed, {"seed": 5}, {"seed": 2}, None) == 5


def test_one_callable_serves_the_tuner_and_a_suite():
    """With its seed and direction, by itself or with its space; a fidelity comes under either name."""
    calls = []

    def accuracy(x, seed, epochs=9):
        calls.append((seed, epochs))
        return {"accuracy": x * epochs}

    for objective in (accuracy, FunctionObjective(accuracy, SPACE, metrics=["accuracy"], max_epochs=9)):
        tuner = book.Tuner(book.BasicScheduler(book.RandomSearcher(SPACE, seed=1)), objective)
        tuner.run(3)
        assert tuner.incumbent_error == min(-9 * record["config"]["x"] for record in tuner.records)
    assert {epochs for _, epochs in calls} == {9}
    assert len({seed for seed, _ in calls}) == 6

    calls.clear()
    scheduler = ASHA(book.RandomSearcher(SPACE, seed=1), max_epochs=9)
    book.Tuner(scheduler, accuracy).run(13)
    assert {epochs for _, epochs in calls} >= {1, 3}
