"""ParEGO: its scalarisation by hand, and what it finds."""

import warnings

import numpy as np
import pytest
from scipy import stats

pytest.importorskip("botorch", reason="botorch is not installed: make adapters")
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message=".*torch.jit", category=FutureWarning)
    from algorithms.multi_objective.parego import ParEGO, normalise, penalise, scalarise

from objectives.metric import Metric
from objectives.space import Space
from objectives.task import Task
from tests.algorithms.tasks import search

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("one_thread")]


def test_the_scalarisation_by_hand():
    """max_j w_j f_j + 0.05 sum_j w_j f_j, of errors between the least and the greatest or the reference."""
    errors = np.array([[1.0, 40.0], [3, 20], [2, 30], [9, 10], [np.inf, 10]])
    scaled = normalise(errors, np.array([5.0, 100.0]))
    assert scaled[:3] == pytest.approx(np.array([[0, 1], [0.5, 1 / 3], [0.25, 2 / 3]]))
    assert scaled[3] == pytest.approx([2, 0])  # Beyond the reference.
    expected = [0.75 + 0.05 * 0.75, 0.25 + 0.05 * 0.375, 0.5 + 0.05 * 0.5625, 0.5 + 0.05 * 0.5, np.inf]
    assert scalarise(scaled, np.array([0.25, 0.75])) == pytest.approx(expected)


def test_violations_are_worse_than_everything_feasible():
    """The worst of the feasible ones, and what is beyond the bounds."""
    errors = np.array([0.1, 0.4, 0.0, 0.2, np.inf])
    assert penalise(errors, np.array([0, 0, 0.5, 1.0, 0])).tolist() == [0.1, 0.4, 0.9, 1.4, np.inf]
    assert penalise(errors[:2], np.array([0.5, 0.2])).tolist() == [0.5, 0.2]


def test_proposals_go_to_the_front():
    """Of a square (x - 0.2)^2 and (x - 0.6)^2, those of the model are mostly between 0.2 and 0.6."""
    task = Task((Metric("a", reference=1.0), Metric("b", reference=1.0)))
    searcher = ParEGO(Space({"x": stats.uniform(0, 1)}), rng=np.random.default_rng(0), task=task)
    values = search(searcher, task, lambda config: {"a": (config["x"] - 0.2) ** 2, "b": (config["x"] - 0.6) ** 2}, 17)
    assert sum(0.15 < config["x"] < 0.65 for config in values[5:]) >= 10
