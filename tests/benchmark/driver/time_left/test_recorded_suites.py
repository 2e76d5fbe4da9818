"""The time left of suites that were really executed, from what their workers recorded and when.

The files beside this one are of two workers. A second in them is half of the processor seconds that all processes of
the suite had taken, which is what a clock shows where nothing else runs.
"""

import csv
import gzip
import math
from functools import cache
from pathlib import Path

import pytest

from benchmark.driver.time_left.estimate import TimeLeft
from benchmark.suite.parsing import load

WORKERS = 2
GROUPS_A_WORKER = 4
SUITES = {"digits": ("digits", [])}
PRICES = {"softmax": 1.8, "lenet": 2.6, "dropout_mlp": 1.6}
"""Charged seconds of a run, by forecast."""


def events(name):
    """Seconds, the run's number, its record and whether it has ended, in order."""
    spent = {}
    with gzip.open(Path(__file__).with_name(f"{name}.csv.gz"), "rt") as file:
        for row in csv.DictReader(file):
            seconds, run, record = float(row["seconds"]), int(row["run"]), {"kind": row["event"]}
            if row["event"] == "evaluation":
                start = spent.get(run, 0.0)
                spent[run] = start + float(row["charged"])
                record |= {"trial": int(row["trial"]), "start": start, "end": spent[run]}
                record |= {"start_epoch": 0, "epochs": int(row["epochs"])}
                record |= {"decide_seconds": float(row["decide"]), "paid_seconds": float(row["paid"])}
            yield seconds, run, record


@cache
def estimates(name):
    """The share of the work done, the seconds truly left and the estimate, about every two seconds."""
    return list(_estimates(name))


def _estimates(name):
    suite = load(SUITES[name][0], SUITES[name][1])
    runs, groups, left = list(suite.runs()), {}, TimeLeft()
    size = math.ceil(suite.repetitions / (WORKERS * GROUPS_A_WORKER))
    for run in runs:
        groups.setdefault((run.objective.label, run.repetition // size), []).append(run)
    charges = {(run.objective.label, run.algorithm.label): PRICES[run.objective.label] for run in runs}
    left.expect(runs, {}, charges, {})
    left.give_out(list(groups.values()), WORKERS)
    recorded = list(events(name))
    end, due = recorded[-1][0], 0.0
    for seconds, number, record in recorded:
        if record["kind"] == "end":
            left.end(runs[number], seconds)
        else:
            left.add(runs[number], [record], seconds)
        if seconds >= due:
            due = seconds + 2.0
            yield left.work().share, end - seconds, left.seconds(seconds)


@pytest.mark.parametrize("name", SUITES)
def test_after_a_tenth_of_the_work_the_estimate_is_within_a_quarter(name):
    """From there to the end, but for the last seconds; before it there is either none or a wide one."""
    known = [(true, estimate) for share, true, estimate in estimates(name) if share >= 0.1 and true > 10]
    assert len(known) > 20
    assert all(estimate is not None for _, estimate in known)
    assert [(true, estimate) for true, estimate in known if not 0.75 < sum(estimate) / 2 / true < 1.25] == []


@pytest.mark.parametrize("name", SUITES)
def test_nine_in_ten_ranges_hold_what_came(name):
    """Whenever there is one."""
    known = [(true, estimate) for _, true, estimate in estimates(name) if estimate is not None]
    assert sum(low <= true <= high for true, (low, high) in known) > 0.9 * len(known)
