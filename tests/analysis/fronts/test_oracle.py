"""The tables of fronts against their definitions, computed once more from the ledgers alone."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.analysis.fronts.suites import declare, measured, study, write_random
from tests.analysis.oracle import fronts
from tests.analysis.oracle.comparison import assert_same_rows
from tests.analysis.oracle.reading import read


def assert_every_table(suite):
    """Trajectories, members and violations of a suite."""
    ours, theirs = study(suite).tables, read(suite.folder)
    assert_same_rows(ours["hypervolume_trajectory"], fronts.trajectory(theirs), told="hypervolume_trajectory")
    columns = ["objective", "algorithm", "repetition", "index"]
    assert list(ours["front"][columns].itertuples(index=False, name=None)) == list(fronts.members(theirs))
    if "violation" in ours["trials"]:
        assert ours["trials"]["violation"].tolist() == [float(value) for value in fronts.violations(theirs)]


@pytest.mark.parametrize("goals", [("min", "max", "min"), pytest.param(("max", "min", "max"), marks=pytest.mark.slow)])
def test_two_metrics_and_a_constraint(suite, goals):
    """With crashes, duplicates, points beyond the reference, and a run that failed."""
    write_random(suite, seed=5, repetitions=3, trials=6, goals=goals)
    assert_every_table(suite)


def odd_suite(suite, *, scale, seed, repetitions=3):
    """Three metrics, one of which has no test values; values of any size, some not measured, on three workers."""
    metrics = [
        {"name": "loss", "goal": "min", "unit": "", "best": None, "chance": 3.0 * scale, "reference": None},
        {"name": "gain", "goal": "max", "unit": "dB", "best": 4.0, "chance": None, "reference": -1.0},
        {"name": "parameters", "goal": "min", "unit": "", "best": 0.0, "chance": None, "reference": 1e6},
        {"name": "noted", "goal": "min", "unit": "", "best": None, "chance": None, "reference": None},
    ]
    if seed % 2:
        metrics[0]["best"] = -1.0 * scale
    declare(suite, metrics, repetitions=repetitions, budget={"runtime": 3.0})
    for repetition in range(repetitions):
        rng, records, free = np.random.default_rng([seed, repetition]), [], [0.0] * 3
        for index in range(9):
            worker = int(np.argmin(free))
            free[worker] += float(rng.integers(0, 4)) / 2
            valid = [scale * rng.normal(1, 2), rng.normal(1, 2), float(rng.integers(1, 20)) * 1e5, None]
            test = [value + 0.25 for value in valid[:2]]
            if rng.random() < 0.2:
                valid[1] = None
            record = measured(index, metrics, valid, free[worker], [*test, None, None])
            del record["test_metrics"]["parameters"]
            records.append(record)
        suite.run(records, repetition)


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "seed"), [(1.0, 1), (1e-12, 2), (1e12, 3)])
def test_three_metrics_of_any_size(suite, scale, seed):
    """With a budget in seconds, beyond which nothing counts, and a best value that is surpassed, or none."""
    odd_suite(suite, scale=scale, seed=seed)
    assert_every_table(suite)


def test_a_trial_that_diverged_is_worth_what_its_ledger_says(suite):
    """The chance values of all metrics; here they are beyond one reference, and add nothing."""
    metrics = [
        {"name": "error", "goal": "min", "unit": "", "best": 0.0, "chance": 1.0, "reference": None},
        {"name": "seconds", "goal": "min", "unit": "s", "best": 0.0, "chance": 2.0, "reference": 2.0},
    ]
    declare(suite, metrics, repetitions=1)
    suite.run([
        measured(0, metrics, [1.0, 2.0], 1.0, [1.0, 2.0], state="diverged"),
        measured(1, metrics, [0.5, 1.0], 2.0, [0.75, 1.0]),
    ])  # fmt: skip
    assert_every_table(suite)
    table = study(suite).tables["hypervolume_trajectory"]
    assert table[table["axis"] == "trials"]["valid_mean"].tolist() == [0.0, 0.25]
    assert table[table["axis"] == "trials"]["test_mean"].tolist() == [0.0, 0.125]
    assert math.isnan(table["valid_std"].iloc[0])
