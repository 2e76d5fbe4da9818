"""Shares of variance are those of functions whose shares are known, on every scale of errors."""

import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.statistics.importance import fanova
from analysis.statistics.importance.fanova import main_effects, scaled

DRAWS = np.random.default_rng(7).uniform(size=(200, 2))
SHARES = (0.8, 0.2)


def planted(offset, size):
    """Errors of `DRAWS` whose variance is that of the first axis by four fifths."""
    return offset + size * (2 * DRAWS[:, 0] + DRAWS[:, 1])


@pytest.mark.parametrize(
    ("offset", "size"),
    [
        (0.0, 1.0), (0.0, 1e-9), (0.0, 1e9), (0.0, -1.0), (0.0, 1e-300), (0.0, 1e-320), (0.0, 5e307), (0.0, -5e307),
        (-1.5e308, 5.5e307), (0.5, 1e-9), (0.5, 1e-13), (1e6, 1e-7), (-1e9, 1e-3),
    ],
)  # fmt: skip
def test_shares_do_not_depend_on_the_scale_of_errors(offset, size):
    """The known shares come out whether errors are tiny, huge, negative, or differ in their last digits alone."""
    assert main_effects(DRAWS, planted(offset, size), 1) == pytest.approx(SHARES, abs=0.06)


def test_values_that_float32_cannot_tell_apart_are_told_apart():
    """A step between two values that are next to each other in double precision is found where it is."""
    sides = DRAWS[:, 0] > 0.5
    positions = np.stack([np.where(sides, np.nextafter(0.5, 1), 0.5), DRAWS[:, 1]], axis=1)
    assert main_effects(positions, sides.astype(np.float64), 1) == pytest.approx([1.0, 0.0], abs=0.02)


def test_interaction_is_no_main_effect():
    """Where two axes decide only together, neither has a share."""
    errors = np.sign((DRAWS[:, 0] - 0.5) * (DRAWS[:, 1] - 0.5))
    assert main_effects(DRAWS, errors, 1).max() < 0.1


def test_a_tree_of_known_leaves_has_the_shares_of_its_function(monkeypatch):
    """A function that one tree fits exactly: steps at 1/4 and at 1/2, of known variances."""
    monkeypatch.setattr(fanova, "TREES", 1)
    monkeypatch.setattr(fanova, "RandomForestRegressor", Whole)
    first, second = (axis.ravel() for axis in np.meshgrid([0.1, 0.4, 0.9], [0.2, 0.8], indexing="ij"))
    errors = 4.0 * (first > 0.25) + 2.0 * (second > 0.5)
    variances = np.array([16 * 3 / 16, 4 / 4])
    found = main_effects(np.stack([first, second], axis=1), errors, 0)
    assert found == pytest.approx(variances / variances.sum(), abs=1e-12)


class Whole(fanova.RandomForestRegressor):
    """A forest whose trees see every evaluation."""

    def __init__(self, n_estimators, random_state):
        super().__init__(n_estimators=n_estimators, random_state=random_state, bootstrap=False)


@pytest.mark.parametrize("errors", [[], [0.5], [0.5, 0.5, 0.5]])
def test_what_does_not_vary_has_no_share(errors):
    """Nothing to explain is explained by nothing."""
    assert main_effects(DRAWS[: len(errors)], np.array(errors), 0).tolist() == [0.0, 0.0]


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=8))
def test_scaled_values_keep_their_order_and_fill_the_unit_interval(values):
    """Of any finite doubles the least becomes 0 and the greatest 1, without a warning."""
    found = scaled(np.array(values))
    order = np.argsort(values, kind="stable")
    assert (np.diff(found[order]) >= 0).all()
    assert (found.min(), found.max()) == (0.0, float(min(values) < max(values)))


def test_the_widest_range_is_scaled():
    """The greatest double and its negative do not overflow."""
    most = sys.float_info.max
    assert scaled(np.array([-most, 0.0, most])).tolist() == [0.0, 0.5, 1.0]
