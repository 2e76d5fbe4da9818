"""Workers of a cluster: what keeps them from working, and when they or the driver fall silent."""

import os
import threading
import time

import pytest
from joblib import Parallel, delayed, parallel_config
from joblib._parallel_backends import ThreadingBackend

from benchmark.backends.base import BackendLost
from benchmark.backends.cluster import FailFastBackend
from benchmark.workers import cluster_worker, handshake, heartbeat
from benchmark.workers.handshake import Handshake
from tests.benchmark.commands import ROOT


def driver_handshake(folder, **changes):
    """A driver's handshake as a worker of the same code sees it."""
    description = handshake.describe_process("cpu", ())
    mine = {
        "folder": folder,
        "label": "",
        "token": "token",
        "driver": os.getpid(),
        "working_folder": str(ROOT),
        "module_folders": (),
        "device": "cpu",
    }
    return Handshake(**{**mine, "libraries": (), "description": description, **changes})


@pytest.mark.slow
def test_the_probe_finds_what_keeps_a_worker_from_working(tmp_path):
    """Another folder of the same name, one that is not there, another working folder, other versions."""
    path = tmp_path / "probe"
    path.write_text("text")
    fit = driver_handshake(tmp_path)

    assert cluster_worker.probe(fit, path, "text") == []
    assert cluster_worker.probe(fit, path, "other") == [f"{path} is another file there"]
    assert "is not the same folder there" in cluster_worker.probe(fit, tmp_path / "no" / "probe", "text")[0]
    assert cluster_worker.probe(driver_handshake(tmp_path, working_folder="/nowhere/at/all"), path, "text") == [
        "the working folder /nowhere/at/all is not there"
    ]
    other = {**fit.description, "torch": "1.0", "python": "3.8"}
    (told,) = cluster_worker.probe(driver_handshake(tmp_path, description=other, token="others"), path, "text")
    assert f"torch is 1.0 here and {fit.description['torch']} there" in told
    assert "python is 3.8 here" in told
    old = {**fit.description, "source": "0"}
    assert cluster_worker.probe(driver_handshake(tmp_path, description=old), path, "text") == [
        f"the code of incumbent is 0 here and {handshake.LOADED_DIGEST} there",
        "restart the workers",
    ]


def test_machines_may_differ_in_what_decides_no_bits():
    """The processor's name and the number of cores are not compared; its instructions are."""
    description = handshake.describe_process("cpu", ("torch", "no-such-library"))

    assert not {"cpu", "cores", "system", "jobs", "code"} & set(description)
    assert {"cpu_capability", "arch", "python", "numpy", "torch", "source"} <= set(description)
    assert description["no-such-library"] is None
    assert set(handshake.describe_machine("cpu")) == {"cpu", "cores", "system"}


def test_a_worker_notices_when_the_heartbeat_stops(tmp_path, monkeypatch):
    """A worker goes on while its driver is there, and stops when that ends, is another one, or is silent."""
    monkeypatch.setattr(heartbeat, "SECONDS_BETWEEN_BEATS", 0.01)
    with heartbeat.Heartbeat(tmp_path, "-1", "mine", lambda: True, list):
        assert heartbeat.HeartbeatListener(tmp_path, "-1", "mine").is_driver_alive()
        assert not heartbeat.HeartbeatListener(tmp_path, "-1", "another").is_driver_alive()
        assert not heartbeat.HeartbeatListener(tmp_path, "", "mine").is_driver_alive()
    assert not heartbeat.HeartbeatListener(tmp_path, "-1", "mine").is_driver_alive()
    assert list(tmp_path.iterdir()) == []

    (tmp_path / ".pulse").write_text("mine")
    listener = heartbeat.HeartbeatListener(tmp_path, "", "mine")
    assert listener.is_driver_alive()
    monkeypatch.setattr(heartbeat, "SECONDS_WITHOUT_HEARTBEAT", 0.0)
    assert not listener.is_driver_alive()


def test_silence_of_the_workers_is_reported_once(tmp_path, monkeypatch):
    """Workers that no longer answer are noticed; as long as they do, nothing is told."""
    monkeypatch.setattr(heartbeat, "SECONDS_BETWEEN_BEATS", 0.01)
    monkeypatch.setattr(heartbeat, "SECONDS_WITHOUT_ANSWER", 0.5)
    messages = []
    with heartbeat.Heartbeat(tmp_path, "", "mine", lambda: True, lambda: messages.append("silent")):
        listener = heartbeat.HeartbeatListener(tmp_path, "", "mine")
        for _ in range(15):
            assert listener.is_driver_alive()
            time.sleep(0.05)
        spoken = list(messages)
        time.sleep(1.0)
    assert spoken == []
    assert messages == ["silent"]


class Lossy(ThreadingBackend):
    """A backend that never calls back, as Dask's after a task whose workers died."""

    def submit(self, function, callback):
        return super().submit(function, lambda outcome: None)


class FailsWithLostTasks(FailFastBackend, Lossy):
    """The same, with somebody to tell it."""

    supports_return_generator = True


def test_a_lost_task_ends_the_call_when_the_backend_fails():
    """What joblib would wait for until the end of time is ended with an error."""
    backend = FailsWithLostTasks()
    timer = threading.Timer(0.3, backend.fail, [BackendLost("nobody answers")])
    timer.start()
    with parallel_config(backend=backend), pytest.raises(BackendLost, match="nobody answers"):
        list(Parallel(n_jobs=2, return_as="generator_unordered")(delayed(abs)(number) for number in range(4)))
    timer.join()
