"""Several GPUs: every process of this machine has one of its own, whatever suite it works for."""

import os
import subprocess
import sys
from dataclasses import dataclass
from types import SimpleNamespace

import pytest

from benchmark.batching import gpu_claim
from benchmark.batching.gpu_claim import claim_gpu, claimed_number, names_of, private
from objectives.objective import Machine
from tests import ROOT

CLAIM = """
import sys
from pathlib import Path
from benchmark import placement
placement.SHARED = Path(sys.argv[1])
print(placement.claimed_number(tuple(sys.argv[3:]), Path(sys.argv[2])), flush=True)
sys.stdin.read()
"""
GPUS = ("GPU-a", "GPU-b", "GPU-c")


@dataclass
class Cuda:
    """What `torch.cuda` says of a machine's GPUs."""

    gpus: list

    def device_count(self):
        return len(self.gpus)

    def get_device_properties(self, number):
        return SimpleNamespace(**self.gpus[number])


@pytest.fixture(autouse=True)
def shared(tmp_path, monkeypatch):
    """A temporary folder of the machine for each test, and a process that holds nothing."""
    folder = tmp_path / "machine"
    folder.mkdir()
    monkeypatch.setattr(gpu_claim, "SHARED", folder)
    monkeypatch.setattr(gpu_claim, "_claims", {})
    return folder


@pytest.fixture
def started(shared):
    """Starts processes that claim a GPU and hold it; they are ended afterwards."""
    processes = []

    def start(results, *gpus):
        results.mkdir(exist_ok=True)
        command = [sys.executable, "-c", CLAIM, str(shared), str(results), *gpus]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
        processes.append(process)
        return process, int(process.stdout.readline())

    yield start
    for process in processes:
        process.kill()
        process.communicate()


def locks(shared):
    """The names of the locks in this user's folder."""
    return sorted(path.name for path in (shared / f"incumbent-gpus-{os.geteuid()}").iterdir())


# Who gets which.


def test_processes_of_any_suites_claim_different_gpus_and_free_them_at_their_end(started, tmp_path):
    """Three folders of results, three GPUs; a fourth process shares; the GPU of one that was killed is taken over."""
    claims = [started(tmp_path / f"results-{number}", *GPUS) for number in range(3)]
    assert [claim for _, claim in claims] == [0, 1, 2]
    fourth, shares = started(tmp_path / "results-0", *GPUS)
    assert shares == fourth.pid % 3
    claims[1][0].kill()
    claims[1][0].wait()
    assert started(tmp_path / "results-0", *GPUS)[1] == 1


def test_another_order_of_visible_gpus_is_no_other_gpu(started, tmp_path):
    """Number 0 of one process may be number 1 of another: the lock is the device's."""
    assert started(tmp_path / "one", "GPU-a", "GPU-b")[1] == 0
    assert started(tmp_path / "two", "GPU-b", "GPU-a")[1] == 0
    fewer, shares = started(tmp_path / "three", "GPU-a")
    assert shares == fewer.pid % 1 == 0


def test_a_process_claims_once(tmp_path):
    """Another suite in the same process, as in an audit, gets the first one's GPU, not another."""
    assert claimed_number(GPUS[:2], tmp_path / "one") == claimed_number(GPUS[:2], tmp_path / "two") == 0


def test_a_named_device_is_left_alone(tmp_path, shared):
    """Only `cuda` means any GPU."""
    for device in ("cpu", "cuda:1"):
        machine = Machine(device=device)
        assert claim_gpu(machine, tmp_path) is machine
    assert list(tmp_path.iterdir()) == [shared]
    assert not list(shared.iterdir())


