"""A cluster that runs already: its workers give the same bytes, and what does not fit is refused."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec

import pytest

from benchmark.storage.ledger_format import read_ledger
from benchmark.workers import handshake
from tests.benchmark.backends.suites import DIGITS, free_port, toy
from tests.benchmark.commands import ROOT, count_lines, run, start_suite, wait_for_exit, wait_for_lines, write_suite
from tests.benchmark.export import ledgers


@pytest.fixture
def dask_cluster(tmp_path):
    """A function that starts a scheduler, and a worker whose code is in a folder; all are killed at the end."""
    if find_spec("distributed") is None:
        pytest.skip("dask is not installed")
    processes = []

    def start(code=None):
        port = free_port()
        words = [["scheduler", "--host", "127.0.0.1", "--port", str(port), "--no-dashboard"]]
        if code is not None:
            words += [["worker", f"tcp://127.0.0.1:{port}", "--nthreads", "2", "--no-dashboard"]]
        for arguments in words:
            processes.append(
                subprocess.Popen(
                    [sys.executable, "-m", "dask", *arguments],
                    cwd=tmp_path,
                    env={**os.environ, "PYTHONPATH": str(code or ROOT)},
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    start_new_session=True,
                )
            )
        wait_for_port(port)
        return f"tcp://127.0.0.1:{port}"

    start.processes = processes
    yield start
    for process in processes:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for_port(port):
    """Wait until somebody listens there."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.1)


@pytest.mark.faults
@pytest.mark.clusters
def test_a_running_cluster_of_two_threads_gives_the_same_bytes(dask_cluster, tmp_path):
    """Two threads of one Dask worker, which would share global states and thread pins, do not share a process."""
    text = DIGITS.replace("repetitions = 2", "repetitions = 1")
    run(write_suite(tmp_path / "one", text), "--jobs", "1")
    folder = write_suite(tmp_path / "two", text)

    run(folder, "--backend", "dask", "--scheduler", dask_cluster(ROOT))

    assert ledgers(folder / "tiny") == ledgers(tmp_path / "one" / "tiny")
    (jobs,) = {read_ledger(path).records[0]["environment"]["jobs"] for path in folder.glob("tiny/runs/*/*/*.jsonl")}
    assert jobs == 2


@pytest.mark.faults
@pytest.mark.clusters
def test_workers_of_other_code_are_refused(dask_cluster, tmp_path):
    """A worker that runs another version of the harness is named with the difference, and nothing is written."""
    copy = tmp_path / "copy"
    for room in handshake.ROOMS:
        shutil.copytree(ROOT / room, copy / room, ignore=shutil.ignore_patterns("__pycache__"))
    with (copy / "benchmark" / "errors.py").open("a") as file:
        file.write("# changed\n")
    folder = write_suite(tmp_path / "suite", toy("crashing:Crashing"))

    code, _, err = wait_for_exit(start_suite(folder, "--backend", "dask", "--scheduler", dask_cluster(copy)))

    assert code == 2
    assert "the code of incumbent is" in err
    assert "restart the workers" in err
    assert sorted(path.name for path in folder.iterdir()) == ["prices.toml", "tiny.toml"]


@pytest.mark.faults
@pytest.mark.clusters
def test_a_cluster_without_workers_is_refused(dask_cluster, tmp_path):
    """A scheduler alone would let the suite wait for good."""
    folder = write_suite(tmp_path / "suite", toy("crashing:Crashing"))

    code, _, err = wait_for_exit(start_suite(folder, "--backend", "dask", "--scheduler", dask_cluster()), limit=60)

    assert code == 2
    assert "it has no workers; start some: dask worker tcp://127.0.0.1:" in err
    assert not (folder / "tiny").exists()


@pytest.mark.faults
@pytest.mark.clusters
def test_a_scheduler_that_dies_ends_the_command_not_the_results(dask_cluster, tmp_path):
    """The suite says that the cluster is gone and how to go on, instead of waiting for good; it goes on."""
    text = toy("cluster_objectives:SlowCrashing", repetitions=2, trials=400)
    folder = write_suite(tmp_path / "suite", text)
    command = start_suite(folder, "--backend", "dask", "--scheduler", dask_cluster(ROOT))
    wait_for_lines(command, folder, 8)

    os.killpg(dask_cluster.processes[0].pid, signal.SIGKILL)
    code, _, err = wait_for_exit(command, limit=120)

    assert code == 1
    assert "-m benchmark run " in err.partition("every finished evaluation is stored. To go on: ")[2]
    assert "--scheduler tcp://127.0.0.1:" in err
    assert "Traceback (most" not in err
    assert count_lines(folder) >= 8
