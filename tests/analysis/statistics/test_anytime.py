"""The anytime curve: known means, and the rules that are wrong; `tests.analysis.oracle` recomputes it."""

import math
import statistics

import numpy as np
import pytest

from analysis.loading.results import load
from analysis.statistics.anytime import Curve, aggregate, curve, incumbents, mean_and_std
from analysis.tables.basic import trajectory_table

FIRST = [(0.5, 0.6, 1.0), (0.3, 0.2, 3.0), (0.4, 0.1, 4.0)]
SECOND = [(0.6, 0.5, 2.0), (0.1, 0.3, 2.5), (0.7, 0.9, 2.75)]
"""Two runs as (valid, test, end): the first has the earlier start, the second the better incumbent."""


@pytest.fixture
def two_runs(suite):
    """The two hand-made runs, as a suite."""
    suite.run(FIRST, 0)
    suite.run(SECOND, 1)
    return suite


def rows(suite, axis, columns):
    """The rows of one axis of a suite with one cell, as tuples."""
    table = trajectory_table(load(suite.folder))
    return list(table[table["axis"] == axis][columns].itertuples(index=False, name=None))


def test_known_means_on_the_runtime_axis(two_runs):
    """Two hand-made runs give the means worked out by hand at every event time."""
    table = rows(two_runs, "runtime", ["t", "n_defined", "valid_mean", "test_mean", "n_runs", "n_active"])
    nan = math.nan
    expected = [
        (1.0, 1, nan, nan, 2, 2),
        (2.0, 2, 0.55, 0.55, 2, 2),
        (2.5, 2, 0.3, 0.45, 2, 2),
        (2.75, 2, 0.3, 0.45, 2, 2),
        (3.0, 2, 0.2, 0.25, 2, 1),
        (4.0, 2, 0.2, 0.25, 2, 1),
    ]
    np.testing.assert_allclose(table, expected, rtol=1e-15)


@pytest.mark.parametrize(("axis", "times"), [("trials", [1.0, 2.0, 3.0]), ("epochs", [2.0, 4.0, 6.0])])
def test_known_means_and_stds_on_the_other_axes(two_runs, axis, times):
    """Counted in evaluations or epochs the two runs meet at every event."""
    table = rows(two_runs, axis, ["t", "n_defined", "valid_mean", "valid_std", "test_mean", "test_std"])
    valid, test = [0.55, 0.2, 0.2], [0.55, 0.25, 0.25]
    stds = [0.1 / math.sqrt(2), 0.2 / math.sqrt(2), 0.2 / math.sqrt(2)]
    test_stds = [0.1 / math.sqrt(2), 0.1 / math.sqrt(2), 0.1 / math.sqrt(2)]
    expected = list(zip(times, [2, 2, 2], valid, stds, test, test_stds, strict=True))
    np.testing.assert_allclose(table, expected, rtol=1e-14)


# The six wrong rules. Each gets both runs as (times, raw errors) and gives its mean at a time.


def look_ahead(runs, t):
    """The value of the next trial: searchsorted on the left."""
    return statistics.fmean(
        np.minimum.accumulate(errors)[min(np.searchsorted(times, t, side="left"), len(times) - 1)]
        for times, errors in runs
    )


def linear(runs, t):
    """A ramp through the steps."""
    return statistics.fmean(np.interp(t, times, np.minimum.accumulate(errors)) for times, errors in runs)


def nearest_in_time(runs, t):
    """The closest trial, past or future."""
    return statistics.fmean(
        np.minimum.accumulate(errors)[np.argmin(np.abs(np.subtract(times, t)))] for times, errors in runs
    )


def back_fill(runs, t):
    """The first value holds before it was there."""
    return statistics.fmean(
        np.minimum.accumulate(errors)[max(np.searchsorted(times, t, side="right") - 1, 0)] for times, errors in runs
    )


