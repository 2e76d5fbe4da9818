"""The tables of times to target from planted ledgers."""

from __future__ import annotations

import math
import re

import numpy as np
import pandas as pd
import pytest

from analysis.loading.results import load
from analysis.statistics.anytime import mean_and_std
from analysis.tables.targets import (
    SPEEDUPS,
    TARGETS,
    rounded_once,
    speedups_table,
    targets_of,
    targets_table,
)
from benchmark.errors import BadInput


@pytest.fixture
def two(suite):
    """Two repetitions of random search, whose mean falls from 0.6 to 0.5 to 0.3, and an algorithm twice as fast."""
    suite.set(budget={"runtime": 8.0})
    suite.algorithm("fast")
    for repetition, own in enumerate((-0.1, 0.1)):
        errors = [0.6 + own, 0.5 + own, 0.3 + own]
        events = [(error, error + 0.05, t) for error, t in zip(errors, (2.0, 4.0, 8.0), strict=True)]
        suite.run(events, repetition)
        suite.run([(valid, test, t / 2) for valid, test, t in events], repetition, algorithm="fast")
    return suite


def test_targets_are_what_the_control_reaches(two):
    """At 25, 50, 75 and 100 % of 8 seconds the control's mean is 0.6, 0.5, 0.5 and 0.3; by test 0.05 more."""
    two.set(targets={"bowl": [0.25]})
    targets = targets_of(load(two.folder), "bowl")
    assert [target.source for target in targets["valid"]] == [
        "random at 25%", "random at 50%", "random at 75%", "random at 100%", "suite",
    ]  # fmt: skip
    np.testing.assert_allclose([target.value for target in targets["valid"]], [0.6, 0.5, 0.5, 0.3, 0.25])
    np.testing.assert_allclose([target.value for target in targets["test"]], [0.65, 0.55, 0.55, 0.35, 0.25])


@pytest.mark.parametrize("rows", [7, 300, 360, 10_000])
def test_a_mean_of_counts_is_one_where_it_is(rows):
    """A target that is an attainable error is that very double, so that runs with this error have reached it."""
    rng = np.random.default_rng(rows)
    for _ in range(200):
        counts = rng.integers(0, rows + 1, rng.integers(1, 51))
        counts[0] += -counts.sum() % len(counts)
        mean = float(mean_and_std(counts[:, np.newaxis] / rows)[0][0])
        assert rounded_once(mean, [math.inf]) == counts.sum() // len(counts) / rows


@pytest.mark.parametrize("mean", [0.0, math.pi / 10, -1e-300 / 3, 1.7e308, 0.123456789012345])
def test_a_mean_of_other_errors_stays(mean):
    """What is no ratio of small whole numbers is left alone to the last digits."""
    assert rounded_once(mean, [mean + 1.0]) == pytest.approx(mean, rel=1e-13, abs=0)
    assert rounded_once(mean, [mean / 2, math.nextafter(mean, 1.0)]) == math.nextafter(mean, 1.0) or mean == 0


def test_times_to_a_target(two):
    """0.5 is reached by one run at 2 (0.5, its first error) and by the other at 8; all that is spent counts."""
    table = targets_table(load(two.folder))
    assert tuple(table.columns) == TARGETS
    rows = table[(table["axis"] == "runtime") & (table["error"] == "valid") & (table["source"] == "random at 100%")]
    rows = rows.set_index("algorithm")
    assert rows.loc["random", ["n", "n_success"]].tolist() == [2, 1]
    assert rows["ert"].tolist() == [16.0, 8.0]
    assert rows["par10"].tolist() == [(8 + 80) / 2, (4 + 40) / 2]
    assert set(table["axis"]) == {"runtime", "trials", "epochs"}


def test_an_own_target_out_of_reach(two):
    """Nobody reaches it: no success, inf, and no speed-up either way."""
    two.set(targets={"bowl": [0.01]})
    results = load(two.folder)
    rows = targets_table(results).query("source == 'suite'")
    assert set(rows["n_success"]) == {0}
    assert np.isinf(rows["ert"]).all()
    speed = speedups_table(results).query("source == 'suite'")
    assert len(speed) == 6
    assert speed[["ratio", "lo", "hi"]].isna().all(axis=None)


def test_speed_ups_are_over_the_control(two):
    """Twice as fast in seconds, as fast in trials."""
    table = speedups_table(load(two.folder))
    assert tuple(table.columns) == SPEEDUPS
    assert {*zip(table["a"], table["b"], strict=True)} == {("fast", "random")}
    np.testing.assert_allclose(table[table["axis"] == "runtime"]["ratio"], 2.0)
    np.testing.assert_allclose(table[table["axis"] == "trials"]["ratio"], 1.0)
    assert set(table["n"]) == {2}
    assert table["lo"].isna().all()  # two repetitions


def test_another_competitor_leaves_every_row(two):
    """Targets come from the control, so the rows of the others stay, to the bit."""
    before = [make(load(two.folder)) for make in (targets_table, speedups_table)]
    two.algorithm("third")
    for repetition in range(2):
        two.run([(0.01, 0.01, 0.5)], repetition, algorithm="third")
    after = [make(load(two.folder)) for make in (targets_table, speedups_table)]
    for name, old, new in zip(("algorithm", "a"), before, after, strict=True):
        kept = new[new[name] != "third"].reset_index(drop=True)
        assert len(kept) < len(new)
        pd.testing.assert_frame_equal(old, kept, check_exact=True)


def test_a_failed_run_of_the_control_leaves_the_targets_it_defines(two):
    """The control's mean ends with its failed run; later targets do not exist, and its runs still count."""
    (two.folder / "runs" / "bowl" / "random" / "001.jsonl").unlink()
    two.run([(0.7, 0.7, 2.0), (0.6, 0.6, 4.0)], 1, state="failed")
    table = targets_table(load(two.folder))
    assert set(table["source"]) == {"random at 25%", "random at 50%"}
    assert set(table["n"]) == {2}


def test_a_control_that_has_not_run_leaves_the_suites_own(suite):
    """Without the control there is nothing to read targets from."""
    suite.algorithm("other")
    suite.run([(0.5, 0.5, 1.0)], algorithm="other")
    results = load(suite.folder)
    assert not len(targets_table(results))
    suite.set(targets={"bowl": [0.5]})
    results = load(suite.folder)
    rows = targets_table(results).query("axis == 'runtime' and error == 'valid'")
    assert rows[["algorithm", "n", "n_success"]].values.tolist() == [["random", 0, 0], ["other", 1, 1]]
    assert math.isnan(rows["ert"].iloc[0])
    assert math.isnan(speedups_table(results)["ratio"].iloc[0])


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ([0.1], "targets = [0.1]: need a table of lists of errors by objective"),
        ({"bowls": [0.1]}, "targets.bowls: no such objective"),
        ({"bowl": 0.1}, "targets.bowl = 0.1: need a list of finite errors"),
        ({"bowl": [True]}, "targets.bowl = [True]: need a list of finite errors"),
        ({"bowl": ["0.1"]}, "targets.bowl = ['0.1']: need a list of finite errors"),
    ],
    ids=str,
)
def test_targets_that_are_none_are_refused(suite, targets, message):
    """A plan that somebody has edited."""
    suite.set(targets=targets)
    with pytest.raises(BadInput, match=re.escape(message)):
        load(suite.folder)
