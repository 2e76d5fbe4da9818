"""Planned power of the Mann-Whitney test against SciPy's test, brute force, Noether's formula and simulation."""

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from analysis.statistics.power.mann_whitney import degrees_of_freedom, detectable, fewest, power, repetitions


@pytest.mark.parametrize(("n", "m"), [(3, 3), (3, 5), (4, 4), (2, 8), (5, 4)])
def test_the_critical_value_is_that_of_scipys_test(n, m):
    """Power is certain at the largest effect exactly where SciPy's least p is at most 5 %, for every n and m."""
    least = stats.mannwhitneyu(np.arange(n), np.arange(m) + 100.0).pvalue
    assert power(40.0, n, m) == (1.0 if least <= 0.05 else 0.0)
    assert detectable(n, m) == math.inf or least <= 0.05


@pytest.mark.parametrize(("n", "m"), [(4, 4), (4, 6)])
def test_no_effect_is_found_as_often_as_the_exact_level(n, m):
    """All orders of the runs, each as likely: half of the attained level is on either side, but for the normal tail."""
    orders = itertools.combinations(range(n + m), n)
    values = [stats.mannwhitneyu(first, [x for x in range(n + m) if x not in first]).pvalue for first in orders]
    attained = np.mean(np.array(values) <= 0.05)
    assert power(0.0, n, m) == pytest.approx(attained / 2, abs=0.01)


def test_the_fewest_runs():
    """Three of each cannot reach p < 0.05 (2 / 20), four can (2 / 70)."""
    assert fewest() == 4
    assert (power(40.0, 3, 3), detectable(3, 3)) == (0.0, math.inf)
    assert fewest(0.001) == 7


@pytest.mark.parametrize("effect", [0.1, 0.2])
def test_small_effects_need_what_noether_says(effect):
    """(z + z)^2 / (6 (p - 1/2)^2) of each, within 3 %."""
    better = stats.norm.cdf(effect)
    noether = (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2 / (6 * (better - 0.5) ** 2)
    assert repetitions(effect) == pytest.approx(noether, rel=0.03)


@pytest.mark.parametrize("effect", [0.3, 0.7, 1.5, 5.0])
def test_repetitions_and_detectable_agree(effect):
    """The planned number finds the effect, and one less does not."""
    n = repetitions(effect)
    assert detectable(n, n) <= effect * (1 + 1e-6)
    assert n == fewest() or power(effect, n - 1, n - 1) < 0.8


def test_satterthwaites_degrees_of_freedom():
    """Equal variances of equal samples have those of both; one without any spread has those of the other."""
    assert degrees_of_freedom((2.0, 2.0), 10, 10) == pytest.approx(18)
    assert degrees_of_freedom((0.0, 2.0), 10, 7) == pytest.approx(6)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("n", "m", "share"), [(5, 5, 0.5), (8, 8, 0.5), (6, 20, 0.5), (20, 20, 0.5), (20, 40, 0.9), (50, 50, 0.1)]
)
def test_planned_power_is_reached(n, m, share):
    """On normal errors of the detectable size SciPy's test finds 80 %, within 4 points (4000 simulations: sd 0.6)."""
    rng = np.random.default_rng([n, m])
    first = rng.normal(0.0, math.sqrt(share), (4000, n))
    second = rng.normal(detectable(n, m, share=share), math.sqrt(1 - share), (4000, m))
    p = stats.mannwhitneyu(first, second, axis=1).pvalue
    assert np.mean(p <= 0.05) == pytest.approx(0.8, abs=0.04)
