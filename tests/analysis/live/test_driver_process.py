"""Who runs a suite, by the lock of its folder, and how it is asked to stop."""

import os
import signal
import subprocess
import sys

import pytest

from analysis.live import driver_process
from analysis.live.driver_process import find_drivers, read_locks, stop_drivers

HOLDER = """
import fcntl, signal, sys, time
if sys.argv[2] == "deaf":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
else:
    signal.signal(signal.SIGINT, signal.default_int_handler)
file = open(sys.argv[1])
if sys.argv[2] != "reader":
    fcntl.flock(file, fcntl.LOCK_SH if sys.argv[2] == "shard" else fcntl.LOCK_EX)
try:
    print("ready", flush=True)
    time.sleep(60)
except KeyboardInterrupt:
    sys.exit(130)
"""


@pytest.fixture
def hold(tmp_path):
    """A function that starts a process which holds the lock of the folder, or only has its file open."""
    (tmp_path / ".lock").touch()
    started = []

    def start(how):
        words = [sys.executable, "-S", "-c", HOLDER, str(tmp_path / ".lock"), how]
        process = subprocess.Popen(words, stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout.readline() == b"ready\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_the_holder_of_the_lock_is_stopped_and_nobody_else(tmp_path, hold):
    """Ctrl-C's signal goes to the process that holds the lock, not to one that has the file open."""
    assert (find_drivers(tmp_path), stop_drivers(tmp_path)) == ([], [])
    reader, driver = hold("reader"), hold("driver")

    assert [(found.pid, found.ours) for found in find_drivers(tmp_path)] == [(driver.pid, True)]
    assert stop_drivers(tmp_path) == [driver.pid]

    assert driver.wait(30) == 130
    assert reader.poll() is None
    assert (find_drivers(tmp_path), stop_drivers(tmp_path)) == ([], [])


def test_shards_are_stopped_together_and_one_that_ignores_ctrl_c_too(tmp_path, hold):
    """Two processes share the lock; one of them was started in the background of a script."""
    shard = hold("shard")
    assert stop_drivers(tmp_path) == [shard.pid]
    assert shard.wait(30) == 130
    deaf = hold("deaf")

    assert stop_drivers(tmp_path) == [deaf.pid]
    assert deaf.wait(30) == -signal.SIGTERM


def test_no_process_of_another_user_is_signalled(tmp_path, hold, monkeypatch):
    """Whose files cannot be seen runs the suite as far as the lock says, and is left alone."""
    driver = hold("driver")
    monkeypatch.setattr(driver_process, "_has_open", lambda pid, file: None)

    assert [(found.pid, found.ours) for found in find_drivers(tmp_path)] == [(driver.pid, False)]
    assert stop_drivers(tmp_path) == []
    assert driver.poll() is None


def test_what_the_system_tells_of_locks(tmp_path, monkeypatch):
    """A process that waits for a lock holds none, and neither does one of another container."""
    lines = [
        "1: FLOCK  ADVISORY  WRITE 71 fe:00:10 0 EOF",
        "1: -> FLOCK  ADVISORY  WRITE 72 fe:00:10 0 EOF",
        "2: POSIX  ADVISORY  READ 71 00:2f:11 0 EOF",
        "3: FLOCK  ADVISORY  WRITE -1 fe:00:10 0 EOF",
        "4: FLOCK  ADVISORY  WRITE 0 fe:00:10 0 EOF",
    ]
    (tmp_path / "locks").write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(driver_process, "LOCKS", tmp_path / "locks")
    assert read_locks() == {71: {10, 11}}

    monkeypatch.setattr(driver_process, "LOCKS", tmp_path / "none")
    assert read_locks() == {}
    assert os.getpid() not in read_locks()
