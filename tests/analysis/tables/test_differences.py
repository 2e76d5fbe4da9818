"""The tables of differences and claims from planted ledgers."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
import pytest

from analysis.loading.results import load
from analysis.tables.differences import CLAIMS, DIFFERENCES, claims_table, compared, differences_table, pairs

REPETITIONS = 8


@pytest.fixture
def two(suite):
    """Random search, and an algorithm that is worse until 4 and better from then on."""
    return fill(suite, ["other"])


def fill(suite, others, repetitions=REPETITIONS):
    """Runs of random search and of others, with noise that the repetitions share."""
    suite.set(repetitions=repetitions)
    for label in others:
        suite.algorithm(label)
    for repetition in range(repetitions):
        noise = 0.01 * repetition
        suite.run([(0.5 + noise, 0.5 + noise, 1.0), (0.4 + noise, 0.4 + noise, 5.0)], repetition)
        for place, label in enumerate(others):
            own = 0.001 * ((3 * repetition + place) % 5)
            found = [(0.6 + noise + own, 0.7 + noise + own, 2.0), (0.3 + noise + own, 0.35 + noise + own, 4.0)]
            suite.run(found, repetition, algorithm=label)
    return suite


def tables(suite):
    """Both tables of a suite."""
    found = compared(load(suite.folder))
    return differences_table(found), claims_table(found)


def test_means_claims_and_their_signs(two):
    """The other minus random search, the control: positive at first, negative from 4 on; each is claimed."""
    differences, claims = tables(two)
    assert tuple(differences.columns) == DIFFERENCES
    assert tuple(claims.columns) == CLAIMS
    valid = differences[(differences["axis"] == "runtime") & (differences["error"] == "valid")]
    assert valid["t"].tolist() == [2.0, 4.0]
    own = np.mean([0.001 * (3 * repetition % 5) for repetition in range(REPETITIONS)])
    np.testing.assert_allclose(valid["mean"], [0.1 + own, -0.2 + own])
    assert set(valid["n"]) == set(valid["n_pairs"]) == {REPETITIONS}
    assert {*differences["a"]} == {"other"}
    assert {*differences["b"]} == {"random"}
    runtime = claims[(claims["axis"] == "runtime") & (claims["error"] == "test")]
    assert runtime[["better", "start", "end"]].values.tolist() == [["random", 2.0, 4.0], ["other", 4.0, 4.0]]


def test_the_axes_are_the_results_own(two):
    """By trials and by epochs the same runs meet at other times."""
    differences, _ = tables(two)
    times = {axis: set(rows["t"]) for axis, rows in differences.groupby("axis")}
    assert times == {"runtime": {2.0, 4.0}, "trials": {1.0, 2.0}, "epochs": {2.0, 4.0}}


def test_pairs_are_all_or_those_with_the_control(suite):
    """Six algorithms make 15 pairs, seven make 6; the control is second in each of its own."""
    for number in range(5):
        suite.algorithm(f"other-{number}")
    suite.run([(0.5, 0.5, 1.0)])
    suite.set(control="other-2")
    six = pairs(load(suite.folder).plan)
    assert len(six) == 15
    suite.algorithm("seventh")
    seven = pairs(load(suite.folder).plan)
    assert seven == [*[pair for pair in six if "other-2" in pair], ("seventh", "other-2")]
    assert all(b == "other-2" for _, b in seven)


def test_another_competitor_leaves_every_row(plant):
    """The rows of a pair are the same to the bit with a third algorithm in the suite."""
    small, _ = tables(fill(plant("small"), ["other"]))
    large, _ = tables(fill(plant("large"), ["other", "third"]))
    assert len(large) > len(small)
    kept = large[(large["a"] == "other") & (large["b"] == "random")].reset_index(drop=True)
    pd.testing.assert_frame_equal(small, kept, check_exact=True)


def test_only_repetitions_of_both_count_and_failed_ones_do(two):
    """A missing and a partial run leave the pairs; a failed one stays, and ends the mean."""
    folder = two.folder / "runs" / "bowl"
    (folder / "other" / "000.jsonl").unlink()
    (folder / "random" / "001.jsonl").unlink()
    two.run([(0.5, 0.5, 1.0)], 1, state="partial")
    (folder / "other" / "002.jsonl").unlink()
    two.run([(0.6, 0.6, 2.0)], 2, algorithm="other", state="failed")
    differences, _ = tables(two)
    rows = differences[(differences["axis"] == "runtime") & (differences["error"] == "valid")]
    assert rows["n_pairs"].tolist() == [REPETITIONS - 2] * 2
    assert rows["n"].tolist() == [REPETITIONS - 2, REPETITIONS - 3]
    assert rows["mean"].notna().tolist() == [True, False]


def test_shifting_all_errors_changes_no_difference(plant):
    """What both have in common cancels."""
    shifted = plant("shifted")
    fill(shifted, ["other"])
    for path in shifted.folder.glob("runs/*/*/*.jsonl"):
        path.unlink()
    for repetition in range(REPETITIONS):
        noise = 0.01 * repetition + 0.125
        shifted.run([(0.5 + noise, 0.5 + noise, 1.0), (0.4 + noise, 0.4 + noise, 5.0)], repetition)
        own = 0.001 * (3 * repetition % 5)
        found = [(0.6 + noise + own, 0.7 + noise + own, 2.0), (0.3 + noise + own, 0.35 + noise + own, 4.0)]
        shifted.run(found, repetition, algorithm="other")
    (before, before_claims), (after, after_claims) = tables(fill(plant("plain"), ["other"])), tables(shifted)
    np.testing.assert_allclose(after[["mean", "lo", "hi"]], before[["mean", "lo", "hi"]], atol=1e-6)
    pd.testing.assert_frame_equal(after_claims, before_claims)


def test_a_suite_of_one_algorithm_has_empty_tables(suite):
    """Nobody to compare with: columns and no rows."""
    suite.run([(0.5, 0.5, 1.0)])
    differences, claims = tables(suite)
    assert (len(differences), tuple(differences.columns)) == (0, DIFFERENCES)
    assert (len(claims), tuple(claims.columns)) == (0, CLAIMS)


def test_a_pair_without_common_runs_has_no_row(suite):
    """An algorithm that has not run yet is there in the plan alone."""
    suite.algorithm("other")
    suite.run([(0.5, 0.5, 1.0)])
    differences, claims = tables(suite)
    assert (len(differences), len(claims)) == (0, 0)
    assert tuple(differences.columns) == DIFFERENCES


def test_few_repetitions_have_a_mean_without_band(plant):
    """With three pairs the band is empty and nothing is claimed."""
    differences, claims = tables(fill(plant("three"), ["other"], repetitions=3))
    assert differences["mean"].notna().all()
    assert differences["lo"].isna().all()
    assert not len(claims)
    assert math.isclose(differences["mean"].iloc[0], 0.1 + 0.001 * (0 + 3 + 1) / 3)