def survivors(runs, t):
    """The mean of those that have a value."""
    defined = [
        np.minimum.accumulate(errors)[np.searchsorted(times, t, side="right") - 1]
        for times, errors in runs
        if times[0] <= t
    ]
    return statistics.fmean(defined)


def minimum_of_means(runs, t):
    """The cumulative minimum of the mean of the raw errors."""
    grid = sorted({time for times, _ in runs for time in times if time <= t})
    means = [
        statistics.fmean(errors[np.searchsorted(times, time, side="right") - 1] for times, errors in runs)
        for time in grid
        if all(times[0] <= time for times, _ in runs)
    ]
    return min(means)


@pytest.mark.parametrize(
    ("rule", "t"),
    [
        (look_ahead, 2.75),
        (linear, 2.0),
        (nearest_in_time, 2.5),
        (back_fill, 1.0),
        (survivors, 1.0),
        (minimum_of_means, 3.0),
    ],
)
def test_the_wrong_rules_give_other_numbers(two_runs, rule, t):
    """Each wrong rule met in other tools differs from ours on the two runs, where we say it does."""
    runs = [([end for *_, end in run], [valid for valid, *_ in run]) for run in (FIRST, SECOND)]
    ours = dict(rows(two_runs, "runtime", ["t", "valid_mean"]))[t]
    wrong = rule(runs, t)
    assert math.isfinite(wrong)
    assert math.isnan(ours) or abs(ours - wrong) > 0.04


def test_shifting_all_errors_shifts_the_means_only(plant):
    """A constant added to every error is added to every mean, and the stds stay."""
    tables = []
    for name, shift in (("here", 0.0), ("shifted", 0.125)):
        suite = plant(name)
        for repetition, run in enumerate((FIRST, SECOND)):
            suite.run([(valid + shift, test + shift, end) for valid, test, end in run], repetition)
        tables.append(trajectory_table(load(suite.folder)))
    for name, added in (("valid_mean", 0.125), ("test_mean", 0.125), ("valid_std", 0.0), ("test_std", 0.0)):
        np.testing.assert_allclose(tables[1][name], tables[0][name] + added, rtol=1e-13)


def test_the_test_curve_may_rise(suite):
    """The test error is that of the validation incumbent and is never made monotone."""
    suite.set(repetitions=1)
    suite.run([(0.5, 0.1, 1.0), (0.4, 0.3, 2.0), (0.45, 0.2, 3.0)])
    assert rows(suite, "trials", ["valid_mean", "test_mean"]) == [(0.5, 0.1), (0.4, 0.3), (0.4, 0.3)]


def test_a_budget_of_runtime_cuts_late_evaluations(suite):
    """What ends after the budget does not count on any axis; what ends with it does."""
    suite.set(repetitions=1, budget={"runtime": 2.0})
    suite.run([(0.5, 0.5, 1.0), (0.4, 0.4, 2.0), (0.1, 0.1, 2.000001)])
    assert rows(suite, "runtime", ["t", "valid_mean"]) == [(1.0, 0.5), (2.0, 0.4)]
    assert rows(suite, "trials", ["t", "valid_mean"]) == [(1.0, 0.5), (2.0, 0.4)]


def test_a_budget_of_epochs_cuts_what_exceeds_it(suite):
    """Evaluations past the budget's charged epochs do not count."""
    suite.set(repetitions=1, budget={"epochs": 5})
    suite.run(FIRST)
    assert rows(suite, "epochs", ["t", "valid_mean"]) == [(2.0, 0.5), (4.0, 0.3)]


def test_a_promoted_trial_is_charged_the_added_epochs(suite, planted_evaluation):
    """The epochs axis counts what was trained, not what each evaluation ended at."""
    suite.set(repetitions=1)
    first = planted_evaluation(0, 0.5, 0.5, 1.0, epochs=2)
    suite.run([first, planted_evaluation(1, 0.4, 0.4, 2.0, trial=0, start_epoch=2, epochs=8)])
    assert [t for (t,) in rows(suite, "epochs", ["t"])] == [2.0, 8.0]


