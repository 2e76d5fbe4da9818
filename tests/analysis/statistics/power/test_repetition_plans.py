"""Plans of a pair of algorithms where a pilot is odd: without spread, with failures, with one repetition."""

import numpy as np
import pytest

from analysis.statistics.power.repetition_plans import plan_samples

LEVELS = (0.05, 0.8)


@pytest.mark.parametrize(
    ("a", "b", "cells"),
    [
        pytest.param([0.5], [0.1, 0.2], ("1, 2", *"-----"), id="one run"),
        pytest.param([0.5, np.inf], [0.1, 0.2], ("2, 2", *"-----"), id="a failed run"),
        pytest.param([0.5] * 5, [0.2] * 4, ("5, 4", "0", "inf", "4", "4", "0"), id="no spread"),
    ],
)
def test_odd_pilots(a, b, cells):
    """Dashes where nothing is known, and the fewest runs where there is no spread."""
    assert plan_samples(np.array(a), np.array(b), 0.1, *LEVELS).cells() == cells


def test_a_pilot_that_is_too_small_finds_nothing():
    """Three runs of each cannot be told apart, however far they are; a plan is made all the same."""
    plan = plan_samples(np.array([0.5, 0.6, 0.7]), np.array([0.1, 0.2, 0.6]), 0.1, *LEVELS)
    assert plan.cells()[-1] == "nothing"
    assert 4 < int(plan.needed) < int(plan.cautious)
