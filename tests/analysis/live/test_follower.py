"""Following ledgers while they are written: what is read, what is remembered, and what the curves are."""

import json
import time

import numpy as np
import pytest

from analysis.live.curves import CellFollower
from analysis.live.follower import PATIENCE, Follower
from analysis.loading.results import load
from analysis.tables.basic import trajectory_table
from tests.analysis.conftest import ledger_bytes

ERRORS = [(0.5, 0.55, 1.0), (0.3, 0.35, 2.0), (None, None, 2.5), (0.4, 0.45, 3.0)]


@pytest.fixture
def suite(plant):
    """A planted suite of one objective, one algorithm and three repetitions."""
    suite = plant()
    suite.set(repetitions=3)
    return suite


def only_run(follower, repetition=0):
    return next(run for run in follower.runs if run.name.repetition == repetition)


def test_only_what_is_new_is_read(suite):
    """A ledger that grows line by line is read on where the last look ended, torn tails not before they are whole."""
    path = suite.run(ERRORS, state="partial")
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"")
    follower = Follower(suite.folder)
    run = only_run(follower)
    sizes = []
    for count, line in enumerate(lines):
        for piece in (line[:20], line[20:]):
            with path.open("ab") as file:
                file.write(piece)
            follower.look()
        assert run.evaluations == count
        sizes.append(run.size())
    assert sizes == list(np.cumsum([len(line) for line in lines]))
    assert [trial.record["valid_error"] for trial in follower.newest] == [0.5, 0.3, None, 0.4]
    assert run.failures == {("crashed", ""): 1}


def test_a_run_that_ends_begins_anew_or_goes_on_is_followed(suite):
    """The last records of a renamed file are noticed once; another file of the same name is read from its beginning."""
    path = suite.run(ERRORS[:2], state="partial")
    follower = Follower(suite.folder)
    follower.look()
    path.unlink()
    suite.run(ERRORS, state="done")
    follower.look()
    run = only_run(follower)
    assert (run.state, run.evaluations, len(follower.newest)) == ("done", 4, 4)

    suite.run(ERRORS, state="done").unlink()
    suite.run([(0.9, 0.9, 1.0)], state="failed")
    follower.look()
    assert (run.state, run.evaluations) == ("failed", 1)
    assert run.ended


def test_damage_is_shown_and_takes_nothing_else_down(suite):
    """A changed byte and a ledger of another run have a state and a reason, and the others go on."""
    path = suite.run(ERRORS, 0, state="partial")
    path.write_bytes(path.read_bytes().replace(b"0.55", b"0.56"))
    other = suite.run(ERRORS, 1, state="done")
    other.rename(other.with_name("002.jsonl"))
    suite.run(ERRORS, 1, state="partial")
    follower = Follower(suite.folder)
    follower.look()
    follower.look()

    assert [run.state for run in follower.runs] == ["damaged", "partial", "damaged"]
    assert "damaged at byte" in only_run(follower).problem
    assert "belongs to repetition" in only_run(follower, 2).problem


def test_the_mean_is_that_of_the_tables(suite):
    """At every moment the curve is the table's of the same ledgers: over the runs that have ended."""
    suite.algorithm("local")
    follower = Follower(suite.folder)
    plan = follower.plan
    cells = [
        CellFollower(
            suite.folder, plan, plan.objectives[0], name, [r for r in follower.runs if r.name.algorithm == name]
        )
        for name in plan.algorithms
    ]
    shifted = [[(v and v - 0.01 * k, t and t - 0.01 * k, end + 0.1 * k) for v, t, end in ERRORS] for k in range(3)]
    writes = [
        lambda: suite.run(shifted[0][:2], 0, state="partial"),
        lambda: suite.run(shifted[1], 1),
        lambda: suite.run(shifted[2][:1], 2, algorithm="local", state="failed"),
        lambda: suite.run(shifted[0], 0, algorithm="local"),
        lambda: suite.run(shifted[2], 2),
    ]
    for write in writes:
        write()
        follower.look()
        table = trajectory_table(load(suite.folder, mixed=True))
        for cell in cells:
            curves = cell.curves(follower.plan.objectives[0].metric)
            rows = table[(table["algorithm"] == cell.algorithm) & (table["axis"] == "runtime")]
            for column in ("t", "valid_mean", "valid_std", "test_mean", "test_std"):
                np.testing.assert_array_equal(getattr(curves.mean, column), rows[column].to_numpy())
            ended = [run for run in cell.runs if run.state in ("done", "failed")]
            assert curves.runs == len(ended) == (rows["n_runs"].max() if len(rows) else 0)
    assert [len(curve.t) for curve in cells[0].curves(follower.plan.objectives[0].metric).unfinished] == [2]


def test_a_run_is_stalled_by_the_rule_of_the_driver(suite):
    """Longer than a minute beyond twice the longest wait, whether that was seen or is recorded as a trial's seconds."""
    suite.run([(0.5, 0.5, 1.0)], state="partial")
    follower = Follower(suite.folder)
    follower.look()
    run, now = only_run(follower), time.monotonic()
    assert follower.longest_wait == 0.75  # The planted seconds of training and deciding.
    run.grown = now
    assert not follower.is_stalled(run, now + PATIENCE + 1.4)
    assert follower.is_stalled(run, now + PATIENCE + 1.6)
    follower.longest_wait = 100.0
    assert not follower.is_stalled(run, now + 2 * 100.0 + PATIENCE - 1)


def test_a_smaller_budget_counts_as_unfinished(suite):
    """A run that has ended under a smaller budget than the plan's is not done, as for all commands."""
    path = suite.run(ERRORS)
    records = [json.loads(line) for line in path.read_bytes().splitlines()]
    records[0]["run"]["budget"] = {"trials": 4}
    path.write_bytes(ledger_bytes([{k: v for k, v in r.items() if k != "crc"} for r in records]))
    follower = Follower(suite.folder)
    follower.look()
    assert only_run(follower).state == "partial"
