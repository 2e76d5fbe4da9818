"""Times to target against loops and worked examples, with a defined answer when nobody gets there."""

from __future__ import annotations

import math
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analysis.statistics.anytime import curve
from analysis.statistics.bootstrap import LEAST
from analysis.statistics.targets import Attempts, attempts, ert, kaplan_meier_median, par10, speed_up
from tests.analysis.statistics.hand_made_curves import run
from tests.planted.trajectories import measure_speed_up

INF, NAN = math.inf, math.nan


def of(*runs):
    """Attempts by (reached, ended)."""
    reached, ended = (np.array(column, dtype=float) for column in zip(*runs, strict=True))
    return Attempts(reached=reached, ended=ended, penalised=ended)


events = st.lists(st.tuples(st.integers(1, 12).map(float), st.sampled_from([0.1, 0.2, 0.3, 0.4, INF])), max_size=8).map(
    sorted
)
cells = st.lists(st.tuples(events, st.sampled_from([True, True, False])), min_size=1, max_size=6)


@settings(deadline=None)
@given(cells, st.sampled_from([0.05, 0.2, 0.3, 0.9]))
def test_every_number_is_that_of_a_loop(cell, target):
    """First hits, ERT, PAR-10 and the Kaplan-Meier median, event by event."""
    found = attempts([run(*events, carried=carried) for events, carried in cell], target, "valid")
    reached = [min((t for t, error in events if error <= target), default=INF) for events, _ in cell]
    ended = [max((t for t, _ in events), default=0.0) for events, _ in cell]
    late = [end if carried else max(ended) for end, (_, carried) in zip(ended, cell, strict=True)]
    assert found.reached.tolist() == reached
    successes = sum(time < INF for time in reached)
    spent = sum(map(min, reached, ended))
    assert ert(found) == (pytest.approx(spent / successes) if successes else INF)
    if any(late):
        penalised = [time if time < INF else 10 * end for time, end in zip(reached, late, strict=True)]
        assert par10(found) == pytest.approx(statistics.fmean(penalised))
    median = kaplan_meier_median(found)
    assert median.value == product_limit_median(reached, late)
    assert not median.lo > median.value
    assert not median.hi < median.value


def product_limit_median(reached, ended):
    """The first time at which the product of 1 - deaths / at risk is one half or less, in exact fractions."""
    observed = list(map(min, reached, ended))
    surviving = Fraction(1)
    for t in sorted({time for time in reached if time < INF}):
        surviving *= 1 - Fraction(reached.count(t), sum(time >= t for time in observed))
        if surviving <= Fraction(1, 2):
            return t
    return INF


def test_a_survival_of_one_half_is_seen():
    """The median is exact where survival comes to 1/2, which a product of rounded ratios misses once in 100 times."""
    rng = np.random.default_rng(0)
    for n in (*range(1, 41), *rng.integers(6, 60, 200)):
        reached = np.where(rng.random(n) < 0.5, rng.integers(1, 20, n), INF).astype(float)
        ended = np.where(np.isfinite(reached), 20.0, rng.integers(15, 21, n))
        found = kaplan_meier_median(Attempts(reached=reached, ended=ended, penalised=ended))
        assert found.value == product_limit_median(reached.tolist(), ended.tolist())


def test_an_unfinished_run_is_paid_for():
    """Two successes at 2 and 4, one run without until 10: ERT 8, not the 3 of those that succeed."""
    found = attempts([run((1, 0.5), (2, 0.1)), run((4, 0.1)), run((1, 0.5), (10, 0.4))], 0.1, "valid")
    assert ert(found) == 8.0
    assert par10(found) == (2 + 4 + 100) / 3
    assert kaplan_meier_median(found).value == 4.0


def test_the_test_error_reaches_when_it_first_does():
    """The test error of the incumbent counts at its first hit, though it rises again."""
    t = np.array([1.0, 2.0, 3.0])
    rising = curve(t, np.array([0.5, 0.4, 0.3]), np.array([0.6, 0.1, 0.5]), carried=True)
    assert attempts([rising], 0.2, "test").reached.tolist() == [2.0]
    assert attempts([rising], 0.2, "valid").reached.tolist() == [INF]


def test_failing_early_does_not_pay():
    """A run that fails at once is as bad in PAR-10 and the median as one that runs to the end of its cell."""
    long = run((1, 0.5), (10, 0.4))
    hit = run((5, 0.1))
    failed = attempts([hit, long, run((1, 0.5), carried=False), run(carried=False)], 0.1, "valid")
    lasting = attempts([hit, long, long, long], 0.1, "valid")
    assert par10(failed) == par10(lasting) == (5 + 300) / 4
    assert kaplan_meier_median(failed) == kaplan_meier_median(lasting)
    assert ert(failed) == 5 + 10 + 1 + 0  # what was spent, was spent


def test_nobody_gets_there():
    """Without success ERT and median are inf, PAR-10 is finite, and the number of runs stays."""
    found = attempts([run((1, 0.5), (4, 0.4)), run((8, 0.3))], 0.1, "valid")
    median = kaplan_meier_median(found)
    assert (ert(found), par10(found)) == (INF, 60.0)
    assert (median.value, median.lo, median.hi) == (INF, INF, INF)


