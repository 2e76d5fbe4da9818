"""Errors and seconds of any size: tables of errors 2**k times as large hold numbers 2**k times as large, exactly."""

import sys

import numpy as np
import pandas as pd
import pytest

from analysis.figures import draw
from analysis.loading.results import load
from analysis.statistics.anytime import mean_and_std, total
from analysis.study import Study
from analysis.tables.timing import as_json, as_line

SCALED = {
    "trials": ("valid_error", "test_error"),
    "runs": ("final_valid_error", "final_test_error"),
    "summary": ("valid_mean", "valid_std", "test_mean", "test_std"),
    "trajectory": ("valid_mean", "valid_std", "test_mean", "test_std"),
    "bands": ("mean", "std", "iqm", "q10", "q25", "q50", "q75", "q90"),
    "curves": ("valid_error", "test_error"),
}
"""Columns that hold errors, by table."""


@pytest.fixture
def study_of(plant, planted_evaluation):
    """Makes the study of a suite whose errors and seconds are random numbers times a factor of each."""

    def make(error=1.0, seconds=1.0):
        suite = plant(f"errors-{error}-seconds-{seconds}".replace("+", "").replace(".", "_"))
        suite.algorithm("local")
        suite.plan["objectives"][0] |= {"chance_error": abs(error), "best_error": -abs(error)}
        suite.set(repetitions=6)
        draws = np.random.default_rng(3)
        for algorithm in ("random", "local"):
            for repetition in range(6):
                end, records = 0.0, []
                for index in range(3):
                    valid, test, spent = (
                        error * draws.uniform(),
                        error * draws.uniform(),
                        seconds * draws.uniform(0.5, 1),
                    )
                    changes = {"start": end, "train_seconds": spent, "valid_curve": [valid], "test_curve": [test]}
                    end += spent
                    records.append(planted_evaluation(index, valid, test, end, epochs=1, **changes))
                suite.run(records, repetition, algorithm=algorithm)
        return Study(load(suite.folder), suite.folder)

    return make


@pytest.mark.parametrize("exponent", [pytest.param(-900, marks=pytest.mark.slow), 1022])
def test_tables_scale_with_the_errors(study_of, exponent):
    """No digit depends on the size of errors; scores and ranks stay, and no table is missing."""
    plain, scaled = study_of(), study_of(2.0**exponent)
    for name, columns in SCALED.items():
        for column in columns:
            expected = np.ldexp(plain.tables[name][column].to_numpy(dtype=np.float64), exponent)
            np.testing.assert_array_equal(scaled.tables[name][column], expected)
    for name in ("scores", "ranks", "totals"):
        pd.testing.assert_frame_equal(scaled.tables[name], plain.tables[name])
    assert set(scaled.made_tables()) == set(scaled.tables)


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (-1.7e308, 1.0),
        *(
            pytest.param(*pair, marks=pytest.mark.slow)
            for pair in [(1e-320, 1.0), (1.0, 1e-320), (1.0, 0.0), (1.0, 5e307)]
        ),
    ],
)
def test_every_table_is_made(study_of, error, seconds):
    """The least and the greatest doubles, negative ones, and no time at all leave no table out and warn of nothing."""
    study = study_of(error, seconds)
    assert set(study.made_tables()) == set(study.tables)
    assert as_line(study.results).startswith("charged ")
    assert b"Infinity" not in as_json(study.results)


@pytest.mark.slow
@pytest.mark.parametrize("seconds", [1e-320, 1e300])
def test_seconds_that_cannot_be_cost_no_figure(study_of, seconds):
    """Ledgers from before such seconds were errors have all figures of time."""
    study = study_of(1.0, seconds)
    for name in ("overhead-bowl", "timeline-bowl", "anytime-bowl"):
        assert set(draw(study, only=name)) == {f"{name}.png", f"{name}.svg", f"{name}.txt"}, study.not_drawn.lines()


def test_mean_and_std_of_the_greatest_doubles():
    """A mean of doubles is one; a std may be beyond all of them."""
    most = sys.float_info.max
    mean, std = mean_and_std(np.array([[most, most, 3e-300], [most, -most, 1e-300]]))
    assert mean.tolist() == [most, 0.0, 2e-300]
    assert std.tolist() == [0.0, np.inf, pytest.approx(2**0.5 * 1e-300)]


@pytest.mark.parametrize(
    ("values", "divisor", "expected"),
    [
        ([0.1] * 10, 1, 1.0),
        ([], 1, 0.0),
        ([1.5e308] * 4, 4, 1.5e308),
        ([1.5e308] * 4, 1, np.inf),
        ([1e308, 1.0], 1, 1e308),
    ],
)
def test_a_total_is_rounded_once(values, divisor, expected):
    """Sums overflow only where they are beyond all doubles themselves."""
    assert total(values, divisor) == expected
