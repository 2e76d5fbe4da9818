"""The host waits for a GPU where it reads results, and nowhere else: shown without one."""

from itertools import count
from unittest import mock

import numpy as np
import pytest
import torch

from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.stacks.gpu import gpu_stack, network
from objectives.training.data import Split, load_splits
from tests.objectives.simulated_cuda import simulated_cuda
from tests.objectives.stacks.trials import trials

pytest.importorskip("triton")
pytestmark = pytest.mark.slow  # Each operation is carried out twice.

ON_CUDA = Machine(device="cuda")


@pytest.fixture
def cuda(monkeypatch):
    """The device that is simulated; kernels compute nothing, and graphs are captured as strictly as a GPU does."""
    from triton.runtime.jit import JITFunction

    from objectives.stacks.gpu import launches

    monkeypatch.setattr(JITFunction, "run", lambda self, *args, **options: None)
    with simulated_cuda() as device:
        monkeypatch.setattr(launches, "captured", device.capture)
        yield device


def few_images():
    """Some of the digits, on the host."""
    with torch.utils._python_dispatch._disable_current_modes():
        full = load_splits("digits", "standard", None, Machine())[0]
        train, valid, test = (part.take(np.arange(70)) for part in (full.train, full.valid, full.test))
        return Split(train=train, valid=valid, test=test)


@pytest.mark.parametrize("kind", [SoftmaxRegression, LeNet, DropoutMLP], ids=lambda kind: kind.__name__)
def test_only_finish_waits(kind, cuda):
    """Beginning, admitting and pausing leave the device at its work; one look at results waits once."""
    stack, queue = gpu_stack(kind(), ON_CUDA, 2, split=few_images()), trials(kind(), 4)
    stack.launches.prepare()
    waiting, until, epochs, reads = list(queue), {}, {trial.number: 0 for trial in queue}, cuda.reads
    saved = []
    while waiting or until:
        with cuda.busy():
            while waiting and stack.free:
                trial = waiting.pop(0)
                stack.admit(trial.number, trial.config, trial.seed)
                until[trial.number] = 2
                stack.begin(until)
            stack.begin(until)
        with mock.patch.object(cuda, "wait", side_effect=count()) as waits:
            results = stack.finish()
        assert waits.call_count == 1
        for number, epoch in results:
            epochs[number] += 1
            assert not epoch.diverged
            if epochs[number] == 2:
                with cuda.busy():
                    saved.append(stack.pause(number))
                del until[number]
    assert set(epochs.values()) == {2}
    with cuda.busy():
        stack.admit(0, queue[0].config, queue[0].seed, saved[0])
    assert cuda.reads == reads


@pytest.mark.parametrize(
    "wait",
    [
        lambda x: x.sum().item(),
        lambda x: x.cpu(),
        lambda x: torch.ones(4).copy_(x),
        lambda x: torch.ones(4).copy_(x, non_blocking=True),
        lambda x: x.copy_(torch.ones(4)),
        lambda x: torch.ones(4).to("cuda", non_blocking=True),
        lambda x: torch.ones(4).pin_memory().to("cuda"),
        lambda x: torch.tensor([1.0], device="cuda"),
        lambda x: torch.cuda.synchronize(),
        lambda x: torch.cuda.Event().synchronize(),
    ],
)
def test_what_waits_is_refused(wait, cuda):
    """While the device is at work, a read and a copy from or to memory that is not pinned are refused."""
    x = torch.zeros(4, device="cuda")
    wait(x)
    with cuda.busy(), pytest.raises(RuntimeError, match="while it trains"):
        wait(x)


def test_copies_of_pinned_memory_wait_for_nothing(cuda):
    """Either way, where both sides agree not to wait."""
    with cuda.busy():
        x = torch.arange(4.0).pin_memory().to("cuda", non_blocking=True)
        back = torch.empty(4, pin_memory=True).copy_(x, non_blocking=True)
        x.copy_(back, non_blocking=True)
    assert torch.equal(back, torch.arange(4.0))


PLANTED = {
    "parameters that are not pinned": (network, "to_device", lambda values, device: values.to(device)),
    "a look at a slot's weights": (
        network.Network,
        "save",
        lambda self, slot, shapes: [parameter[slot].cpu() for parameter in self.parameters],
    ),
}


@pytest.mark.parametrize("fault", PLANTED.values(), ids=PLANTED)
def test_a_planted_wait_is_caught(fault, cuda, monkeypatch):
    """The test above sees a stack that waits at an admission or a pause."""
    monkeypatch.setattr(*fault)
    with pytest.raises(RuntimeError, match="while it trains"):
        test_only_finish_waits(SoftmaxRegression, cuda)
