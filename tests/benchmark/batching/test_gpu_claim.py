"""Several GPUs: every process of this machine has one of its own, whatever suite it works for."""

import subprocess
import sys
import uuid
from types import SimpleNamespace

import pytest

from benchmark.batching import gpu_claim
from benchmark.batching.gpu_claim import _claim_least_used, claim_gpu
from objectives.objective import Machine
from tests import ROOT

CLAIM = """
import sys
from benchmark.batching.gpu_claim import _claim_least_used
print(_claim_least_used(tuple(sys.argv[1:])), flush=True)
sys.stdin.read()
"""


@pytest.fixture
def gpus(monkeypatch):
    """The UUIDs of three GPUs that nobody has claimed."""
    monkeypatch.setattr(gpu_claim, "_held", [])
    _claim_least_used.cache_clear()
    yield tuple(str(uuid.uuid4()) for _ in range(3))
    _claim_least_used.cache_clear()
    for claim in gpu_claim._held:
        claim.close()


def claim_as_another_process(gpus):
    """What one more process of this machine claims: the kernel knows sockets, not processes."""
    _claim_least_used.cache_clear()
    return _claim_least_used(gpus)


def test_a_claim_ends_with_its_process(gpus):
    """The GPU of a process that was killed is claimed by the next one."""
    command = [sys.executable, "-c", CLAIM, *gpus]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert int(process.stdout.readline()) == 0
        assert claim_as_another_process(gpus) == 1
        process.kill()
        process.wait()

    assert claim_as_another_process(gpus) == 0


def test_processes_spread_evenly_over_the_gpus(gpus):
    """With more processes than GPUs, no GPU has two processes more than another."""
    assert [claim_as_another_process(gpus) for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]


def test_another_order_of_visible_gpus_is_no_other_gpu(gpus):
    """Number 0 of one process may be number 1 of another: the claim is of the device."""
    first, second, third = gpus
    assert claim_as_another_process((first, second)) == 0
    assert claim_as_another_process((second, first)) == 0
    assert claim_as_another_process((first, second, third)) == 2


def test_more_processes_than_claims_share_the_first_gpu(monkeypatch, gpus):
    """Where no claim is left nothing fails: the GPU is shared."""
    monkeypatch.setattr(gpu_claim, "MOST_SHARING", 0)

    assert claim_as_another_process(gpus) == 0


def test_a_process_claims_one_gpu_however_often_it_asks(monkeypatch, gpus):
    """Another suite in the same process, as in an audit, trains on the first one's GPU."""
    properties = [SimpleNamespace(uuid=name, name="one kind") for name in gpus]
    cuda = SimpleNamespace(device_count=lambda: len(gpus), get_device_properties=properties.__getitem__)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))

    assert [claim_gpu(Machine(device="cuda")).device for _ in range(2)] == ["cuda:0"] * 2
    assert len(gpu_claim._held) == 1


def test_gpus_of_another_kind_than_the_first_are_claimed_by_nobody(monkeypatch, gpus):
    """Their bits may differ, and the headers name the first one's kind."""
    kinds = ["large", "small", "large"]
    properties = [SimpleNamespace(uuid=uuid, name=kind) for uuid, kind in zip(gpus, kinds, strict=True)]
    cuda = SimpleNamespace(device_count=lambda: len(gpus), get_device_properties=properties.__getitem__)
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace(cuda=cuda))
    claimed = []
    for _ in range(4):
        _claim_least_used.cache_clear()
        claimed.append(claim_gpu(Machine(device="cuda")).device)

    assert claimed == ["cuda:0", "cuda:2"] * 2


@pytest.mark.parametrize("device", ["cpu", "cuda:1"])
def test_a_named_device_is_left_alone(gpus, device):
    """Only `cuda` means any GPU."""
    machine = Machine(device=device)

    assert claim_gpu(machine) is machine
    assert not gpu_claim._held
