"""What a killed driver has started is killed; what one that ends in order has started is its own business."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmark.backends import orphan_reaper
from tests.benchmark.commands import ROOT

DRIVER = """
import subprocess, sys, time
from benchmark.backends.orphan_reaper import kill_orphans_on_death
words = [sys.executable, "-c", "import time; time.sleep(60)"]
before = subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True)
with kill_orphans_on_death():
    within = subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True)
    print(before.pid, within.pid, flush=True)
    if len(sys.argv) > 1:
        time.sleep(60)
"""


@pytest.fixture
def driver():
    """A function that starts a driver, which may wait: the command, and what it started before and within."""
    found = []

    def start(*words):
        command = subprocess.Popen(
            [sys.executable, "-c", DRIVER, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        pids = [int(word) for word in command.stdout.readline().split()]
        found.extend([command.pid, *pids])
        return command, *pids

    yield start
    for pid in found:
        if runs(pid):
            os.kill(pid, signal.SIGKILL)


def runs(pid):
    """Whether a process is there and no zombie."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def ends(pid, seconds=30):
    """Whether a process ends within so many seconds."""
    deadline = time.monotonic() + seconds
    while runs(pid) and time.monotonic() < deadline:
        time.sleep(0.05)
    return not runs(pid)


@pytest.mark.parametrize("kill", [os.kill, os.killpg])
def test_what_a_killed_driver_has_started_ends(driver, kill):
    """Alone or with its group; what was started before is not touched."""
    command, before, within = driver("wait")

    kill(command.pid, signal.SIGKILL)
    command.communicate()

    assert ends(within)
    assert runs(before)


@pytest.mark.slow
def test_what_a_driver_leaves_on_purpose_stays(driver):
    """A context that ends in order kills nothing, and the reaper is gone before the driver goes on."""
    command, before, within = driver()

    command.communicate()

    assert command.returncode == 0
    time.sleep(orphan_reaper.GRACE_SECONDS + 1)
    assert runs(before)
    assert runs(within)


def test_the_mark_is_taken_away(monkeypatch):
    """Afterwards nothing that is started bears it."""
    monkeypatch.delenv(orphan_reaper.MARK, raising=False)
    with orphan_reaper.kill_orphans_on_death():
        mark = os.environ[orphan_reaper.MARK]
        assert len(mark) == 32

    assert orphan_reaper.MARK not in os.environ
    assert list(orphan_reaper.processes_with_mark(f"{orphan_reaper.MARK}={mark}".encode())) == []
