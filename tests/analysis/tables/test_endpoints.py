"""What runs are judged by: final errors and scores, with failures in them."""

import math

import numpy as np
import pytest

from analysis.loading.results import load
from analysis.tables.endpoints import finals, sign


@pytest.fixture
def judged(suite):
    """Five repetitions: done, crashed in the middle, failed, all evaluations crashed, partial; a sixth is missing."""
    suite.set(repetitions=6, budget={"trials": 2})
    suite.run([(0.5, 0.6, 1.0), (0.3, 0.4, 2.0)], 0)
    suite.run([(None, None, 1.0), (0.3, 0.2, 2.0)], 1)
    suite.run([(0.1, 0.1, 1.0)], 2, state="failed")
    suite.run([(None, None, 1.0), (None, None, 2.0)], 3)
    suite.run([(0.1, 0.1, 1.0)], 4, state="partial")
    return load(suite.folder)


@pytest.mark.parametrize(
    ("endpoint", "expected"),
    [
        ("valid_error", [0.3, 0.3, math.inf, math.inf, math.nan, math.nan]),
        ("test_error", [0.4, 0.2, math.inf, math.inf, math.nan, math.nan]),
    ],
)
def test_final_errors_count_failures(judged, endpoint, expected):
    """A failed run is worth +inf, an unfinished one nothing; the test error is the validation incumbent's."""
    table = finals(judged, "bowl", endpoint)
    assert list(table.columns) == ["random"]
    np.testing.assert_array_equal(table["random"], expected)


def test_scores_count_failures(judged):
    """The area over the curve, by hand: 0 while undefined, after a failure and for nothing but crashes."""
    held = [1 - 0.5 / 0.9, 1 - 0.3 / 0.9]
    # On the axis of trials the first result comes at 1 of 2, so half of the horizon is undefined.
    np.testing.assert_allclose(finals(judged, "bowl", "score")["random"], [held[0] / 2, 0, 0, 0, math.nan, math.nan])


def test_the_incumbent_is_chosen_by_validation(suite):
    """A better test error of a worse validation error is not reported, and ties go to the earlier evaluation."""
    suite.run([(0.3, 0.5, 1.0), (0.4, 0.1, 2.0), (0.3, 0.2, 3.0)], 0)
    assert finals(load(suite.folder), "bowl", "test_error")["random"].tolist()[0] == 0.5


def test_what_lies_beyond_the_budget_is_not_judged(suite):
    """An evaluation completed after the runtime of the budget does not count."""
    suite.set(budget={"runtime": 2.0})
    suite.run([(0.5, 0.5, 1.0), (0.1, 0.1, 2.5)], 0)
    assert finals(load(suite.folder), "bowl", "valid_error")["random"].tolist()[0] == 0.5


def test_a_score_is_better_when_it_is_higher():
    """The sign turns every endpoint into one where less is better."""
    assert [sign(endpoint) for endpoint in ("test_error", "valid_error", "score")] == [1.0, 1.0, -1.0]


@pytest.mark.parametrize(
    ("algorithms", "declared", "control"),
    [
        (["local", "random"], None, "random"),
        (["local", "random"], "local", "local"),
        (["local", "other"], None, "local"),
    ],
)
def test_the_control_is_declared_or_plain_random_search(suite, algorithms, declared, control):
    """Without a declaration it is random search wherever it stands, else the first algorithm."""
    entries = [
        {"label": f"my_{name}", "scheduler": {"name": "basic"}, "searcher": {"name": name}} for name in algorithms
    ]
    suite.set(algorithms=entries, control=None if declared is None else f"my_{declared}")
    suite.run([(0.5, 0.5, 1.0)], algorithm=f"my_{control}")
    assert load(suite.folder).plan.control == f"my_{control}"


@pytest.mark.parametrize(
    ("budget", "horizon"),
    [
        ({"trials": 20}, ("trials", 20.0)),
        ({"trials": 20, "evaluations": 30}, ("trials", 30.0)),
        ({"trials": 20, "epochs": 200}, ("epochs", 200.0)),
        ({"epochs": 200, "runtime": 1.5}, ("runtime", 1.5)),
    ],
)
def test_the_horizon_is_where_the_budget_ends(suite, budget, horizon):
    """Of several limits seconds come before epochs before numbers of evaluations."""
    suite.set(budget=budget)
    suite.run([(0.5, 0.5, 1.0)])
    plan = load(suite.folder).plan
    assert (plan.axis, plan.horizon(plan.objectives[0].label)) == horizon
