"""The table of anytime scores from planted ledgers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.loading.results import load
from analysis.tables.scores import SCORES, scale_notes, scores_table


@pytest.fixture
def mixed(suite):
    """A cell with a done, a failed, a partial and a missing run, on a budget of 8 seconds."""
    suite.set(repetitions=4, budget={"runtime": 8.0})
    suite.plan["objectives"][0] |= {"best_error": 0.1, "chance_error": 0.9}
    suite.set()
    suite.run([(0.5, 0.9, 2.0), (0.3, 0.9, 4.0), (0.1, 0.1, 9.0)], 0)
    suite.run([(0.5, 0.9, 2.0), (0.3, 0.9, 4.0)], 1, state="failed")
    suite.run([(0.5, 0.9, 2.0)], 2, state="partial")
    return suite


def test_every_planned_run_has_a_row(mixed):
    """Done and failed runs have the score worked out by hand, the others none."""
    table = scores_table(load(mixed.folder))
    assert tuple(table.columns) == SCORES
    assert table["state"].tolist() == ["done", "failed", "partial", "missing"]
    assert set(table["axis"]) == {"runtime"}
    assert set(table["horizon"]) == {8.0}
    np.testing.assert_allclose(table["score"], [(0.5 * 2 + 0.75 * 4) / 8, 0.5 * 2 / 8, np.nan, np.nan])


def test_another_competitor_leaves_every_row(mixed):
    """Scores are against fixed constants, not against the others."""
    before = scores_table(load(mixed.folder))
    mixed.algorithm("better")
    for repetition in range(4):
        mixed.run([(0.0, 0.0, 0.5)], repetition, algorithm="better")
    after = scores_table(load(mixed.folder))
    assert len(after) == 8
    kept = after[after["algorithm"] == "random"].reset_index(drop=True)
    pd.testing.assert_frame_equal(before, kept, check_exact=True)


def test_the_horizon_lies_on_the_budgets_axis(mixed):
    """A budget of trials makes it an average over trials."""
    mixed.set(budget={"trials": 4})
    table = scores_table(load(mixed.folder))
    assert (table["axis"][0], table["horizon"][0]) == ("trials", 4.0)
    assert table["score"][0] == pytest.approx((0.5 + 0.75 + 1.0) / 4)


@pytest.mark.parametrize(
    ("scale", "errors", "expected"),
    [
        ((0.0, 1.0), (0.5, 0.3, 0.9), []),
        ((0.4, 1.0), (0.5, 0.3, 0.2), ["2 of 3 validation errors are below best_error = 0.4000, the least is 0.2000"]),
        ((0.0, 1.0), (-1e9, -3.0, 0.5), ["2 of 3 validation errors are below best_error = 0, the least is -1.000e+9"]),
        ((0.0, 0.2), (0.5, 0.3, 0.2), ["none of 3 validation errors is below chance_error = 0.2000"]),
        ((0.0, 0.2), (0.5, 0.3, 0.1), []),
    ],
)
def test_errors_outside_the_declared_scale_are_reported(suite, scale, errors, expected):
    """Errors that scores would clip are counted: below the best there can be, or none better than chance."""
    suite.set(repetitions=1)
    suite.plan["objectives"][0] |= dict(zip(("best_error", "chance_error"), scale, strict=True))
    suite.set()
    suite.run([(error, error, 1.0 + place) for place, error in enumerate(errors)], 0)
    sentences = list(scale_notes(load(suite.folder)))
    assert [objective for objective, _ in sentences] == ["bowl"] * len(expected)
    assert all(text.startswith(start) for (_, text), start in zip(sentences, expected, strict=True))


def test_what_came_to_nothing_contradicts_no_scale(suite):
    """Evaluations that failed have no error of their own, so they do not say that the scale is wrong."""
    suite.set(repetitions=1)
    suite.run([(None, None, 1.0), (None, None, 2.0)], 0)
    assert list(scale_notes(load(suite.folder))) == []
