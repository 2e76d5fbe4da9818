"""What does not change the tables of fronts and constraints: further competitors, the order of rows, and directions."""

from __future__ import annotations

import pandas as pd
import pytest

from analysis.tables.hypervolume import HYPERVOLUME
from tests.analysis.fronts.suites import study, write_random

NEW = [
    "front", "indicators", "attainment", "feasibility", "feasibility_runs", "feasibility_summary",
    *(f"hypervolume_{name}" for name in HYPERVOLUME),
]  # fmt: skip
QUICK = ["front", "attainment", "feasibility", "feasibility_runs", "hypervolume_runs", "hypervolume_trajectory"]
OF_ALL = {"hypervolume_ranks": ("n", "mean_rank", "lo", "hi"), "hypervolume_pairwise": ("p_holm", "verdict")}
"""Columns that depend on who takes part: ranks, and what Holm's correction says."""
EITHER = pytest.mark.parametrize("names", [QUICK, pytest.param(NEW, marks=pytest.mark.slow)], ids=["quick", "all"])
PLAIN = ("min", "min", "max")


def tables(suite, names, **changes):
    """Some tables of a random suite."""
    write_random(suite, repetitions=2 if names is QUICK else 6, **changes)
    made = study(suite)
    frames = {name: made.tables[name] for name in names}
    assert all(len(frame) for name, frame in frames.items() if name != "hypervolume_claims")
    return frames


def without(frame, label):
    """The rows that are not about an algorithm."""
    others = [frame[column] != label for column in ("algorithm", "a", "b") if column in frame]
    return frame[pd.concat(others, axis=1).all(axis=1)].reset_index(drop=True)


def turned(frame, metric):
    """A table with the other sign of a metric's values."""
    frame = frame.copy()
    for column in {f"valid:{metric}", f"test:{metric}"} & set(frame):
        frame[column] = 0.0 - frame[column]
    for axis in {"x", "y"} & set(frame):
        column = f"{axis}_value"
        frame[column] = frame[column].mask(frame[axis] == metric, 0.0 - frame[column])
    return frame


@EITHER
def test_a_further_competitor_changes_nothing_of_the_others(plant, names):
    """Not even one with the best and the worst values of all; but for ranks and Holm's p, which are of all."""
    two = tables(plant("two"), names, seed=1, algorithms=2)
    three = tables(plant("three"), names, seed=1, algorithms=3)
    for name in names:
        dropped = list(OF_ALL.get(name, ()))
        ours, theirs = two[name].drop(columns=dropped), without(three[name], "algorithm2").drop(columns=dropped)
        pd.testing.assert_frame_equal(ours, theirs, check_exact=True, obj=name)


@pytest.mark.slow
@EITHER
def test_the_order_of_records_changes_nothing(plant, names):
    """Ledgers of parallel workers are in no order of completion."""
    ordered = tables(plant("ordered"), names, seed=3)
    shuffled = tables(plant("shuffled"), names, seed=3, shuffle=True)
    for name in names:
        pd.testing.assert_frame_equal(ordered[name], shuffled[name], check_exact=True, obj=name)


@pytest.mark.parametrize(
    ("names", "goals"),
    [
        pytest.param(QUICK, ("max", "max", "min"), marks=pytest.mark.slow),
        pytest.param(NEW, ("max", "min", "max"), marks=pytest.mark.slow),
        pytest.param(QUICK, ("min", "max", "max"), marks=pytest.mark.slow),
    ],
    ids=["quick", "all", "other"],
)
def test_a_direction_that_is_flipped_with_the_sign_flips_the_sign_alone(plant, goals, names):
    """Of a metric's own values; hypervolumes, distances, times, ranks and counts stay to the last digit."""
    plain = tables(plant("plain"), names, goals=PLAIN)
    flipped = tables(plant("flipped"), names, goals=goals)
    for name in names:
        frame = flipped[name]
        for metric, goal, other in zip(("first", "second", "third"), PLAIN, goals, strict=True):
            frame = frame if goal == other else turned(frame, metric)
        pd.testing.assert_frame_equal(plain[name], frame, check_exact=True, obj=name)
