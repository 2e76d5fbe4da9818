"""What runs on a GPU obeys a GPU's rules: shown without one, by tensors that say they are on it."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import torch

from objectives.classification import base
from objectives.classification.dropout_mlp import DropoutMLP
from objectives.classification.lenet import LeNet
from objectives.classification.mlp import MLP
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.stacks import self_check
from objectives.stacks.functional.stack import FunctionalStack
from objectives.stacks.looped import stack as looped
from objectives.training import data
from objectives.training.data import DataSet, Images, load_digits, load_splits
from objectives.training.reference_loop import count_wrong
from tests.objectives.classification.own_network import OwnNetwork
from tests.objectives.simulated_cuda import simulated_cuda
from tests.objectives.stacks.trials import alone, outcome, through, trials

pytestmark = pytest.mark.slow  # Each operation is carried out twice.

OBJECTIVES = (SoftmaxRegression, LeNet, DropoutMLP, MLP, OwnNetwork)
FEW = Path("a folder of few digits")  # Distinguishes these from the real digits, which are kept once loaded.
ON_CUDA = Machine(device="cuda", data=FEW)
EPOCHS = 2


@pytest.fixture(autouse=True)
def few_digits(monkeypatch):
    """A data set of 60 images for training, 70 for validation and 70 for testing, as "digits"."""
    real = load_digits()
    few = DataSet(
        develop=real.develop.take(np.arange(130)), test=real.test.take(np.arange(70)), valid_size=70, checksums={}
    )
    monkeypatch.setattr(data, "LOADERS", {"digits": lambda folder: few})
    yield
    for cache in (data._load, data._splits, base._warm_up):
        cache.cache_clear()


@pytest.fixture
def cuda():
    """The device that is simulated."""
    with simulated_cuda() as device:
        yield device


def every(classes=OBJECTIVES):
    return pytest.mark.parametrize("kind", classes, ids=lambda kind: kind.__name__)


def curve(way, trial, machine):
    return [outcome(epoch) for epoch in islice(way(trial.config, trial.seed, machine), EPOCHS)]


def of_cpu(function, *arguments):
    """What a function gives outside of the simulation."""
    with torch.utils._python_dispatch._disable_current_modes():
        return function(*arguments)


@pytest.mark.parametrize(
    ("kind", "options"),
    [*((kind, {}) for kind in OBJECTIVES), (LeNet, {"folds": 2}), (SoftmaxRegression, {"split": "book"})],
    ids=str,
)
def test_an_objective_is_prepared_and_trained(kind, options, cuda):
    """Preparing, training and evaluating mix no devices; the errors are those of the reference loop on the CPU."""
    objective, [trial] = kind(**options), trials(kind(), 1)
    objective.prepare(ON_CUDA)
    found = curve(objective.train, trial, ON_CUDA)
    assert found == of_cpu(curve, objective.reference, trial, Machine(data=FEW))


@every((LeNet, DropoutMLP))
def test_an_objective_is_calibrated(kind, cuda):
    """The excerpt that a calibration times is trained on the device, whole or in part."""
    objective, [trial] = kind(), trials(kind(), 1)
    for rows in (20, 10_000):
        probe = objective.probe(trial.config, trial.seed, ON_CUDA, rows)
        assert next(probe.epochs).seconds > 0.0


@every((SoftmaxRegression, OwnNetwork))
def test_trials_are_stacked(kind, cuda):
    """Tracing, steps, refills, pauses and evaluations of the functional route mix no devices."""
    objective, queue = kind(), trials(kind(), 4)
    pauses = np.random.default_rng(0)
    stack = FunctionalStack(objective, ON_CUDA, 3)
    found = through([stack], queue, EPOCHS, pauses=pauses)
    assert stack.work.steps > 0
    assert found == of_cpu(alone, objective.reference, queue, EPOCHS, Machine(data=FEW))


def test_a_route_is_checked_on_its_device(cuda, monkeypatch):
    """The check's own trials, and the reference loop beside them, mix no devices."""
    for name in ("TRIALS", "EPOCHS"):
        monkeypatch.setattr(self_check, name, 1)
    assert self_check.find_fault(OwnNetwork(), ON_CUDA, "functional") is None