def test_no_run_and_no_event():
    """Nothing to go by is NaN; runs that all failed at once never get there."""
    nothing = attempts([], 0.1, "valid")
    assert np.isnan([ert(nothing), par10(nothing), kaplan_meier_median(nothing).value]).all()
    failed = attempts([run(carried=False)] * 3, 0.1, "valid")
    assert (ert(failed), kaplan_meier_median(failed).value) == (INF, INF)
    assert math.isnan(par10(failed))


def test_a_single_run_has_a_median_without_interval():
    """One success says when, not how surely."""
    median = kaplan_meier_median(of((3.0, 9.0)))
    assert median.value == 3.0
    assert np.isnan([median.lo, median.hi]).all()


def test_the_median_of_ties_is_theirs():
    """50 runs that succeed at one time have an interval of that time alone."""
    median = kaplan_meier_median(of(*[(2.0, 9.0)] * 50))
    assert (median.value, median.lo, median.hi) == (2.0, 2.0, 2.0)


def test_the_interval_of_the_median_is_that_of_other_software():
    """Ten times without censoring: R's survfit with conf.type = "log-log" gives 5 (1, 8)."""
    median = kaplan_meier_median(of(*[(float(t), 20.0) for t in range(1, 11)]))
    assert (median.value, median.lo, median.hi) == (5.0, 1.0, 8.0)


def test_speed_up_is_the_ratio_of_expected_times():
    """ERTs 8 and 2 of six pairs: a is four times slower, and four times faster when turned around."""
    slow, quick = of(*[(8.0, 10.0)] * 6), of(*[(2.0, 10.0)] * 6)
    [found], [turned] = speed_up([slow], [quick]), speed_up([quick], [slow])
    assert (found.value, found.lo, found.hi) == pytest.approx((0.25, 0.25, 0.25))
    assert (turned.value, turned.lo, turned.hi) == pytest.approx((4.0, 4.0, 4.0))


@pytest.mark.parametrize(("ours", "theirs", "ratio"), [(INF, 2.0, 0.0), (2.0, INF, INF), (INF, INF, NAN)])
def test_a_side_without_success_has_a_defined_ratio(ours, theirs, ratio):
    """0, inf or NaN, and no interval."""
    [found] = speed_up([of(*[(ours, 9.0)] * 8)], [of(*[(theirs, 9.0)] * 8)])
    np.testing.assert_equal([found.value, found.lo, found.hi], [ratio, NAN, NAN])


def test_runs_that_failed_at_once_are_infinitely_slow():
    """No event at all on one side: 0, not NaN."""
    failed = attempts([run(carried=False)] * 8, 0.1, "valid")
    [found] = speed_up([failed], [of(*[(2.0, 9.0)] * 8)])
    assert (found.value, math.isnan(found.lo)) == (0.0, True)


@pytest.mark.parametrize("n", [1, 2, LEAST - 1])
def test_few_repetitions_have_a_ratio_without_interval(n):
    """A handful of pairs is no basis to resample."""
    rng = np.random.default_rng(n)
    a, b = (of(*[(t, 9.0) for t in rng.uniform(1, 9, n)]) for _ in range(2))
    [found] = speed_up([a], [b])
    assert found.value > 0
    assert np.isnan([found.lo, found.hi]).all()


def test_one_success_among_fifty_has_an_interval():
    """Resamples without a success are at the ends of the range, not NaN."""
    rare = of((3.0, 9.0), *[(INF, 9.0)] * 49)
    often = of(*[(t, 9.0) for t in np.linspace(1, 8, 50)])
    [found] = speed_up([rare], [often])
    assert 0 <= found.lo <= found.value <= found.hi < 1


def test_pairs_that_vary_together_have_a_narrow_interval():
    """Repetitions are drawn jointly: shuffled against each other the same times say much less."""
    rng = np.random.default_rng(3)
    times = rng.uniform(1, 50, size=50)
    a, b = of(*[(t, 99.0) for t in times]), of(*[(2 * t, 99.0) for t in times])
    shuffled = of(*[(2 * t, 99.0) for t in rng.permutation(times)])
    [together], [apart] = speed_up([a], [b]), speed_up([a], [shuffled])
    assert (together.lo, together.hi) == pytest.approx((2.0, 2.0))
    assert apart.value == pytest.approx(2.0)
    assert apart.hi - apart.lo > 0.5


def test_targets_do_not_meddle():
    """A ratio and its interval are the same, to the bit, with other targets beside it."""
    rng = np.random.default_rng(4)
    a, b = ([of(*[(t, 20.0) for t in rng.exponential(8, 50)]) for _ in range(3)] for _ in range(2))
    assert speed_up(a, b)[1] == speed_up(a[1:2], b[1:2])[0]
    assert speed_up(a, b) == speed_up(a, b)
    assert speed_up([], []) == []


def test_units_of_time_do_not_matter():
    """Minutes instead of seconds leave ratio and interval."""
    rng = np.random.default_rng(5)
    times = rng.exponential(8, (2, 50))
    seconds = speed_up(*([of(*[(t, 20.0) for t in side])] for side in times))[0]
    minutes = speed_up(*([of(*[(t / 64, 20.0 / 64) for t in side])] for side in times))[0]
    assert seconds == minutes


@pytest.mark.slow
def test_the_interval_holds_the_true_speed_up():
    """200 suites: a method of 93 % falls below 88.5 % once in 200 times."""
    assert measure_speed_up(simulations=200, seed=13) >= 0.885
