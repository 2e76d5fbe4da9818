"""Six wrong rules for fronts, each of which gives another number than the right one."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.fronts.nondominated import final_front
from tests.analysis.fronts.generated import inclusion_exclusion
from tests.analysis.fronts.suites import ACCURACY, ERROR, SIZE, declare, measured, study

LIMIT = 5.0
RUNS = (
    ((0.5, 0.5, 1.0, 1.0), (0.25, 0.25, 1.0, 4.0), (0.75, 0.875, 1.0, 2.0), (0.125, 0.9375, 9.0, 3.0)),
    ((0.5, 0.25, 1.0, 1.0), (0.375, 0.75, 1.0, 4.0), (1.25, 0.5, 1.0, 2.0), (0.0, 1.0, 6.0, 3.0)),
)
"""Error, accuracy, size and end of the trials of two runs, in the order in which they were begun. The error's reference
is 1, the accuracy's 0; a size above 5 is not feasible."""
AT, RIGHT = (3.0, 4.0), (0.234375, 0.4375)
"""Times, and the mean hypervolumes there. At 3 s the runs have completed (1/2, 1/2) and (3/4, 1/8), accuracies counted
from 1: 1/4 + 1/4 * 3/8 = 11/32; and (1/2, 3/4): 1/8, for (5/4, 1/2) is beyond the reference. At 4 s (1/4, 3/4) adds
1/16 to the one, and (3/8, 1/4) makes 5/8 * 3/4 = 15/32 of the other."""


@pytest.fixture
def table(suite):
    """The table of trajectories of the hypervolume on runtime, from ledgers whose records are in the order begun."""
    declare(suite, [ERROR, ACCURACY, SIZE], [{"metric": "size", "lower": None, "upper": LIMIT}], repetitions=2)
    for repetition, run in enumerate(RUNS):
        records = [
            measured(index, [ERROR, ACCURACY, SIZE], trial[:3], trial[3], trial[:3]) for index, trial in enumerate(run)
        ]
        suite.run(records, repetition)
    frame = study(suite).tables["hypervolume_trajectory"]
    return frame[frame["axis"] == "runtime"].set_index("t")


def completed(run, t):
    """What is completed by a time and feasible, minimised: error and 1 - accuracy."""
    return np.array([[trial[0], 1.0 - trial[1]] for trial in run if trial[3] <= t and trial[2] <= LIMIT])


def mean_volume(fronts, references):
    """The mean hypervolume of the fronts of runs, each up to its reference."""
    volumes = [
        inclusion_exclusion(front, np.array(reference)) for front, reference in zip(fronts, references, strict=True)
    ]
    return sum(volumes) / len(volumes)


def right(t):
    """By definition."""
    return mean_volume([completed(run, t) for run in RUNS], [(1.0, 1.0)] * 2)


def reference_from_the_results(t):
    """The worst values of any run, which another competitor would move."""
    fronts = [completed(run, t) for run in RUNS]
    return mean_volume(fronts, [np.concatenate(fronts).max(axis=0)] * 2)


def reference_of_each_run(t):
    """The worst values of the run itself."""
    fronts = [completed(run, t) for run in RUNS]
    return mean_volume(fronts, [front.max(axis=0) for front in fronts])


def maximised_as_it_is(t):
    """Accuracies as if less of them were better, up to the same corner."""
    return mean_volume([completed(run, t) * [1, -1] + [0, 1] for run in RUNS], [(1.0, 1.0)] * 2)


def times_not_sorted(t):
    """As many trials as are completed by t, but in the order in which they were begun."""
    firsts = [run[: sum(trial[3] <= t for trial in run)] for run in RUNS]
    return mean_volume([completed(run, np.inf) for run in firsts], [(1.0, 1.0)] * 2)


def mean_of_fronts(t):
    """The hypervolume of a front whose points are the means of the runs' members, in the order of their errors."""
    fronts = [np.array(sorted(points[final_front(points)].tolist())) for points in (completed(run, t) for run in RUNS)]
    size = min(map(len, fronts))
    return mean_volume([np.mean([front[:size] for front in fronts], axis=0)], [(1.0, 1.0)])


def infeasible_counted(t):
    """All that is completed."""
    points = [np.array([[trial[0], 1.0 - trial[1]] for trial in run if trial[3] <= t]) for run in RUNS]
    return mean_volume(points, [(1.0, 1.0)] * 2)


def test_the_table_has_the_right_numbers(table):
    """Those that follow by hand, and those of the definition."""
    assert [table.loc[t, "valid_mean"] for t in AT] == list(RIGHT)
    assert [table.loc[t, "test_mean"] for t in AT] == list(RIGHT)
    assert [right(t) for t in AT] == list(RIGHT)


@pytest.mark.parametrize(
    "rule",
    [
        reference_from_the_results, reference_of_each_run, maximised_as_it_is, times_not_sorted, mean_of_fronts,
        infeasible_counted,
    ],
)  # fmt: skip
def test_a_wrong_rule_has_others(table, rule):
    """At one of the times at least, by more than any rounding."""
    assert any(abs(rule(t) - table.loc[t, "valid_mean"]) > 1e-3 for t in AT)
