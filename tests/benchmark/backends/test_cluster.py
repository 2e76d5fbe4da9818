"""Messages of every cluster backend when its workers cannot work or die."""

import os
import sys
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from joblib._parallel_backends import ThreadingBackend

from benchmark.backends.base import BackendLost
from benchmark.backends.cluster import Cluster, FailFastBackend
from benchmark.errors import BadInput
from benchmark.storage.resume_check import RunRefused
from benchmark.suite import parsing as suites
from benchmark.tuning.run_settings import RunSettings
from benchmark.workers import cluster_worker, handshake
from benchmark.workers.handshake import Handshake
from objectives.objective import Machine


class Threads(FailFastBackend, ThreadingBackend):
    """Threads of this process in the place of a cluster's workers."""

    supports_return_generator = True


class WorkerDied(Exception):
    """What a cluster raises for a lost worker."""


class Toy(Cluster):
    """A cluster whose workers give prescribed answers to a probe."""

    name = "toy"
    worker_death_errors = (WorkerDied,)

    def __init__(self, answers=None):
        super().__init__(2, None)
        self.answers = answers or {}

    @contextmanager
    def connect_cluster(self):
        yield 2

    def probe_workers(self, handshake, path, text):
        assert path.read_text() == text
        return self.answers

    def build_joblib_backend(self):
        return Threads()


def a_run():
    """A run of random search on Branin."""
    table = {
        "seed": 3,
        "repetitions": 1,
        "budget": {"trials": 2},
        "objectives": {"branin": {}},
        "algorithms": {"random": {"searcher": "random"}},
    }
    return next(iter(suites.parse("tiny", table).runs()))


def settings(folder):
    """The settings of runs in a folder."""
    return RunSettings(folder=folder, machine=Machine(), environment={})


def raising(error):
    """A function that raises an error, in place of the worker's."""

    def serve_group(*arguments):
        raise error

    return serve_group


def test_a_worker_that_cannot_work_is_refused_with_every_reason(tmp_path):
    """The message names backend, worker and every difference; the probe's file is removed afterwards."""
    toy = Toy({"tcp://a:1": [], "tcp://b:2": ["torch is 1.0 here and 2.0 there", "restart the workers"]})

    with pytest.raises(RunRefused) as refused, toy.connect(tmp_path / "tiny", "cpu", (), ""):
        pass

    assert str(refused.value) == "toy worker tcp://b:2: torch is 1.0 here and 2.0 there; restart the workers"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_refused():
    """The message names the existing folder and the system's reason."""
    with pytest.raises(BadInput) as refused, Toy().connect(Path("/proc/nowhere/tiny"), "cpu", (), ""):
        pass

    assert str(refused.value) == "results folder /proc: cannot be written (No such file or directory)"


def test_a_task_that_a_cluster_gives_up_is_reported(tmp_path, monkeypatch):
    """Whatever a cluster raises becomes one error with its name and its message, shortened if it is long."""
    monkeypatch.setattr(cluster_worker, "serve_group", raising(MemoryError("x" * 1000)))
    with pytest.raises(BackendLost) as lost:
        list(Toy().execute_groups(iter([([a_run()], None)]), settings(tmp_path)))

    assert str(lost.value) == f"the toy cluster gave up a task (MemoryError: {'x' * 487})"


def test_workers_that_die_without_training_end_the_command(tmp_path, monkeypatch):
    """A run that makes no progress even in isolation, with its trial recorded as crashed, is named."""
    monkeypatch.setattr(cluster_worker, "serve_group", raising(WorkerDied("killed")))
    run = a_run()
    with pytest.raises(BackendLost) as lost:
        Toy().execute_isolated(run, settings(tmp_path), None)

    assert str(lost.value) == f"{run.path}: workers die even while nothing is trained"


@pytest.fixture
def driver_handshake(tmp_path):
    """A driver's handshake, for which no idle process of another test is used."""
    yield Handshake(
        folder=tmp_path,
        label="",
        token=tmp_path.name,
        driver=os.getpid(),
        working_folder=str(Path.cwd()),
        module_folders=(),
        device="cpu",
        libraries=(),
        description=handshake.describe_process("cpu", ()),
    )
    with suppress(KeyError):
        for child in cluster_worker._idle.pop(tmp_path.name):
            child.kill()


@pytest.mark.parametrize(
    ("program", "message"),
    [
        ("/bin/false", "a process for trials does not start there; the workers' own output says why"),
        (
            "/nowhere/python",
            "a process for trials does not start there (FileNotFoundError: [Errno 2] No such file or directory: "
            "'/nowhere/python')",
        ),
    ],
)
def test_a_process_that_does_not_start_is_reported(driver_handshake, tmp_path, monkeypatch, program, message):
    """An interpreter that ends at once, and one that does not exist, are reported to the caller of the worker."""
    (tmp_path / "probe").write_text("text")
    monkeypatch.setattr(sys, "executable", program)

    assert cluster_worker.probe(driver_handshake, tmp_path / "probe", "text") == [message]

    (report,) = cluster_worker.serve_group([a_run()], settings(tmp_path), driver_handshake)
    assert (report.state, report.problem) == ("refused", f"a worker is not like the driver: {message}")
