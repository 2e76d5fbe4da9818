"""What every cluster's engine says when its workers cannot work, or fall apart."""

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
    """A cluster whose workers answer a probe as they are told to."""

    name = "toy"
    lost = (WorkerDied,)

    def __init__(self, answers=None):
        super().__init__(2, None)
        self.answers = answers or {}

    @contextmanager
    def connected(self):
        yield 2

    def probes(self, terms, path, text):
        assert path.read_text() == text
        return self.answers

    def joblib_backend(self):
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
    """Conditions of a run in a folder."""
    return RunSettings(folder=folder, machine=Machine(), environment={})


def raising(error):
    """A worker's part that raises."""

    def attend(*arguments):
        raise error

    return attend


def test_a_worker_that_cannot_work_is_told_with_all_that_is_wrong(tmp_path):
    """Backend, worker and every difference; the probe's file is gone afterwards."""
    toy = Toy({"tcp://a:1": [], "tcp://b:2": ["torch is 1.0 here and 2.0 there", "restart the workers"]})

    with pytest.raises(RunRefused) as refused, toy.opened(tmp_path / "tiny", "cpu", (), ""):
        pass

    assert str(refused.value) == "toy worker tcp://b:2: torch is 1.0 here and 2.0 there; restart the workers"
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told():
    """The folder that is there, and the system's reason."""
    with pytest.raises(BadInput) as refused, Toy().opened(Path("/proc/nowhere/tiny"), "cpu", (), ""):
        pass

    assert str(refused.value) == "results folder /proc: cannot be written (No such file or directory)"


def test_a_task_that_a_cluster_gives_up_is_told(tmp_path, monkeypatch):
    """Whatever a cluster raises becomes one error with its name and what it said, cut where it is long."""
    monkeypatch.setattr(cluster_worker, "serve_group", raising(MemoryError("x" * 1000)))
    with pytest.raises(BackendLost) as lost:
        list(Toy().reports(iter([([a_run()], None)]), settings(tmp_path)))

    assert str(lost.value) == f"the toy cluster gave up a task (MemoryError: {'x' * 487})"


def test_workers_that_die_for_nothing_end_the_command(tmp_path, monkeypatch):
    """A run that gets no further even alone, with its trial recorded as crashed, is named."""
    monkeypatch.setattr(cluster_worker, "serve_group", raising(WorkerDied("killed")))
    run = a_run()
    with pytest.raises(BackendLost) as lost:
        Toy().alone(run, settings(tmp_path), None)

    assert str(lost.value) == f"{run.path}: workers die even while nothing is trained"


@pytest.fixture
def terms(tmp_path):
    """A driver's terms; no idle process that another test has left fits them."""
    yield Handshake(
        folder=tmp_path,
        label="",
        token=tmp_path.name,
        driver=os.getpid(),
        place=str(Path.cwd()),
        paths=(),
        device="cpu",
        libraries=(),
        card=handshake.card("cpu", ()),
    )
    with suppress(KeyError):
        for child in cluster_worker._idle.pop(tmp_path.name):
            child.end()


@pytest.mark.parametrize(
    ("program", "told"),
    [
        ("/bin/false", "a process for trials does not start there; the workers' own output says why"),
        (
            "/nowhere/python",
            "a process for trials does not start there (FileNotFoundError: [Errno 2] No such file or directory: "
            "'/nowhere/python')",
        ),
    ],
)
def test_a_process_that_does_not_start_is_told(terms, tmp_path, monkeypatch, program, told):
    """An interpreter that ends at once, and one that is not there: in words, to whoever asks the worker."""
    (tmp_path / "probe").write_text("text")
    monkeypatch.setattr(sys, "executable", program)

    assert cluster_worker.probe(terms, tmp_path / "probe", "text") == [told]

    (report,) = cluster_worker.serve_group([a_run()], settings(tmp_path), terms)
    assert (report.state, report.problem) == ("refused", f"a worker is not like the driver: {told}")
