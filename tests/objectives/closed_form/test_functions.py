"""The closed forms against their published optima, and the noise and bias they promise."""

import math

import numpy as np
import pytest
from scipy import optimize, stats

from objectives.closed_form.functions import Branin, Hartmann6
from objectives.objective import Machine

BRANIN_MINIMA = [(-math.pi, 12.275), (math.pi, 2.275), (3 * math.pi, 2.475)]
HARTMANN6_MINIMUM = [0.20169, 0.150011, 0.476874, 0.275332, 0.311652, 0.657301]
X6 = [f"x{i}" for i in range(1, 7)]
CENTRE = {"x1": 2.5, "x2": 7.5}


def minimise(objective, starts):
    """Every local minimum that L-BFGS-B finds from random starts: places and values."""
    space, rng = objective.space, np.random.default_rng(0)
    bounds = [space[name].support() for name in space]
    found = []
    for _ in range(starts):
        start = list(space.sample(rng).values())
        found.append(
            optimize.minimize(
                lambda x: objective.value(dict(zip(space, map(float, x), strict=True))),
                start,
                method="L-BFGS-B",
                bounds=bounds,
                options={"ftol": 1e-15, "gtol": 1e-10},
            )
        )
    return [(tuple(result.x), float(result.fun)) for result in found]


def curve(objective, config=CENTRE, seed=0):
    return list(objective.train(config, np.random.SeedSequence(seed), Machine()))


@pytest.mark.slow
def test_branin_has_its_three_minima():
    """Descents from random places end in the three published minima, and nowhere lower."""
    found = minimise(Branin(), 60)
    assert min(value for _, value in found) == pytest.approx(Branin().optimum, abs=1e-9)
    for minimum in BRANIN_MINIMA:
        assert any(place == pytest.approx(minimum, abs=1e-4) for place, _ in found)
        assert Branin().value(dict(zip(("x1", "x2"), minimum, strict=True))) == pytest.approx(Branin().optimum)


@pytest.mark.slow
def test_hartmann6_has_its_minimum():
    """Descents from random places find the published minimum, and nowhere a lower one."""
    place, value = min(minimise(Hartmann6(), 60), key=lambda found: found[1])
    assert value == pytest.approx(Hartmann6().optimum, abs=1e-9)
    assert place == pytest.approx(HARTMANN6_MINIMUM, abs=1e-4)


@pytest.mark.parametrize(("objective", "tolerance"), [(Branin(), 2.0), (Hartmann6(), 0.3)])
def test_chance_error_is_what_a_random_configuration_is_worth(objective, tolerance):
    """The chance error is near the mean over the space, and far above the optimum."""
    space, rng = objective.space, np.random.default_rng(1)
    mean = np.mean([objective.value(space.sample(rng)) for _ in range(4000)])
    assert objective.chance_error == pytest.approx(mean, abs=tolerance)
    assert objective.chance_error > objective.optimum


@pytest.mark.parametrize("noise", [0.0, 0.1, 3])
def test_noise_has_the_stated_deviation(noise):
    """Over trials the validation error is f(x) plus a Gaussian of that standard deviation."""
    objective = Branin(noise=noise)
    errors = np.array([curve(objective, seed=seed)[-1].valid_error for seed in range(2000)])
    noises = errors - objective.value(CENTRE)
    if noise == 0:
        assert not noises.any()
    else:
        assert stats.kstest(noises / noise, "norm").pvalue > 1e-3
        assert noises.std(ddof=1) == pytest.approx(noise, rel=0.05)


def test_epochs_draw_their_noise_apart():
    """The noise of an epoch says nothing about that of the next."""
    objective = Branin(noise=1.0, epochs=2)
    pairs = [[epoch.valid_error - epoch.test_error for epoch in curve(objective, seed=seed)] for seed in range(1000)]
    assert abs(np.corrcoef(np.array(pairs).T)[0, 1]) < 0.1


@pytest.mark.parametrize("objective", [Branin(noise=1.0, epochs=5), Hartmann6(noise=1.0, epochs=5)])
def test_the_test_error_is_the_truth_with_the_documented_bias(objective):
    """After epoch e of E the test error is f(x) + (1/e - 1/E) * scale, and in the end f(x)."""
    config = objective.space.sample(np.random.default_rng(2))
    truth = [epoch.test_error for epoch in curve(objective, config)]
    biases = [(1 / epoch - 1 / 5) * objective.scale for epoch in range(1, 6)]
    assert truth == pytest.approx([objective.value(config) + bias for bias in biases])
    assert truth[-1] == objective.value(config)
    assert truth == sorted(truth, reverse=True)


def test_without_noise_validation_is_the_truth():
    """Without noise both errors are the same numbers."""
    assert all(epoch.valid_error == epoch.test_error for epoch in curve(Hartmann6(epochs=3), dict.fromkeys(X6, 0.5)))


@pytest.mark.parametrize(
    ("option", "says"),
    [
        ({"noise": -1.0}, "noise = -1.0: need a number >= 0"),
        ({"noise": math.nan}, "noise = nan"),
        ({"noise": math.inf}, "noise = inf"),
        ({"noise": True}, "noise = True"),
        ({"noise": "0"}, "noise = '0'"),
        ({"epochs": 0}, "epochs = 0: need a whole number"),
        ({"epochs": 2.0}, "epochs = 2.0"),
        ({"epochs": True}, "epochs = True"),
        ({"epochs": 10_001}, "epochs = 10001"),
    ],
)
def test_impossible_options(option, says):
    """An option of the wrong type or range is refused by name, value and rule."""
    with pytest.raises(ValueError, match=says):
        Branin(**option)
