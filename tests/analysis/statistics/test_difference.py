"""Differences of incumbents: brute force, defined answers, and planted truth."""

from __future__ import annotations

import json
import math
import statistics

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from analysis.statistics.anytime import Curve, curve, mean_and_std
from analysis.statistics.difference import FEWEST, Difference, claims, critical, difference, simultaneous_band
from tests.analysis.statistics.hand_made_curves import run
from tests.planted.trajectories import WORLDS, main, measure


def cell(rng, n, *, shift=0.0, trials=12):
    """Runs with errors that fall, some of them at the same times as others."""
    runs = []
    for _ in range(n):
        t = np.sort(rng.integers(1, 40, size=trials)) / 2.0
        errors = shift + rng.random(trials)
        runs.append(curve(t, errors, errors + rng.random(trials), carried=True))
    return runs


def at(curve, t, error):
    """The curve at one time, by a loop."""
    found = math.nan
    for time, value in zip(curve.t, getattr(curve, error), strict=True):
        if time <= t:
            found = value
    return math.nan if not curve.carried and (not len(curve.t) or t > max(curve.t)) else found


events = st.lists(
    st.tuples(st.integers(0, 12).map(float), st.sampled_from([0.1, 0.2, 0.3, 0.4, math.inf])), max_size=6
).map(sorted)
cells = st.lists(
    st.tuples(events, events, st.sampled_from([True, True, False])), min_size=1, max_size=4
).map(lambda pairs: [(run(*one, carried=carried), run(*other)) for one, other, carried in pairs])  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(cells, st.sampled_from(["valid", "test"]))
def test_means_and_range_are_those_of_a_loop(pairs, error):
    """From the last first incumbent to the first of the two ends, the mean of the differences at every event."""
    a, b = map(list, zip(*pairs, strict=True))
    found = difference(a, b, error)
    firsts = [min((t for t, v in zip(one.t, one.valid, strict=True) if v == v), default=math.inf) for one in a + b]
    ends = [max((t for one in side for t in one.t), default=-math.inf) for side in (a, b)]
    union = sorted({t for one in a + b for t in one.t if max(firsts) <= t <= min(ends)})
    assert set(found.t) <= {*union, max(firsts), min(ends)}
    if not union:
        assert not len(found.t)
        return
    assert (found.t[0], found.t[-1]) == (max(firsts), min(ends))
    for t in union:
        place = np.searchsorted(found.t, t, side="right") - 1
        both = [at(x, t, error) - at(y, t, error) for x, y in pairs]
        defined = [value for value in both if not math.isnan(value)]
        assert found.n[place] == len(defined)
        expected = statistics.fmean(defined) if len(defined) == len(pairs) else math.nan
        assert found.mean[place] == pytest.approx(expected, abs=1e-12, nan_ok=True)


def brute_force(paired):
    """The band with SciPy's skewness and t-test, sign pattern by sign pattern, inverted by bisection."""
    n = len(paired)

    def transformed(column, mean):
        t = stats.ttest_1samp(column, mean).statistic
        a = stats.skew(column) / math.sqrt(n)
        return t + a * t**2 / 3 + a**2 * t**3 / 27 + a / 6

    residuals = paired - paired.mean(axis=0)
    largest = []
    for bits in range(2 ** (n - 1)):
        signs = np.array([1.0 if bits >> row & 1 else -1.0 for row in range(n)])
        largest.append(max(abs(transformed(signs * column, 0.0)) for column in residuals.T))
    c = np.quantile(largest, 0.95, method="higher")
    ends = []
    for column in paired.T:
        middle, reach = column.mean(), 50 * column.std()
        for sign in (1, -1):
            near, far = middle, middle - sign * reach
            for _ in range(40):
                half = (near + far) / 2
                near, far = (half, far) if sign * transformed(column, half) < c else (near, half)
            ends.append(near)
    return np.reshape(ends, (-1, 2)).T


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_the_band_is_what_its_definition_says(seed):
    """With 7 repetitions all 64 patterns of signs are taken; slow library calls give the same band."""
    rng = np.random.default_rng(seed)
    paired = np.cumsum(rng.exponential(size=(7, 5)), axis=1) - 2.0
    lo, hi = simultaneous_band(paired, mean_and_std(paired)[0])
    np.testing.assert_allclose([lo, hi], brute_force(paired), rtol=2e-5, atol=2e-5)


def test_the_critical_value_grows_with_the_number_of_times():
    """One column needs about what Student's t does, hundreds of independent ones much more."""
    rng = np.random.default_rng(0)
    residuals = rng.standard_normal((50, 400))
    unit = residuals - residuals.mean(axis=0)
    unit /= np.linalg.norm(unit, axis=0)
    one, many = critical(unit[:, :1]), critical(unit)
    assert one == pytest.approx(stats.t.ppf(0.975, 49), rel=0.06)
    assert many > 3.3


