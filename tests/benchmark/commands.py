"""Commands that run a suite in processes of their own: started, watched by what they have recorded, ended."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from objectives import OBJECTIVES
from tests import ROOT
from tests.benchmark.fakes.stacked_toy import StackedToy, invented_calibration

LIMIT = 300
"""Seconds that no command may take: a hang fails."""


def write_suite(folder, text):
    """A suite's file beside a calibration of invented numbers."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("branin", "hartmann6", "softmax", "lenet", "dropout_mlp")
    priced = {
        **{name: OBJECTIVES[name]() for name in names},
        "tests.benchmark.fakes.stacked_toy:StackedToy": StackedToy(),
    }
    (folder / "prices.toml").write_text(invented_calibration(priced).to_toml())
    (folder / "tiny.toml").write_text(text)
    return folder


def start_suite(folder, *options, results=None, **environment):
    """The command that runs a folder's suite into the folder, or elsewhere, in a session of its own."""
    words = ["benchmark", "run", str(folder / "tiny.toml"), "--results", str(results or folder)]
    return launch_module(*words, "--device", "cpu", *options, **environment)


def launch_module(module, *words, **environment):
    """A Python module at work in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", module, *words],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def wait_for_exit(command, limit=LIMIT):
    """Exit code and both outputs of a command; one that hangs is killed, and fails."""
    try:
        out, err = command.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        os.killpg(command.pid, signal.SIGKILL)
        out, err = command.communicate()
        pytest.fail(f"no end after {limit} s:\n{out[-2000:]}\n{err[-2000:]}")
    return command.returncode, out, err


def wait_for_success(command, limit=LIMIT):
    """What a command has said; it must end well."""
    code, out, err = wait_for_exit(command, limit)
    assert code == 0, out + err
    assert "Traceback" not in err, err
    return out + err


def run(folder, *options, **environment):
    """Run a folder's suite to its end; it must be done."""
    return wait_for_success(start_suite(folder, *options, **environment))


def whole_lines(folder):
    """What every ledger of a folder's suite holds in whole lines, by its final name."""
    found = {}
    for path in (folder / "tiny").glob("runs/*/*/*.jsonl*"):
        if "torn" not in path.name:
            try:
                data = path.read_bytes()
            except FileNotFoundError:
                continue  # It has just got its final name.
            found[str(path.relative_to(folder)).removesuffix(".part")] = data[: data.rfind(b"\n") + 1]
    return found


def count_lines(folder):
    """How many whole lines the ledgers of a folder's suite have."""
    return sum(data.count(b"\n") for data in whole_lines(folder).values())


def wait_for_lines(command, folder, number):
    """Wait until a folder's ledgers have so many lines."""
    deadline = time.monotonic() + 90
    while count_lines(folder) < number and time.monotonic() < deadline:
        assert command.poll() is None, command.communicate()
        time.sleep(0.01)


def find_marked_processes(folder, seconds=30):
    """What processes that bear a folder's name in their environment are, after some seconds' grace."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = [pid for pid in _processes() if str(folder) in _said(pid)]
        if not found:
            return []
        time.sleep(0.2)
    return [_described(process) for process in found]


def processes_of_session(session):
    """Numbers of a session's processes; one that has died and whose parent has not asked for its code is none.

    An orphan's new parent may be the first process of a container, which asks once a second.
    """
    return [int(process.name) for process in _processes() if _place(process) == (session, True)]


def wait_for_session_end(session, seconds):
    """Those that are still there after some seconds' grace."""
    deadline = time.monotonic() + seconds
    while (found := processes_of_session(session)) and time.monotonic() < deadline:
        time.sleep(0.05)
    return found


def _place(process):
    """A process's session, and whether it lives."""
    try:
        state, _, _, session = (process / "stat").read_text().rpartition(")")[2].split()[:4]
    except OSError:
        return None, False
    return int(session), state not in "ZX"


def _processes():
    return [path for path in Path("/proc").iterdir() if path.name.isdigit() and int(path.name) != os.getpid()]


def _said(process):
    """A process's environment as text; clusters and children inherit the mark that a test sets there."""
    try:
        return (process / "environ").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def _described(process):
    """Number, state, parent and command line of a process."""
    try:
        state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
        words = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace").strip()
    except OSError:
        return f"{process.name}: gone meanwhile"
    return f"{process.name}, {state}, of {parent}: {words[:300]}"
