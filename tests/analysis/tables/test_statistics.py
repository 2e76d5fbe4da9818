"""statistics.csv: every algorithm and endpoint with its intervals."""

import math

import numpy as np
import pandas as pd
import pytest

from analysis.loading.results import load
from analysis.tables.statistics import STATISTICS, statistics_table

ERRORS = [0.30, 0.34, 0.29, 0.36, 0.28, 0.33, 0.27, 0.31]


def planted(suite, algorithms):
    """One evaluation a run; `algorithms` maps labels to test errors, None: failed, "": missing."""
    suite.set(repetitions=8)
    for label, errors in algorithms.items():
        if label != "random":
            suite.algorithm(label)
        for repetition, error in enumerate(errors):
            if error is None:
                suite.run([], repetition, algorithm=label, state="failed")
            elif error != "":
                suite.run([(error - 0.1, error, 1.0)], repetition, algorithm=label)
    return load(suite.folder)


def row(table, algorithm, endpoint="test_error"):
    """The only row of an algorithm and endpoint."""
    [found] = table[(table["algorithm"] == algorithm) & (table["endpoint"] == endpoint)].to_dict("records")
    return found


def test_one_row_for_every_endpoint(suite):
    """Test error, validation error and score of each algorithm, summarised as NumPy does."""
    table = statistics_table(planted(suite, {"random": ERRORS}))
    assert tuple(table.columns) == STATISTICS
    assert table["endpoint"].tolist() == ["test_error", "valid_error", "score"]
    found = row(table, "random")
    assert (found["n"], found["n_planned"], found["n_failed"]) == (8, 8, 0)
    assert found["mean"] == pytest.approx(np.mean(ERRORS))
    assert found["std"] == pytest.approx(np.std(ERRORS, ddof=1))
    assert found["median"] == pytest.approx(np.median(ERRORS))
    assert found["mean_lo"] < found["mean"] < found["mean_hi"]
    assert row(table, "random", "valid_error")["mean"] == pytest.approx(np.mean(ERRORS) - 0.1)


def test_failed_and_missing_runs_are_counted(suite):
    """A failed run is in n and leaves no mean; a missing one is in n_planned alone."""
    table = statistics_table(planted(suite, {"random": [None, "", *ERRORS[2:]]}))
    found = row(table, "random")
    assert (found["n"], found["n_planned"], found["n_failed"]) == (7, 8, 1)
    assert math.isnan(found["mean"])
    assert found["median"] == pytest.approx(np.median([math.inf, *ERRORS[2:]]))


def test_an_algorithm_without_any_run_has_rows(suite):
    """Nothing begun: n = 0 and empty cells."""
    table = statistics_table(planted(suite, {"random": ERRORS, "local": [""] * 8}))
    found = row(table, "local")
    assert (found["n"], found["n_planned"]) == (0, 8)
    assert math.isnan(found["median"])


def test_one_repetition_has_no_interval(suite):
    """A single run is told without spread."""
    suite.set(repetitions=1)
    suite.run([(0.2, 0.3, 1.0)])
    found = row(statistics_table(load(suite.folder)), "random")
    assert (found["n"], found["mean"]) == (1, 0.3)
    assert np.isnan([found["std"], found["mean_lo"], found["median_hi"]]).all()


def test_a_competitor_changes_no_bit(plant):
    """Adding an algorithm leaves the rows of the others as they were, whatever it has finished."""
    alone = statistics_table(planted(plant("alone"), {"random": ERRORS}))
    for name, others in {"all": ERRORS[::-1], "some": [*ERRORS[:7], ""], "failed": [None, *ERRORS[1:]]}.items():
        table = statistics_table(planted(plant(name), {"random": ERRORS, "local": others}))
        pd.testing.assert_frame_equal(table[table["algorithm"] == "random"], alone, check_exact=True)
