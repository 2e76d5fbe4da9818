"""The watchdog that kills the process of a trial that ignores the alarm."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark.tuning.time_limit import GRACE_SECONDS, TimeLimit
from benchmark.workers.watchdog import Watchdog
from tests import ROOT
from tests.benchmark.fakes.hanging_suite import assert_timeouts_recorded, evaluations, write_suite


def test_no_process_is_killed_twice(monkeypatch):
    """A process that takes long to die is killed once."""
    kills = []
    monkeypatch.setattr("benchmark.workers.watchdog.os.kill", lambda *arguments: kills.append(arguments))
    with Watchdog(lambda message: None) as watchdog:
        # The note bears another number, that of nobody to be killed in earnest here.
        limit = TimeLimit(seconds=0.001 - GRACE_SECONDS, run=Path("runs/a"), notes=watchdog.notes)
        with limit._deadline_noted(3, limit.seconds):
            (watchdog.notes / str(os.getpid())).rename(watchdog.notes / "999999999")
            deadline = time.monotonic() + 30
            while not kills and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.5)
    assert kills == [(999999999, signal.SIGKILL)]
    assert [one.index for one in watchdog.pop_overdue()] == [3]


TRAINING = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from benchmark.tuning.time_limit import TimeLimit
limit = TimeLimit(seconds=float(sys.argv[2]), run=Path("runs/a/b/000.jsonl"), notes=Path(sys.argv[1]))
def ignores_alarm():
    print("begun", flush=True)
    while True:
        try: time.sleep(30)
        except BaseException: pass
limit.call_within(7, 1, ignores_alarm)
"""


@pytest.mark.slow
def test_the_watchdog_kills_only_overdue_processes():
    """It reports the evaluation; processes in time, or with the number of a dead process's note, are not killed."""
    messages = []
    with Watchdog(messages.append) as watchdog:
        late, early = (
            subprocess.Popen(
                [sys.executable, "-c", TRAINING, str(watchdog.notes), seconds],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
            for seconds in ("0.1", "60")
        )
        bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        note = {"run": "x", "index": 0, "until": 0.0, "reason": "", "seconds": 1.0}
        (watchdog.notes / str(bystander.pid)).write_text(json.dumps(note))
        try:
            for process in (late, early):
                assert process.stdout.readline() == "begun\n"
            assert late.wait(GRACE_SECONDS + 20) == -signal.SIGKILL
            (overdue,) = watchdog.pop_overdue()
            assert not (watchdog.notes / str(late.pid)).exists()
            assert (str(overdue.run), overdue.index, overdue.seconds) == ("runs/a/b/000.jsonl", 7, 0.1)
            assert (early.poll(), bystander.poll()) == (None, None)
            assert watchdog.pop_overdue() == []
            assert not (watchdog.notes / str(bystander.pid)).exists()
        finally:
            for process in (late, early, bystander):
                process.kill()
                process.communicate()
    assert not watchdog.notes.exists()
    assert messages == []


@pytest.mark.faults
def test_the_only_process_stops_when_its_trial_ignores_the_alarm(tmp_path):
    """With one job no process could record it: the suite says so and stops in good order; two jobs complete it."""
    write_suite(tmp_path, "stubborn")
    words = [sys.executable, "-m", "benchmark", "run", str(tmp_path / "tiny.toml"), "--results", str(tmp_path)]
    done = subprocess.run(
        [*words, "--device", "cpu", "--jobs", "1"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 143
    assert "does not react to the alarm, and its process is the only one; with --jobs 2" in done.stderr

    subprocess.run([*words, "--device", "cpu", "--jobs", "2", "--quiet"], cwd=ROOT, check=True, timeout=120)

    assert_timeouts_recorded(evaluations(tmp_path / "tiny"))
