"""Every table of a suite against its definition, computed once more from the ledgers alone."""

from __future__ import annotations

import math
from bisect import bisect_right

import pytest

from analysis.loading.results import load
from analysis.study import Study
from tests.analysis.oracle import finals, over_time, recheck, records, steps
from tests.analysis.oracle.comparison import assert_same_rows
from tests.analysis.oracle.generated import Kind, write, write_recheck
from tests.analysis.oracle.reading import read

TABLES = {
    "trials": records.trials, "runs": records.runs, "trajectory": steps.trajectory, "summary": records.summary,
    "algorithms": records.algorithms, "totals": records.totals, "failures": records.failures,
    "curves": records.curves, "timeline": records.timeline, "scores": finals.scores,
    "statistics": finals.statistics, "ranks": finals.mean_ranks, "targets": over_time.targets,
    "speedups": over_time.speedups, "recheck": recheck.recheck, "noise": recheck.noise,
    "optimism": recheck.optimism,
}  # fmt: skip
"""What follows from the ledgers row by row; pairs, bands, differences and claims are compared by themselves."""

NOISE = {"test_error": "test_sd", "valid_error": "valid_sd"}
MIXED = ("done",) * 5 + ("failed", "partial", None)


def grid(*numbers):
    """Draws one of a few errors, so that many are tied."""
    return lambda rng: rng.choice(numbers)


def wide(rng):
    """An error of any size, to the ends of the doubles."""
    return rng.choice([1e-300, 1e-5, 0.3, 1e12, 1e307]) * rng.uniform(1, 9)


KINDS = {
    "ties": Kind(errors=grid(0.1, 0.25, 0.5), states=MIXED, crashed=0.2, repetitions=4),
    "one repetition": Kind(repetitions=1, budget={"runtime": 1.5}),
    "epochs": Kind(budget={"epochs": 7}, states=MIXED, clock="modelled", algorithms=3, endpoint="valid_error"),
    "conditional": Kind(space="conditional", objectives=2, workers=2, budget={"epochs": 9, "runtime": 1.75}),
    "crashes": Kind(crashed=0.8, states=MIXED, endpoint="score", errors=grid(0.25, 0.5, 0.75)),
    "sizes": Kind(errors=wide, repetitions=4, crashed=0.1),
    "intervals": Kind(repetitions=7, evaluations=4, errors=grid(0.125, 0.25, 0.5), crashed=0.3, algorithms=2),
}

LARGE = {
    "decimals": Kind(repetitions=12, algorithms=3, states=MIXED, crashed=0.1),
    "failing": Kind(repetitions=14, evaluations=5, states=("done", "failed"), crashed=0.3, endpoint="valid_error"),
    "untied": Kind(repetitions=15, errors=lambda rng: rng.random(), evaluations=5),
    "scores": Kind(repetitions=9, endpoint="score", errors=grid(0.125, 0.25, 0.375, 0.5), budget={"runtime": 2.0}),
    "outliers": Kind(
        repetitions=9, errors=lambda rng: rng.choice([0.1, 0.2, 0.3, 1e40]) * rng.uniform(1, 9), crashed=0.1
    ),
    "great": Kind(repetitions=9, errors=lambda rng: -1e307 * rng.uniform(1, 17)),
    "small": Kind(repetitions=9, diverged=0.0, errors=lambda rng: 1e-300 * rng.randint(1, 9)),
    "signs": Kind(repetitions=8, errors=lambda rng: rng.uniform(-1, 1), states=MIXED),
    "seven": Kind(repetitions=6, algorithms=7, evaluations=3, states=MIXED),
    "workers": Kind(
        repetitions=8, workers=3, objectives=2, space="conditional", budget={"epochs": 9}, clock="modelled"
    ),
}


def assert_every_table(suite, planted_evaluation, planted_ledger, kind, seed):
    """Write a suite of a kind, and compare all of its tables."""
    write(suite, planted_evaluation, kind, seed)
    write_recheck(suite.folder, planted_evaluation, planted_ledger, seed)
    ours, theirs = Study(load(suite.folder), suite.folder).tables, read(suite.folder)
    assert {*TABLES, "pairwise", "bands", "differences", "claims", "importance"} == set(ours)
    for name, make in TABLES.items():
        assert_same_rows(ours[name], make(theirs), told=f"{name}, seed {seed}")
    size = max(ours["trials"][["valid_error", "test_error"]].replace(math.inf, 0.0).abs().max().max(), 0.0)
    column = NOISE.get(theirs.endpoint)
    noise = {row["objective"]: row[column] for row in recheck.noise(theirs) if column and row[column] is not None}
    assert_same_rows(ours["pairwise"], finals.pairs(theirs, noise), told=f"pairwise, seed {seed}", size=size)
    assert_same_steps(ours["bands"], over_time.bands(theirs), f"bands, seed {seed}", 0.0)
    assert_same_steps(ours["differences"], over_time.differences(theirs), f"differences, seed {seed}", size)
    assert_same_claims(ours["differences"], ours["claims"])


def assert_same_steps(frame, wanted, told, size):
    """At every event the table's last row up to it holds what is defined there, and its rows are at events."""
    groups = 0
    for names, times, rows in wanted:
        mine = frame[(frame[list(names)] == list(names.values())).all(axis=1)]
        groups += len(mine)
        t = mine["t"].tolist()
        assert t == sorted(set(t))
        assert set(t) <= set(map(float, times)), told
        assert [*t[:1], *t[-1:]] == [float(time) for time in [*times[:1], *times[-1:]]], (told, names)
        places = [bisect_right(t, float(time)) - 1 for time in times]
        held = [{**names, "t": t[place], **rows[time]} for place, time in zip(places, times, strict=True)]
        assert_same_rows(mine.iloc[places], held, told=told, digits=4, size=size)
    assert groups == len(frame)


def assert_same_claims(differences, claims):
    """The stretches are those over which the bands of the table of differences exclude 0."""
    keys = ["objective", "axis", "error", "a", "b"]
    wanted = [
        {**dict(zip(keys, names, strict=True)), "better": names["ab".index(better) + 3], "start": start, "end": end}
        for names, rows in differences.groupby(keys, sort=False)
        for better, start, end in over_time.claims(rows.to_dict("records"))
    ]  # fmt: skip
    assert_same_rows(claims, wanted, told="claims")


@pytest.mark.parametrize("name", KINDS)
def test_every_table_is_that_of_its_definition(suite, planted_evaluation, planted_ledger, name):
    """Small suites with ties, failures, unequal ends, one repetition, conditions, parallel workers and odd sizes."""
    assert_every_table(suite, planted_evaluation, planted_ledger, KINDS[name], seed=1)


@pytest.mark.slow
@pytest.mark.parametrize("name", LARGE)
def test_every_table_of_larger_suites(suite, planted_evaluation, planted_ledger, name):
    """With intervals, bands and tests on more repetitions."""
    assert_every_table(suite, planted_evaluation, planted_ledger, LARGE[name], seed=2)