def test_a_step_of_a_stack_waits_for_nothing(cuda):
    """A step reads no value of the device and copies none to it, so that it can be captured as a graph."""
    stack = FunctionalStack(OwnNetwork(), ON_CUDA, 2)
    for trial in trials(OwnNetwork(), 2):
        stack.admit(trial.number, trial.config, trial.seed)
    [block, *_] = [block for group in stack.groups.values() for block in group.blocks]
    for slot in range(len(block.trials)):
        block.start_epoch(slot)
    with cuda.captured():
        block.step()


def test_trials_that_finish_together_are_read_once(cuda):
    """However many trials of a block have finished an epoch, their counts come to the host in one piece."""
    stack = FunctionalStack(SoftmaxRegression(), ON_CUDA, 3)
    for trial in trials(SoftmaxRegression(), 3):
        stack.admit(trial.number, trial.config, trial.seed)
    for _ in range(2):
        before = cuda.reads
        assert len(stack.advance()) == 3
        assert cuda.reads == before + 1


@pytest.mark.parametrize("times", [1, 9])
def test_an_evaluation_reads_one_value(times, cuda):
    """Wrong answers are summed on the device, however many batches there are."""
    split = load_splits("digits", "standard", None, ON_CUDA)[0]
    several = Images(x=split.valid.x.repeat(times, 1, 1, 1), y=split.valid.y.repeat(times))
    network = SoftmaxRegression().start({"learning_rate": 0.1}, split, np.zeros(2, dtype=np.uint64), "cuda")
    before = cuda.reads
    count_wrong(network, several)
    assert cuda.reads == before + 1


def train_by_the_loop_for_cpus(x):
    """An epoch by the looped route, whose indices and slopes are on the CPU."""
    objective, split = SoftmaxRegression(), load_splits("digits", "standard", None, ON_CUDA)[0]
    key = np.zeros(2, dtype=np.uint64)
    network = objective.start({"learning_rate": 0.1}, split, key, "cuda")
    next(looped.train(network, split, learning_rate=0.1, batch_size=16, key=key))


FAULTS = {
    "the loop that is written for the CPU": train_by_the_loop_for_cpus,
    "an index of the CPU": lambda x: x.index_select(0, torch.tensor([0, 1])),
    "a constant of the CPU in a product": lambda x: x @ torch.ones(64, 10),
    "a mask of the CPU": lambda x: torch.where(torch.ones(64, dtype=torch.bool), x, x),
    "a bias of the CPU": lambda x: torch.nn.functional.linear(x, torch.ones(10, 64, device="cuda"), torch.ones(10)),
    "a result of the CPU": lambda x: torch.add(x, x, out=torch.empty(4, 64)),
    "a generator of the CPU": lambda x: torch.rand(4, device="cuda", generator=torch.Generator()),
    "a generator of the CPU in place": lambda x: x.uniform_(generator=torch.Generator()),
    "numbers handed to NumPy": lambda x: x.numpy(),
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_what_a_gpu_refuses_is_refused(fault, cuda):
    """Each fault that a GPU would refuse raises here too."""
    with pytest.raises((RuntimeError, TypeError)):
        fault(torch.zeros(4, 64, device="cuda"))


@pytest.mark.parametrize(
    "wait",
    [
        lambda x: x.sum().item(),
        lambda x: bool(x.isfinite().all()),
        lambda x: x + torch.as_tensor(2, device=x.device),
        lambda x: x.copy_(torch.ones(4, 64)),
        lambda x: x.cpu(),
        lambda x: x.nonzero(),
    ],
    ids=["item", "bool", "as_tensor", "copy_", "cpu", "nonzero"],
)
def test_what_would_wait_for_a_gpu_is_refused_in_a_graph(wait, cuda):
    """While steps are captured, nothing is read from the device or copied to it."""
    x = torch.zeros(4, 64, device="cuda")
    wait(x)
    with cuda.captured(), pytest.raises(RuntimeError, match="captured"):
        wait(x)
