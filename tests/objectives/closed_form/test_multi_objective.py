"""Problems of several values: metrics, constraints, noise and epochs, and points on fronts and simplices."""

import math

import numpy as np
import pytest
from scipy import stats

from objectives.closed_form.constrained import BNH, OSY, SRN
from objectives.closed_form.dtlz import C2DTLZ2, DTLZ2
from objectives.closed_form.multi_objective import falling, simplex, thin
from objectives.closed_form.zdt import ZDT1, ZDT4
from objectives.objective import Machine


def curve(objective, config, seed=0):
    return list(objective.train(config, np.random.SeedSequence(seed), Machine()))


def any_config(objective, seed=2):
    return objective.space.sample(np.random.default_rng(seed))


def test_metrics_are_scaled_and_constraints_are_metrics_too():
    """f1, f2, ... have best and reference values; g1, g2, ... have none and are constrained from above."""
    objective = OSY()
    assert [metric.name for metric in objective.metrics] == ["f1", "f2", *(f"g{i}" for i in range(1, 7))]
    assert [(metric.best, metric.reference) for metric in objective.metrics[:2]] == [(-274.0, -75.0), (4.0, 75.0)]
    assert {metric.reference for metric in objective.metrics[2:]} == {None}
    assert [(rule.metric, rule.lower, rule.upper) for rule in objective.constraints] == [
        (f"g{i}", None, 0.0) for i in range(1, 7)
    ]
    assert ZDT1().constraints == ()


def test_without_noise_every_metric_is_the_formula():
    """The last epoch's validation and test metrics are f(x) and g(x) of the configuration, in the space's order."""
    objective = SRN(epochs=3)
    config = {"x1": -2.5, "x2": 10.0}
    last = curve(objective, config)[-1]
    assert last.metrics == last.test_metrics
    assert last.metrics == pytest.approx({"f1": 2 + 4.5**2 + 81, "f2": -22.5 - 81, "g1": 6.25 - 125, "g2": -22.5})


def test_epochs_fall_to_the_truth_by_the_documented_bias():
    """After epoch e of E the values f are (1/e - 1/E) tenths of their scale too high; constraints do not move."""
    objective = BNH(epochs=4)
    truths = [epoch.test_metrics for epoch in curve(objective, any_config(objective))]
    biases = [1 / epoch - 1 / 4 for epoch in range(1, 5)]
    for name, scale in (("f1", 14.0), ("f2", 4.6), ("g1", 0.0), ("g2", 0.0)):
        assert [truth[name] - truths[-1][name] for truth in truths] == pytest.approx([b * scale for b in biases])


def test_noise_is_drawn_for_every_metric_and_epoch_apart():
    """Validation less test is Gaussian of the stated deviation, and no metric or epoch tells of another."""
    objective = C2DTLZ2(noise=0.5, epochs=2)
    config = any_config(objective)
    noises = []
    for seed in range(400):
        epochs = curve(objective, config, seed)
        noises.append([epoch.metrics[name] - epoch.test_metrics[name] for epoch in epochs for name in epoch.metrics])
    noises = np.array(noises)
    assert noises.shape == (400, 6)
    assert stats.kstest(noises.ravel() / 0.5, "norm").pvalue > 1e-3
    assert np.abs(np.corrcoef(noises.T) - np.eye(6)).max() < 0.2


@pytest.mark.parametrize("m", [2, 3, 5])
def test_points_of_a_simplex(m):
    """They are all the different points with coordinates k / h, as many as fit."""
    points = simplex(m, 200)
    h = round(1 / points[points > 0].min())
    assert points.sum(axis=1) == pytest.approx(np.ones(len(points)))
    assert np.abs(points * h - np.round(points * h)).max() < 1e-9
    assert len({tuple(np.round(point * h)) for point in points}) == len(points) == math.comb(h + m - 1, m - 1) <= 200
    assert math.comb(h + m, m - 1) > 200


def test_only_what_falls_is_on_a_front():
    """Of a curve those points remain that are lower than all before; thinned out, the ends stay."""
    y = np.array([5.0, 6.0, 5.0, 4.0, 4.5, 1.0])
    assert falling(np.arange(6), y, 10).tolist() == [0, 3, 5]
    assert thin(np.arange(10), 4).tolist() == [0, 3, 6, 9]


def test_a_dimension_is_an_option():
    """Variables and metrics may be as many as one likes, and ZDT4's later ones have other bounds."""
    assert [*ZDT4(dimension=3).space] == ["x1", "x2", "x3"]
    assert ZDT4(dimension=3).space["x3"].support() == (-5.0, 5.0)
    assert [metric.name for metric in DTLZ2(n_metrics=4, dimension=6).metrics] == ["f1", "f2", "f3", "f4"]


@pytest.mark.parametrize(
    ("kind", "option", "says"),
    [
        (ZDT1, {"dimension": 1}, r"dimension = 1: need a whole number in 2\.\.1000"),
        (ZDT1, {"dimension": 2.0}, r"dimension = 2\.0"),
        (ZDT1, {"noise": -1}, r"noise = -1"),
        (DTLZ2, {"n_metrics": 1}, r"n_metrics = 1: need a whole number in 2\.\.10"),
        (DTLZ2, {"n_metrics": 4, "dimension": 3}, r"dimension = 3: need a whole number in 4\.\.1000"),
    ],
)
def test_impossible_options(kind, option, says):
    """An option outside its range is refused by name, value and range."""
    with pytest.raises(ValueError, match=says):
        kind(**option)
