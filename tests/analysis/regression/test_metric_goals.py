"""Verdicts on metrics that a suite declares: their goals, their scales, and suites without a test set."""

from __future__ import annotations

import pytest

from analysis.regression.cells import Margin
from analysis.regression.non_inferiority import compare
from benchmark.errors import BadInput
from tests.analysis.regression.suite_pairs import NOISE, both_suites, fill


def declare(metric, *suites):
    """Make suites of a metric."""
    for suite in suites:
        suite.plan["objectives"][0]["metrics"] = [metric]
        suite.set()


@pytest.mark.slow
@pytest.mark.parametrize(("shift", "verdict"), [(5.0, "improvement"), (-5.0, "regression")])
def test_more_of_what_is_maximised_is_better(pair, shift, verdict):
    """Positive differences are worse as ever, and the means are the metric's own."""
    old, new = pair
    declare({"name": "accuracy", "goal": "max", "unit": "%", "best": 100, "chance": 0}, old, new)
    fill(old, -80.0 - NOISE)
    fill(new, -80.0 - shift + NOISE)
    comparison = compare(*both_suites(old, new), Margin())
    [cell] = comparison.cells
    assert cell.verdict == comparison.verdict == verdict
    assert (cell.old_mean, cell.new_mean) == pytest.approx((80.0, 80.0 + shift), abs=0.1)
    assert (cell.mean, cell.margin) == (pytest.approx(-shift, abs=0.1), 1.0)
    assert comparison.outcomes == {"bowl": "test accuracy (higher is better) [%]"}


@pytest.mark.slow
def test_a_share_of_no_scale_is_no_margin(pair):
    """Without best and chance values the margin has to be given in the metric's unit, or in deviations."""
    old, new = pair
    declare({"name": "return", "goal": "max", "best": 5.0}, old, new)
    fill(old, NOISE)
    fill(new, NOISE + 0.001)
    suites = both_suites(old, new)
    with pytest.raises(BadInput, match=r"bowl: its metric return declares no best and chance values.*--margin"):
        compare(*suites, Margin())
    assert compare(*suites, Margin(kind="absolute", value=0.1)).verdict == "no regression"


@pytest.mark.slow
def test_other_goals_are_no_pairs(pair):
    """A metric that was minimised and is maximised now is not compared."""
    old, new = pair
    declare({"name": "return", "goal": "min"}, old)
    declare({"name": "return", "goal": "max"}, new)
    fill(old, NOISE)
    fill(new, NOISE)
    with pytest.raises(BadInput, match=r'metric is \["return","min",""\] in OLD and \["return","max",""\] in NEW'):
        compare(*both_suites(old, new), Margin())


@pytest.mark.slow
def test_without_a_test_set_validation_errors_are_compared(pair):
    """As everywhere else; and it is said."""
    for suite in pair:
        for place in range(8):
            suite.run([(0.5 + NOISE[place], None, 1.0)], place)
        suite.set(repetitions=8)
    comparison = compare(*both_suites(*pair), Margin())
    assert comparison.verdict == "identical"
    assert comparison.outcomes == {"bowl": "validation error"}
