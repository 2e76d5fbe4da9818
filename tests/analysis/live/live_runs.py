"""Suites that take a while, run with a live page in processes of their own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

from analysis.live.driver_process import read_locks
from tests import ROOT

SLEEPY = """
import time
from pathlib import Path

HERE = Path(__file__).parent


def train(x=0.5):
    time.sleep(0.02)
    while (HERE / "hold").exists() and any(HERE.glob("results/tiny/runs/*/*/*.jsonl")):
        time.sleep(0.02)
    if x > 0.9:
        raise ValueError("<img src=x onerror=alert(1)>")
    return (x - 0.3) ** 2
"""
SUITE = """
title = "<script>alert(1)</script>"
repetitions = 3
budget.trials = 10
clock = "measured"

[objectives.bowl]
label = "Bowl <script>alert(2)</script>"
function = "sleepy:train"
space = { x = { uniform = [0, 1] } }

[algorithms.random]
label = "Random <b>search"
searcher = "random"

[algorithms.local]
searcher = "local"
"""
LIMIT = 180


def write_suite(folder, *, hold):
    """A suite `tiny` of six runs, and the function that it trains; its folder of results.

    Args:
        folder: where.
        hold: whether it waits, once a run is done, until the file `hold` is removed.
    """
    (folder / "sleepy.py").write_text(SLEEPY)
    (folder / "tiny.toml").write_text(SUITE)
    if hold:
        (folder / "hold").touch()
    return folder / "results" / "tiny"


class Commands:
    """Commands of ours in a folder, each in a session of its own; all are ended with the block."""

    def __init__(self, folder):
        self.folder, self.started = folder, []

    def __enter__(self):
        return self

    def __exit__(self, *reason):
        for command in self.started:
            if command.poll() is None:
                os.killpg(command.pid, signal.SIGKILL)
            command.communicate()
        end_server(self.folder / "results" / "tiny")

    def start(self, *words):
        command = subprocess.Popen(
            [sys.executable, "-m", *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "CUDA_VISIBLE_DEVICES": ""},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(command)
        return command

    def run(self, *options):
        """The run of the folder's suite."""
        return self.start("benchmark", "run", "tiny.toml", "--jobs", "2", "--device", "cpu", *options)


def end_of(command):
    """Exit code and messages of a command."""
    _, message = command.communicate(timeout=LIMIT)
    return command.returncode, message


def address(command):
    """The address of the page, which is the first that the command prints."""
    line = command.stdout.readline()
    assert "http://127.0.0.1:" in line, line + command.stderr.read()
    return next(word for word in line.split() if word.startswith("http"))


def server_of(suite):
    """The process that serves the page of a suite's folder; None where there is none."""
    try:
        number = (suite / ".live").stat().st_ino
    except FileNotFoundError:
        return None
    return next((pid for pid, files in read_locks().items() if number in files), None)


def end_server(suite, number=signal.SIGKILL):
    """End the server of a page, and wait until it has gone."""
    pid = server_of(suite)
    if pid is not None:
        os.kill(pid, number)
        wait_until(lambda: server_of(suite) is None)


def wait_until(condition, seconds=LIMIT):
    """Wait for something that happens by itself."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it has not happened"
        time.sleep(0.05)


def results_of(suite):
    """Configuration, state and error of every evaluation, by ledger: what does not depend on measured time."""
    found = {}
    for path in sorted(suite.glob("runs/*/*/*.jsonl")):
        records = map(json.loads, path.read_text().splitlines())
        found[str(path.relative_to(suite))] = [
            (record["config"], record["state"], record["valid_error"])
            for record in records
            if record["kind"] == "evaluation"
        ]
    return found
