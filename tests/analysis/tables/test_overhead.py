"""Overhead: sums of measured and charged seconds by cell."""

import math

import pytest

from analysis.loading.results import load
from analysis.study import Study
from analysis.tables.overhead import OVERHEAD, overhead_table


def test_sums_and_share(suite, planted_evaluation):
    """Seconds are summed over all repetitions; the share is deciding in deciding and training."""
    for repetition in (0, 1):
        suite.run([planted_evaluation(0, 0.5, 0.5, 3.0, start=1.0, paid_seconds=0.0)], repetition)
    [row] = overhead_table(load(suite.folder)).to_dict("records")
    assert tuple(row) == OVERHEAD
    assert (row["n"], row["decide_seconds"], row["train_seconds"]) == (2, 0.5, 1.0)
    assert (row["paid_seconds"], row["charged_seconds"]) == (0.0, 4.0)
    assert row["share"] == pytest.approx(1 / 3)


def test_a_cell_without_evaluations_has_no_share(suite):
    """Without any second there is no share, but there is a row."""
    suite.algorithm("local")
    suite.run([(0.5, 0.5, 1.0)])
    table = overhead_table(load(suite.folder))
    assert table["algorithm"].tolist() == ["random", "local"]
    assert math.isnan(table["share"].iloc[1])


def test_it_is_not_among_the_files_that_repeat(suite):
    """Measured seconds are in no table that is written as CSV."""
    suite.run([(0.5, 0.5, 1.0)])
    assert "overhead" not in Study(load(suite.folder), suite.folder).tables