def test_a_planted_stretch_is_found():
    """B overtakes a at 10: a is claimed before, b after, nothing in between that is not so."""
    rng = np.random.default_rng(4)
    noise = rng.normal(0, 0.05, size=50)
    a = [run((1, 0.5 + shift)) for shift in noise]
    a = [
        Curve(t=np.array([1.0, 20.0]), valid=np.full(2, one.valid[0]), test=one.test[[0, 0]], carried=True) for one in a
    ]
    b = [run((1, 0.7 + shift + rng.normal(0, 0.02)), (10, 0.3 + shift), (20, 0.3 + shift)) for shift in noise]
    found = list(claims(difference(a, b, "valid")))
    assert [(claim.better, claim.start, claim.end) for claim in found] == [("a", 1.0, 10.0), ("b", 10.0, 20.0)]


def test_claims_stop_where_the_band_does_not_exclude_nought():
    """Stretches are maximal, end before the next time, and do not cross undefined ones."""
    nan = math.nan
    lo = np.array([0.1, 0.2, -0.1, -0.3, nan, -0.3, 0.0])
    hi = np.array([0.3, 0.4, 0.1, -0.2, nan, -0.1, 0.2])
    t = np.arange(7.0)
    found = claims(Difference(t=t, n=np.full(7, 9), mean=(lo + hi) / 2, lo=lo, hi=hi))
    assert [(claim.better, claim.start, claim.end) for claim in found] == [("b", 0, 2), ("a", 3, 4), ("a", 5, 6)]


def test_equal_algorithms_differ_nowhere():
    """The same runs twice: mean and band are exactly 0, and nothing is claimed."""
    a = cell(np.random.default_rng(2), 50)
    found = difference(a, a, "test")
    assert len(found.t)
    assert {*found.mean, *found.lo, *found.hi} == {0.0}
    assert not list(claims(found))


def test_a_constant_difference_has_a_band_without_width():
    """Tied stretches that differ are claimed from end to end, whatever rounding does to the differences."""
    rng = np.random.default_rng(3)
    levels = rng.random(50)
    a = [run((1, level), (5, level)) for level in levels]
    b = [run((1, level + 0.1), (5, level)) for level in levels]
    found = difference(a, b, "valid")
    np.testing.assert_allclose([found.lo[0], found.hi[0]], -0.1, atol=1e-12)
    assert [(claim.better, claim.start, claim.end) for claim in claims(found)] == [("a", 1.0, 5.0)]


@pytest.mark.parametrize("n", [1, 2, FEWEST - 1])
def test_too_few_repetitions_have_a_mean_and_no_band(n):
    """Below six pairs no pattern of signs is rare enough."""
    rng = np.random.default_rng(n)
    found = difference(cell(rng, n), cell(rng, n, shift=5.0), "valid")
    assert np.isfinite(found.mean).all()
    assert np.isnan([found.lo, found.hi]).all()
    assert not list(claims(found))


def test_too_few_differing_pairs_have_no_band():
    """50 pairs of which 5 differ say too little of the spread; all tied, or 6 that differ, have a band."""
    paired = np.zeros((50, 3))
    paired[:5, 1] = 1.0
    paired[:6, 2] = np.arange(1.0, 7.0)
    lo, hi = simultaneous_band(paired, mean_and_std(paired)[0])
    assert np.isnan(lo).tolist() == [False, True, False]
    assert (lo[0], hi[0]) == (0.0, 0.0)
    assert lo[2] < paired[:, 2].mean() < hi[2]


def test_a_failed_run_ends_the_curve_and_stays_in_n():
    """After the last event of a run that failed n is one less, and there is neither mean nor band."""
    rng = np.random.default_rng(5)
    a, b = cell(rng, 10), cell(rng, 10)
    stop = float(a[0].t[-1]) - 1.0
    kept = a[0].t <= stop
    a[0] = Curve(t=a[0].t[kept], valid=a[0].valid[kept], test=a[0].test[kept], carried=False)
    found = difference(a, b, "valid")
    late = found.t > a[0].t[-1]
    assert late.any()
    assert found.n[late].tolist() == [9] * late.sum()
    assert np.isnan([found.mean[late], found.lo[late]]).all()
    assert np.isfinite(found.mean[~late]).all()


