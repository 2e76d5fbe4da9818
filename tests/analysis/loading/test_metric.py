"""Metrics in a plan: what they are called, which values are better, and what is refused."""

import math

import numpy as np
import pytest

from analysis.loading.metric import Metric, read_metrics
from analysis.loading.plan import read_plan
from benchmark.errors import BadInput

ACCURACY = {"name": "accuracy", "goal": "max", "unit": "%", "best": 100, "chance": 10, "reference": None}


def test_an_objective_without_metrics_yields_an_error(suite):
    """On the scale of the plan, with the names that it has always had."""
    metric = read_plan(suite.folder).objectives[0].metric
    assert (metric.scale, metric.declared, metric.is_error) == ((0.0, 0.9), False, True)
    assert metric.label("valid") == "validation error"
    assert metric.label("test", " of the incumbent") == "test error of the incumbent"


@pytest.mark.parametrize("scale", [{"chance_error": None}, {"best_error": None}])
def test_an_error_without_a_scale_has_none(suite, scale):
    """An error need not have a chance value."""
    suite.plan["objectives"][0] |= scale
    suite.set()
    assert read_plan(suite.folder).objectives[0].metric.scale is None


@pytest.mark.parametrize(
    ("changes", "label"),
    [
        ({}, "validation accuracy (higher is better) [%]"),
        ({"goal": "min", "best": 0, "unit": ""}, "validation accuracy (lower is better)"),
        ({"name": "error", "goal": "min", "best": 0}, "validation error [%]"),
        ({"name": "error"}, "validation error (higher is better) [%]"),
    ],
)
def test_a_label_says_which_values_are_better(changes, label):
    """In words, unless everybody knows."""
    [metric] = read_metrics("bowl", [ACCURACY | changes])
    assert metric.label("valid") == label


def test_values_and_errors_are_turned_into_each_other():
    """Of what is maximised the error is the negative; zero gets no sign, and the scale is one of errors."""
    [metric] = read_metrics("bowl", [ACCURACY])
    assert metric.own(np.array([-50.0, -0.0, math.inf])).tolist() == [50.0, 0.0, -math.inf]
    assert math.copysign(1.0, metric.own(-0.0)) == 1.0
    assert metric.scale == (-100.0, -10.0)
    assert metric.text(-93.456) == "93.46 %"
    assert Metric().own(0.25) == 0.25


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "metrics of bowl = "),
        ([], "need a list of tables with distinct names"),
        ([ACCURACY, ACCURACY], "need a list of tables with distinct names"),
        ([{"goal": "max"}], "need a list of tables with distinct names"),
        ([ACCURACY | {"name": ""}], "name = '': need 1 to 64 printable characters"),
        ([ACCURACY | {"goal": "maximum"}], "accuracy.goal = 'maximum': not one of min, max .did you mean .max"),
        ([ACCURACY | {"unit": "a\nb"}], "unit = 'a.nb': need 0 to 32 printable characters"),
        ([ACCURACY | {"unit": "=1+1"}], "unit = '=1.1': formulas of spreadsheets begin so"),
        ([ACCURACY | {"unit": "x" * 33}], "need 0 to 32 printable characters"),
        ([ACCURACY | {"best": "100"}], "accuracy.best = '100': need a finite number, or null"),
        ([ACCURACY | {"chance": 10**400}], "accuracy.chance = 1000.*: need a finite number, or null"),
        ([ACCURACY | {"best": 10}], "best = 10.0 and chance = 10.0: need best above chance"),
        ([ACCURACY | {"goal": "min"}], "best = 100.0 and chance = 10.0: need best below chance"),
    ],
)
def test_what_no_metrics_are_is_refused(given, message):
    """With the objective, the field, its value and what is allowed."""
    with pytest.raises(BadInput, match=message):
        read_metrics("bowl", given)


def test_targets_are_in_the_unit_of_the_metric(suite):
    """What a suite wants to be reached is an error within."""
    suite.plan["objectives"][0]["metrics"] = [ACCURACY]
    suite.set(targets={"bowl": [90, 95.5]})
    assert read_plan(suite.folder).targets == {"bowl": (-90.0, -95.5)}