def test_any_gpu_becomes_a_named_one(monkeypatch, tmp_path, shared):
    """The lock bears the device's UUID; nothing is written into the results, which other machines may see."""
    import torch

    fake = Cuda([{"uuid": "1111"}, {"uuid": "2222"}])
    monkeypatch.setattr(torch.cuda, "device_count", fake.device_count)
    monkeypatch.setattr(torch.cuda, "get_device_properties", fake.get_device_properties)
    results = tmp_path / "results"
    results.mkdir()

    assert claim_gpu(Machine(device="cuda"), results).device == "cuda:0"
    assert locks(shared) == [".gpu-1111.lock"]
    assert not list(results.iterdir())


# What tells devices apart.


@pytest.mark.parametrize(
    ("gpus", "visible", "names"),
    [
        ([{"uuid": "1111"}, {"uuid": "2222"}], None, ("1111", "2222")),
        ([{"uuid": "2222"}], "1", ("2222",)),
        ([{"pci_domain_id": 0, "pci_bus_id": 65, "pci_device_id": 0}], None, ("pci-0-41-0",)),
        ([{}, {}], "3, 5", ("3", "5")),
        ([{}, {}], None, ("0", "1")),
        ([{}], "", ("0",)),
        ([{"uuid": "1111"}, {"uuid": "1111"}], "MIG-x,MIG-y", ("MIG-x", "MIG-y")),
    ],
)
def test_a_gpu_bears_the_name_of_the_physical_device(monkeypatch, gpus, visible, names):
    """UUID, else PCI address, else the name by which it was made visible; parts of one GPU have names of their own."""
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    assert names_of(Cuda(gpus)) == names


def test_a_name_cannot_lead_out_of_the_folder(shared, tmp_path):
    """Whatever the environment says, the lock is a plain file of that folder."""
    claimed_number(("../../x/é", "b"), tmp_path)

    assert locks(shared) == [".gpu-------x--.lock"]


# Hostile neighbours.


def _link(path, elsewhere):
    path.symlink_to(elsewhere)


def _dangling(path, elsewhere):
    path.symlink_to(elsewhere / "nowhere")


def _file(path, elsewhere):
    path.write_text("here first")


def _fifo(path, elsewhere):
    os.mkfifo(path)


def _open_to_all(path, elsewhere):
    path.mkdir()
    path.chmod(0o777)


@pytest.mark.parametrize("plant", [_link, _dangling, _file, _fifo, _open_to_all])
def test_what_was_planted_under_the_folders_name_is_not_used(shared, tmp_path, plant):
    """A link, a file, a FIFO or a folder that others may write: nothing goes there, the suite's own folder serves."""
    elsewhere, results = tmp_path / "elsewhere", tmp_path / "results"
    elsewhere.mkdir()
    results.mkdir()
    plant(shared / f"incumbent-gpus-{os.geteuid()}", elsewhere)

    assert private(shared) is None
    assert claimed_number(GPUS, results) == 0
    assert not list(elsewhere.iterdir())
    assert [path.name for path in results.iterdir()] == [".gpu-GPU-a.lock"]


def test_a_folder_of_another_owner_is_not_used(shared, monkeypatch):
    """It bears this user's name, but is somebody else's."""
    mine = os.geteuid()
    (shared / f"incumbent-gpus-{mine + 1}").mkdir(mode=0o700)
    monkeypatch.setattr(gpu_claim.os, "geteuid", lambda: mine + 1)

    assert private(shared) is None


def test_users_do_not_collide(shared, monkeypatch):
    """Each has a folder of a name of their own, which nobody else may enter."""
    os.close(private(shared))
    (folder,) = shared.iterdir()

    assert folder.name == f"incumbent-gpus-{os.geteuid()}"
    assert folder.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("plant", [_link, _fifo, lambda path, elsewhere: path.mkdir()])
def test_what_is_no_lock_is_passed_over(shared, tmp_path, plant):
    """A link, a FIFO or a folder in the place of a lock neither hangs nor is followed: the next GPU is taken."""
    os.close(private(shared))
    plant(shared / f"incumbent-gpus-{os.geteuid()}" / ".gpu-GPU-a.lock", tmp_path / "target")

    assert claimed_number(GPUS, tmp_path) == 1
    assert not (tmp_path / "target").exists()