def test_a_failed_run_is_undefined_after_its_last_event(suite):
    """A failed run is carried forward no further, so the means end there; it stays in n_runs."""
    suite.run([(0.5, 0.5, 1.0), (0.4, 0.4, 2.0)], 0, state="failed")
    suite.run([(0.6, 0.6, 1.5), (0.3, 0.3, 3.0)], 1)
    columns = ["t", "n_defined", "n_runs", "n_active"]
    assert rows(suite, "runtime", columns) == [(1.0, 1, 2, 2), (1.5, 2, 2, 2), (2.0, 2, 2, 2), (3.0, 1, 2, 1)]
    assert [math.isnan(mean) for (mean,) in rows(suite, "runtime", ["valid_mean"])] == [True, False, False, True]


def test_a_failed_run_without_events_leaves_the_cell_undefined(suite):
    """An algorithm that crashes at once does not vanish from the denominator."""
    suite.run([], 0, state="failed")
    suite.run([(0.6, 0.6, 1.5)], 1)
    assert rows(suite, "runtime", ["n_defined", "n_runs"]) == [(1, 2)]


def test_a_run_of_crashes_is_never_defined(suite):
    """Crashed evaluations are events without an incumbent."""
    suite.run([(None, None, 1.0), (None, None, 2.0)], 0)
    suite.run([(0.6, 0.6, 1.5)], 1)
    assert rows(suite, "runtime", ["t", "n_defined"]) == [(1.0, 0), (1.5, 1), (2.0, 1)]


def test_tied_runs_have_no_spread(suite):
    """Equal errors in all runs give exactly that mean and a std of exactly 0."""
    suite.set(repetitions=7)
    for repetition in range(7):
        suite.run([(0.1, 0.3, 1.0 + repetition), (0.1, 0.9, 10.0)], repetition)
    last = rows(suite, "runtime", ["valid_mean", "valid_std", "test_mean", "test_std"])[-1]
    assert last == (0.1, 0.0, 0.3, 0.0)


def test_one_run_has_a_mean_and_no_std(suite):
    """The std of a single run is undefined, not 0."""
    suite.run([(0.5, 0.5, 1.0)])
    ((mean, std),) = rows(suite, "runtime", ["valid_mean", "valid_std"])
    assert mean == 0.5
    assert math.isnan(std)


def test_incumbents_keep_the_earliest_of_ties():
    """Only a strictly smaller error makes a new incumbent; +inf makes none."""
    errors = np.array([math.inf, 0.5, 0.5, 0.7, math.inf, 0.2])
    assert incumbents(errors).tolist() == [-1, 1, 1, 1, 1, 5]
    assert incumbents(np.empty(0)).tolist() == []


def test_events_at_the_same_time_count_together():
    """At a time with two events the curve has seen both."""
    run = curve(np.array([1.0, 1.0]), np.array([0.5, 0.4]), np.array([0.1, 0.2]), carried=True)
    trajectory = aggregate([run])
    assert trajectory.t.tolist() == [1.0]
    assert trajectory.valid_mean.tolist() == [0.4]


def test_no_runs_have_no_grid():
    """A cell without any run to aggregate has no row."""
    assert aggregate([]).t.tolist() == []
    nothing = Curve(t=np.empty(0), valid=np.empty(0), test=np.empty(0), carried=True)
    assert aggregate([nothing]).n_defined.tolist() == []


def test_an_undefined_run_leaves_no_mean():
    """NaN in any run is NaN in the mean and in the std."""
    mean, std = mean_and_std(np.array([[1.0, 2.0], [3.0, math.nan]]))
    assert mean[0] == 2.0
    assert std[0] == math.sqrt(2)
    assert np.isnan([mean[1], std[1]]).all()
