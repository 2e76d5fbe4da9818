"""The table of bands from planted ledgers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from analysis.loading.results import load
from analysis.tables.bands import BANDS, bands_table
from analysis.tables.basic import trajectory_table


@pytest.fixture
def cell(suite):
    """Two algorithms; random search has a done run of steps, one that fails, a partial and a done one."""
    suite.set(repetitions=4)
    suite.run([(0.5, 0.3, 1.0), (0.6, 0.1, 2.0), (0.2, 0.4, 4.0)], 0)
    suite.run([(0.4, 0.6, 1.5), (0.3, 0.5, 3.0)], 1, state="failed")
    suite.run([(0.1, 0.1, 0.5)], 2, state="partial")
    suite.run([(0.7, 0.7, 2.5), (0.1, 0.2, 3.5)], 3)
    return suite


def of(table, axis, error, algorithm="random"):
    """The rows of a cell, axis and error."""
    return table[(table["algorithm"] == algorithm) & (table["axis"] == axis) & (table["error"] == error)]


def test_rows_say_what_the_trajectory_says(cell):
    """At every time of the table n, mean and std are the trajectory's; no time of a change is left out."""
    results = load(cell.folder)
    table, trajectory = bands_table(results), trajectory_table(results)
    assert tuple(table.columns) == BANDS
    for axis in ("runtime", "trials", "epochs"):
        for error in ("valid", "test"):
            rows = of(table, axis, error)
            means = trajectory[trajectory["axis"] == axis].set_index("t")
            aligned = means.loc[rows["t"]]
            np.testing.assert_array_equal(rows["n"], aligned["n_defined"])
            np.testing.assert_array_equal(rows["mean"], aligned[f"{error}_mean"])
            np.testing.assert_array_equal(rows["std"], aligned[f"{error}_std"])
            assert set(rows["n_runs"]) == {3}
            drawn = rows.set_index("t")["mean"].fillna(-1).reindex(means.index).ffill()
            np.testing.assert_array_equal(drawn, means[f"{error}_mean"].fillna(-1))


def test_quantiles_of_a_known_column(cell):
    """At 2.5 the three runs are at 0.5, 0.4 and 0.7."""
    row = of(bands_table(load(cell.folder)), "runtime", "valid").set_index("t").loc[2.5]
    quantiles = np.quantile([0.5, 0.4, 0.7], [0.1, 0.25, 0.5, 0.75, 0.9])
    np.testing.assert_allclose(row[["q10", "q25", "q50", "q75", "q90"]].astype(float), quantiles)
    assert row["iqm"] == pytest.approx(1.6 / 3)
    assert row["hi"] - row["mean"] == pytest.approx(row["mean"] - row["lo"])


def test_a_failed_run_ends_the_band_and_not_the_count(cell):
    """After 3.0 two of three runs are left: n says so, and nothing else is given."""
    late = of(bands_table(load(cell.folder)), "runtime", "test").set_index("t").loc[3.5:]
    assert set(late["n"]) == {2}
    assert late[["mean", "q50", "lo", "hi"]].isna().all(axis=None)


def test_another_competitor_leaves_every_row(cell):
    """The rows of a cell are the same to the bit with another algorithm in the suite."""
    before = bands_table(load(cell.folder))
    cell.algorithm("other")
    cell.run([(0.3, 0.3, 0.25)], 0, algorithm="other")
    after = bands_table(load(cell.folder))
    assert len(of(after, "runtime", "valid", "other")) == 1
    kept = after[after["algorithm"] == "random"].reset_index(drop=True)
    pd.testing.assert_frame_equal(before, kept, check_exact=True)


def test_a_long_cell_is_thinned(suite):
    """1500 improvements make 402 rows or fewer, the first and the last among them."""
    suite.set(repetitions=1, budget={"trials": 1500})
    suite.run([(1.0 / (number + 1), 0.5, number + 1.0) for number in range(1500)])
    rows = of(bands_table(load(suite.folder)), "trials", "valid")
    assert len(rows) <= 402
    assert (rows["t"].iloc[0], rows["t"].iloc[-1]) == (1.0, 1500.0)
    assert rows["mean"].tolist() == [1.0 / t for t in rows["t"]]


def test_a_cell_without_runs_has_no_row(cell):
    """What has not run yet is in the plan alone."""
    cell.algorithm("later")
    assert not len(of(bands_table(load(cell.folder)), "runtime", "valid", "later"))
