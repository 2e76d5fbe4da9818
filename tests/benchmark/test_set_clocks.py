"""A time of day that is set while a suite runs: no result depends on it."""

import os
import time

import pytest

from benchmark.cli.main import main
from benchmark.storage.ledger_format import read_ledger
from benchmark.tuning.execution import note_training_start
from benchmark.workers import isolated_run
from tests.benchmark.fault_suites import SUITES, command, evaluations, written

pytestmark = pytest.mark.slow  # Each test takes a second or more; make test has cheaper ones of the same.


class Jumping:
    """A time of day that is set by years at every look, back and forth."""

    def __init__(self):
        self.looks = 0

    def __call__(self):
        self.looks += 1
        return 1e9 + (-1) ** self.looks * 1e8 * self.looks


@pytest.mark.parametrize("kind", SUITES)
def test_a_clock_that_is_set_changes_no_result(tmp_path, monkeypatch, kind):
    """Records are those of an untouched clock, and no duration is negative or of days."""
    expected, here = written(tmp_path / "expected", kind), written(tmp_path / "here", kind)
    assert main(command(expected)) == 0
    monkeypatch.setattr(time, "time", Jumping())

    assert main(command(here)) == 0

    assert evaluations(here) == evaluations(expected)
    for path in here.glob("results/tiny/runs/*/*/*.jsonl"):
        for record in read_ledger(path).records:
            if record["kind"] == "evaluation":
                assert all(0 <= record[name] < 600 for name in ("train_seconds", "paid_seconds", "decide_seconds"))


def test_the_time_of_a_crash_is_taken_by_a_clock_that_nobody_sets(tmp_path, monkeypatch):
    """Who finds a process dead knows when its training began, whatever the time of day and of the file say."""
    marker = tmp_path / "training"
    assert isolated_run._seconds_since(marker) == 0.0
    monkeypatch.setattr(time, "time", Jumping())
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    note_training_start(marker)
    os.utime(marker, (0, 0))
    monkeypatch.setattr(time, "monotonic", lambda: 103.5)
    assert isolated_run._seconds_since(marker) == 3.5
    marker.write_text("")  # Killed while it wrote.
    assert isolated_run._seconds_since(marker) == 0.0
