"""Metrics: what may be declared, and turning values into errors and back."""

import math

import pytest

from objectives.metric import Metric, check_metrics, is_classic, usual_goal

REFUSED = {
    "goal": ({"goal": "maximize"}, 'goal = \'maximize\': need "min" or "max"'),
    "long unit": ({"unit": "x" * 33}, "need at most 32 printable characters"),
    "hidden unit": ({"unit": "m\u200bs"}, "need at most 32 printable characters"),
    "a number as unit": ({"unit": 3}, "need at most 32 printable characters"),
    "a formula as unit": ({"unit": "=1+1"}, "formulas of spreadsheets begin so"),
    "best nan": ({"best": math.nan}, "best = nan: need a finite number"),
    "chance true": ({"chance": True}, "chance = True: need a finite number"),
    "reference text": ({"reference": "1"}, "reference = '1': need a finite number"),
    "chance is best": ({"best": 1, "chance": 1}, "chance = 1: need a number above best = 1"),
    "chance beyond best": ({"goal": "max", "best": 1, "chance": 2}, "chance = 2: need a number below best = 1"),
    "reference that nothing beats": ({"best": 0, "reference": -1}, "reference = -1: need a number above best = 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_a_metric_that_makes_no_sense_is_refused(case):
    """Goal, unit and values are checked where a metric is declared, and the message names it."""
    values, message = REFUSED[case]
    with pytest.raises(ValueError, match=r"^m: ") as refused:
        Metric("m", **values)
    assert message in str(refused.value)


@pytest.mark.parametrize("name", ["", "1st", "two words", ".hidden", None, "x" * 65])
def test_a_name_is_spelled_like_a_hyperparameters(name):
    """What is no identifier names no metric."""
    with pytest.raises(ValueError, match="metric name"):
        Metric(name)


@pytest.mark.parametrize("unit", ["$_{x}$", "<script>", "%", "µs", ""])
def test_units_with_markup_are_plain_text(unit):
    """A unit is whatever can be printed; who shows it escapes it."""
    assert Metric("m", unit=unit).describe()["unit"] == unit


@pytest.mark.parametrize("goal", ["min", "max"])
@pytest.mark.parametrize("value", [1e8, -250.5, 0.0, 0.93])
def test_errors_and_values_are_each_others_opposites(goal, value):
    """A better value is the smaller error, and turning back gives the value; zero has no sign."""
    metric = Metric("m", goal=goal)
    better = value - 1 if goal == "min" else value + 1

    assert metric.to_error(better) < metric.to_error(value)
    assert metric.from_error(metric.to_error(value)) == value
    assert math.copysign(1, metric.to_error(0.0)) == 1


def test_the_scale_is_turned_too():
    """Best and chance of an accuracy are errors below and above each other like those of an error."""
    metric = Metric("accuracy", goal="max", best=1.0, chance=0.1)
    assert (metric.best_error, metric.chance_error) == (-1.0, -0.1)


def test_metrics_have_different_names():
    """Nothing, no metric and one name twice are refused."""
    for wrong, message in (((), "need a tuple"), (("a",), "need a tuple"), ((Metric("a"), Metric("a")), "there twice")):
        with pytest.raises(ValueError, match=message):
            check_metrics(wrong)


def test_the_one_error_is_classic():
    """Its scale may differ; a name, goal, unit, reference or company of its own makes it a declared metric."""
    assert is_classic((Metric("error", best=-3, chance=0),))
    others = (Metric("loss"), Metric("error", goal="max"), Metric("error", unit="%"), Metric("error", reference=1))
    assert not any(is_classic((metric,)) for metric in others)
    assert not is_classic((Metric("error"), Metric("loss")))


def test_accuracies_are_maximised_by_their_name():
    """A metric that is named and no more goes up where its name says so."""
    assert {usual_goal(name) for name in ("accuracy", "val_acc", "test-F1", "return", "mean.reward")} == {"max"}
    assert {usual_goal(name) for name in ("loss", "error", "latency_ms", "accuracy_loss", "space", "rmse")} == {"min"}