@pytest.mark.parametrize("none", [run(), run((1, math.inf)), run(carried=False)])
def test_a_run_without_incumbent_leaves_no_row(none):
    """Where one run is never defined there is no time at which all are."""
    rng = np.random.default_rng(6)
    a, b = cell(rng, 8), cell(rng, 8)
    assert not len(difference([none, *a[1:]], b, "valid").t)
    assert not len(difference([], [], "valid").t)


def test_shifts_scales_and_turns():
    """A constant on all errors changes nothing; turned around the curve is mirrored; a factor stretches the band."""
    rng = np.random.default_rng(7)
    a, b = cell(rng, 20), cell(rng, 20, shift=0.1)

    def of(curves, factor=1.0, shift=0.0):
        return [
            Curve(t=one.t, valid=factor * one.valid + shift, test=factor * one.test + shift, carried=True)
            for one in curves
        ]

    plain = difference(a, b, "valid")
    shifted = difference(of(a, shift=0.25), of(b, shift=0.25), "valid")
    turned, halved = difference(b, a, "valid"), difference(of(a, 0.5), of(b, 0.5), "valid")
    np.testing.assert_allclose([shifted.mean, shifted.lo, shifted.hi], [plain.mean, plain.lo, plain.hi], atol=1e-6)
    np.testing.assert_allclose([turned.mean, turned.lo, turned.hi], [-plain.mean, -plain.hi, -plain.lo], atol=1e-6)
    np.testing.assert_array_equal([halved.mean, halved.lo, halved.hi], [plain.mean / 2, plain.lo / 2, plain.hi / 2])


def test_repetitions_may_come_in_any_order_together():
    """Shuffled together the mean stays, and the band within its resampling error; shuffled apart the band does not."""
    rng = np.random.default_rng(8)
    levels = rng.normal(0, 1, size=50)
    a = [run((1, level + rng.normal(0, 0.05)), (2, level - 1)) for level in levels]
    b = [run((1, level + rng.normal(0, 0.05)), (2, level - 1.1)) for level in levels]
    order = rng.permutation(50)
    plain = difference(a, b, "valid")
    together = difference([a[place] for place in order], [b[place] for place in order], "valid")
    apart = difference([a[place] for place in order], b, "valid")
    np.testing.assert_allclose(together.mean, plain.mean, atol=1e-12)
    np.testing.assert_allclose(together.hi - together.lo, plain.hi - plain.lo, rtol=0.05, atol=1e-9)
    assert (apart.hi - apart.lo)[0] > 5 * (plain.hi - plain.lo)[0]


def test_the_same_call_gives_the_same_bits():
    """Nothing is drawn from anywhere but the seed."""
    rng = np.random.default_rng(9)
    a, b = cell(rng, 50), cell(rng, 50)
    one, other = difference(a, b, "test"), difference(a, b, "test")
    assert one.lo.tobytes() == other.lo.tobytes()
    assert one.hi.tobytes() == other.hi.tobytes()


@pytest.mark.slow
def test_fifty_thousand_times_are_taken_in_chunks():
    """A large grid of changes gives a finite band around its mean."""
    rng = np.random.default_rng(10)
    paired = np.cumsum(rng.standard_normal((50, 50_000)), axis=1)
    mean, _ = mean_and_std(paired)
    lo, hi = simultaneous_band(paired, mean)
    assert (lo < mean).all()
    assert (mean < hi).all()


@pytest.mark.slow
@pytest.mark.parametrize("world", ["runtime", "common_start"])
def test_the_band_holds_planted_truths(world):
    """200 suites: a method of 93 % falls below 88.5 % once in 200 times; pointwise intervals do always."""
    found = measure(WORLDS[world], simulations=200, seed=11)
    assert found["band"] >= 0.885
    assert found["pointwise_everywhere"] < 0.885
    assert found["wrong_claims"] <= 0.05


@pytest.mark.slow
@pytest.mark.parametrize("world", ["trials_null", "common_start_null"])
def test_equal_algorithms_are_rarely_told_apart(world):
    """200 suites without a difference: claims in 5 % are more than 9.5 % of these once in 200 times."""
    found = measure(WORLDS[world], simulations=200, seed=12)
    assert found["claims"] <= 0.095
    assert found["pointwise_everywhere"] < 0.885


def test_the_measurement_is_a_command(tmp_path, capsys):
    """It prints and writes a share for every world and promise, the same ones each time."""
    reports = [tmp_path / "one.json", tmp_path / "other.json"]
    for report in reports:
        assert main(["--simulations", "1", "--repetitions", "8", "--out", str(report)]) == 0
    assert reports[0].read_bytes() == reports[1].read_bytes()
    numbers = json.loads(reports[0].read_text())
    assert set(numbers) == {*WORLDS, "simulations", "repetitions", "speed_up"}
    assert "common_start_null band" in capsys.readouterr().out
