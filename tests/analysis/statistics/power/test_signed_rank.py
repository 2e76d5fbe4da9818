"""Planned power against statsmodels, brute force and simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.power import TTestPower

from analysis.statistics.pairwise import wilcoxon
from analysis.statistics.power.signed_rank import attained, detectable, fewest, largest_sd, power, repetitions
from tests.planted import finals


def test_detectable_is_the_t_tests_with_fewer_pairs():
    """Beyond 50 pairs: statsmodels' effect for 3/pi times as many pairs. At 50 it is 0.41 sd (t-test: 0.40)."""
    plain = TTestPower().solve_power(nobs=80 * 3 / math.pi, alpha=0.05, power=0.8)
    assert detectable(80) == pytest.approx(plain)
    assert detectable(50) == pytest.approx(0.4148, abs=1e-4)
    assert TTestPower().solve_power(nobs=50, alpha=0.05, power=0.8) == pytest.approx(0.4042, abs=1e-4)


@pytest.mark.parametrize("n", [5, 6, 8])
def test_attained_level_by_brute_force(n):
    """The largest p-value at most 5 % that any pattern of signs gives."""
    sums = np.array([sum(pattern) for pattern in itertools.product(*((0, rank) for rank in range(1, n + 1)))])
    levels = [2 * np.mean(sums <= most) for most in range(n * (n + 1) // 2)]
    assert attained(n) == pytest.approx(max([level for level in levels if level <= 0.05], default=0.0))


def test_too_few_repetitions_find_nothing():
    """Five pairs cannot reach p < 0.05, whatever the difference: 2 / 2**5 = 0.0625."""
    assert fewest() == 6
    assert detectable(5) == math.inf
    assert power(100.0, 5) == 0
    assert stats.wilcoxon(np.arange(1.0, 6.0)).pvalue > 0.05


@pytest.mark.parametrize("effect", [0.05, 0.2, 0.4, 0.8, 1.5, 10.0])
def test_repetitions_and_detectable_agree(effect):
    """The planned number finds the effect, and no smaller one does."""
    n = repetitions(effect)
    assert detectable(n) <= effect * (1 + 1e-6)
    assert power(effect, n) >= 0.8
    assert n == fewest() or power(effect, n - 1) < 0.8


def test_more_is_asked_for_more():
    """Power, a stricter level and a smaller effect each cost repetitions."""
    base = repetitions(0.3)
    assert repetitions(0.3, wanted=0.9) > base
    assert repetitions(0.3, alpha=0.01) > base
    assert repetitions(0.15) > 3 * base


@pytest.mark.parametrize("n", [7, 12, 20, 50, 100])
def test_planned_power_is_reached(n):
    """On normal differences of the detectable size Wilcoxon's test finds 80 % (2000 simulations, 4 sd)."""
    drawn = np.random.default_rng(n).normal(detectable(n), 1.0, size=(2000, n))
    assert np.mean(wilcoxon(drawn) <= 0.05) == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / 2000))


@pytest.mark.parametrize("name", ["normal", "discrete"])
def test_planted_suites_have_the_planned_power(name):
    """Simulated suites with shared noise find a difference of the detectable size as planned."""
    assert finals.power(finals.NOISES[name], 1000) == pytest.approx(80, abs=4 * 1.27)


def test_skewed_noise_needs_no_more():
    """With skewed errors the power is at least what was planned."""
    assert finals.power(finals.NOISES["skewed"], 1000) > 80 - 4 * 1.27


def test_cautious_sd_is_above_the_truth_four_times_of_five():
    """The upper limit of a pilot's sd holds with the assurance it claims."""
    pilots = np.random.default_rng(1).normal(size=(4000, 8)).std(axis=1, ddof=1)
    limits = [largest_sd(sd, 8) for sd in pilots]
    assert np.mean(np.array(limits) >= 1) == pytest.approx(0.8, abs=4 * math.sqrt(0.16 / 4000))


@pytest.mark.parametrize("changes", [{"alpha": 0.0}, {"alpha": 1.0}, {"wanted": 0.05}, {"wanted": 1.0}])
def test_levels_out_of_range_are_refused(changes):
    """Alpha lies in (0, 1), power in (alpha, 1)."""
    with pytest.raises(ValueError, match="need a number between"):
        detectable(50, **changes)
    with pytest.raises(ValueError, match="need a number between"):
        repetitions(0.5, **changes)


@pytest.mark.parametrize("effect", [0.0, -1.0, math.nan])
def test_effects_that_are_none_are_refused(effect):
    """No number of repetitions finds nothing."""
    with pytest.raises(ValueError, match="effect"):
        repetitions(effect)


def test_hopelessly_small_effects_are_said_to_be():
    """Beyond a thousand million repetitions there is no answer."""
    with pytest.raises(OverflowError, match="more than"):
        repetitions(1e-9)
