"""What model-based searchers know: results by fidelity, and proposals under way."""

import math

import numpy as np
import pytest
from scipy import stats

from algorithms.searchers.observations import Observations
from objectives.space import FIDELITY, Categorical, Condition, Space

SPACE = Space({"rate": stats.uniform(0, 2), "activation": Categorical(["relu", "tanh"])})
ONE, TWO, THREE = ({"rate": rate, "activation": "tanh"} for rate in (0.5, 1.0, 1.5))


@pytest.fixture
def observations():
    return Observations(SPACE)


def test_results_are_places_in_the_order_told(observations):
    """Points are of the unit cube, errors as told, +inf included."""
    observations.tell(TWO, math.inf)
    observations.tell(ONE, 0.25)
    results = observations.largest(1)
    assert results.points.tolist() == [[0.5, 0.75], [0.25, 0.75]]
    assert results.errors.tolist() == [math.inf, 0.25]
    assert results.active.all()


def test_the_largest_fidelity_with_enough_results_counts(observations):
    """Fidelities are not mixed, and the top one does not count before it has enough."""
    for config in (ONE, TWO, THREE):
        observations.tell({**config, FIDELITY: 1}, 0.9)
    for config in (ONE, TWO):
        observations.tell({**config, FIDELITY: 9}, 0.1)
    assert observations.largest(2).errors.tolist() == [0.1, 0.1]
    assert observations.largest(3).errors.tolist() == [0.9, 0.9, 0.9]
    assert observations.largest(4) is None


def test_without_a_fidelity_training_went_to_the_end(observations):
    """A result without max_epochs is above every number of epochs."""
    observations.tell({**ONE, FIDELITY: 10**6}, 0.9)
    observations.tell(ONE, 0.1)
    assert observations.largest(1).errors.tolist() == [0.1]


def test_a_proposal_is_pending_until_its_first_result(observations):
    """Results come out of order and at several fidelities; only the first settles a proposal."""
    for config in (ONE, TWO, THREE):
        observations.propose(config)
    observations.tell({**TWO, FIDELITY: 1}, 0.5)
    assert observations.pending == [observations.place(ONE), observations.place(THREE)]
    observations.tell({**TWO, FIDELITY: 3}, 0.5)
    assert observations.pending == [observations.place(ONE), observations.place(THREE)]


def test_equal_proposals_settle_one_by_one(observations):
    """Two proposals of one configuration are two pending trials."""
    observations.propose(ONE)
    observations.propose(ONE)
    observations.tell(ONE, 0.5)
    assert observations.pending == [observations.place(ONE)]


def test_told_and_proposed_configurations_are_known(observations):
    """Whatever was proposed or told is known, at whichever fidelity."""
    observations.propose(ONE)
    observations.tell({**TWO, FIDELITY: 1}, 0.5)
    assert observations.known == {observations.place(ONE), observations.place(TWO)}


def test_what_does_not_count_is_marked():
    """An inactive hyperparameter stands in the middle and is not active."""
    space = Space(
        {"layers": stats.randint(1, 3), "width": stats.uniform(0, 1)},
        conditions={"width": Condition(parent="layers", values=(2,))},
    )
    observations = Observations(space)
    observations.tell({"layers": 1, FIDELITY: 2}, 0.5)
    observations.tell({"layers": 2, "width": 0.9, FIDELITY: 2}, 0.5)
    results = observations.largest(2)
    assert results.active.tolist() == [[True, False], [True, True]]
    assert np.allclose(results.points, [[0.25, 0.5], [0.75, 0.9]])
