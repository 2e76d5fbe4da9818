"""Checks a route on the device where it is to train, before any result depends on it.

A few trials are trained in stacks of two sizes, where each must come out the same to the bit, and by the reference
loop on the same device, with which they must agree within rounding.
"""

from __future__ import annotations

import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import islice

import numpy as np
import torch
from torch import Tensor

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from objectives.stack import Stack
from objectives.stacks.network_objective import NetworkObjective
from objectives.stacks.separate_process import CannotBeSent, ProcessFailed, call_in_process
from objectives.training.counter_rng import trial_key
from objectives.training.data import Split, load_splits
from objectives.training.reference_loop import epoch_from_counts, train

CHECKED_ROUTES = ("triton", "functional")

TRIALS = 3
EPOCHS = 2
SIZES = (1, 7)
"""Slots of the two stacks: refilled one after the other, and side by side in another order."""

IMAGES = (300, 150, 150)
FEW_IMAGES = (40, 20, 15)
"""Images to train on, to validate and to test with; few in Triton's interpreter, where kernels take seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tolerance:
    """How far a trial may be from the reference loop's.

    Attributes:
        weight: greatest difference of a weight, in units of the network's greatest one.
        wrong: greatest difference in wrong answers, of images on the border of two classes.
    """

    weight: float
    wrong: int


FLOAT32 = Tolerance(weight=1e-4, wrong=2)
"""Products in float32 that are summed in another order differ by 2e-7 here."""

TF32 = Tolerance(weight=1e-2, wrong=8)
"""Plain TF32 keeps 11 bits of a factor."""

BUSY = "busy or unavailable"
"""What CUDA says of a device that takes no further process."""

SECONDS = 300.0
"""A check that takes longer has failed; the greatest part of it is the compilation of kernels."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedTrial:
    """A trial of the check; its number is its ticket."""

    number: int
    config: Config

    @property
    def seed(self) -> np.random.SeedSequence:
        return np.random.SeedSequence(0, spawn_key=(self.number,))


@dataclass(slots=True, kw_only=True)
class Curve:
    """What came of a trial: validation and test error of each epoch, whether it diverged, and its last weights."""

    errors: list[tuple[float, float]] = field(default_factory=list)
    diverged: bool = False
    weights: list[Tensor] | None = None

    def add(self, epoch: Epoch) -> bool:
        """Add an epoch; return whether it was the last one of a trial that has weights to show."""
        assert epoch.test_error is not None, "networks have a test set"
        self.errors.append((epoch.valid_error, epoch.test_error))
        self.diverged = epoch.diverged
        return len(self.errors) == EPOCHS and not self.diverged


def find_fault_apart(objective: NetworkObjective, machine: Machine, route: str) -> str | None:
    """Check a route in a process of its own: a kernel that ends the device's context, or never ends, harms no other.

    Returns:
        What is wrong with it, in one line; None where all is well.
    """
    try:
        fault = call_in_process(_find_fault_deterministically, objective, machine, route, seconds=SECONDS)
    except ProcessFailed as error:
        return str(error)
    except CannotBeSent:
        return find_fault(objective, machine, route)
    # In CUDA's exclusive mode a GPU takes one process, and this one may have it.
    return find_fault(objective, machine, route) if fault is not None and BUSY in fault else fault


@cache
def fault_of(objective: NetworkObjective, machine: Machine, route: str) -> str | None:
    """Return what `find_fault_apart` finds, which is called once a process."""
    return find_fault_apart(objective, machine, route)


def _find_fault_deterministically(objective: NetworkObjective, machine: Machine, route: str) -> str | None:
    """Check under the settings that trainings have."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    if ":" in machine.device:
        torch.cuda.set_device(machine.device)
    return find_fault(objective, machine, route)


def find_fault(objective: NetworkObjective, machine: Machine, route: str) -> str | None:
    """Check a route in this process.

    Args:
        objective: what is trained, on a few of its images.
        machine: where.
        route: one of `CHECKED_ROUTES`.

    Returns:
        What is wrong with it, in one line; None where all is well.
    """
    try:
        split = excerpt(objective, machine)
        trials = choose_trials(objective)
        alone, beside = (_train(_build_stack(objective, machine, route, split, size), order)
                         for size, order in zip(SIZES, (trials, trials[::-1]), strict=True))  # fmt: skip
        for trial in trials:
            if not _same(alone[trial.number], beside[trial.number]):
                return f"a trial's bits differ between stacks of {SIZES[0]} and {SIZES[1]} slots"
        tolerance = TF32 if route == "triton" and machine.precision == "tf32" else FLOAT32
        for trial in trials:
            expected = _train_by_reference(objective, machine, split, trial)
            difference = _difference(alone[trial.number], expected, tolerance, split)
            if difference is not None:
                return difference
    except Exception as error:  # A compiler, a driver or a device may raise anything.
        return " ".join("".join(traceback.format_exception_only(error)).split())[:300]
    return None


def excerpt(objective: NetworkObjective, machine: Machine) -> Split:
    """The first of the objective's images, on the CPU."""
    host = Machine(device="cpu", data=machine.data)
    full = load_splits(objective.data, objective.split, None, host, objective.train_rows)[0]
    sizes = IMAGES if machine.device != "cpu" else FEW_IMAGES
    train_part, valid, test = (
        part.take(np.arange(min(size, len(part))))
        for part, size in zip((full.train, full.valid, full.test), sizes, strict=True)
    )
    return Split(train=train_part, valid=valid, test=test)


def _on_device(split: Split, machine: Machine) -> Split:
    train_part, valid, test = (part.to(machine.device) for part in (split.train, split.valid, split.test))
    return Split(train=train_part, valid=valid, test=test)


def choose_trials(objective: NetworkObjective) -> list[CheckedTrial]:
    """The default configuration and some that are drawn, always the same."""
    random = np.random.default_rng(0)
    drawn = [objective.space.sample(random) for _ in range(TRIALS)]
    configs = drawn if objective.default is None else [objective.default, *drawn[1:]]
    return [CheckedTrial(number=number, config=config) for number, config in enumerate(configs)]


def _build_stack(objective: NetworkObjective, machine: Machine, route: str, split: Split, size: int) -> Stack:
    if route == "functional":
        from objectives.stacks.functional.stack import FunctionalStack

        return FunctionalStack(objective, machine, size, split=_on_device(split, machine))
    from objectives.stacks.gpu import gpu_stack

    stack = gpu_stack(objective, machine, size, machine.precision, split=split)
    assert stack is not None
    return stack


def _train(stack: Stack, trials: Sequence[CheckedTrial]) -> dict[int, Curve]:
    """Train all trials through a stack, each free slot taken by the next one."""
    waiting, curves = list(trials), {trial.number: Curve() for trial in trials}
    while waiting or stack.free < stack.capacity:
        while waiting and stack.free:
            trial = waiting.pop(0)
            stack.admit(trial.number, trial.config, trial.seed)
        for ticket, epoch in stack.advance():
            if isinstance(epoch, Exception):
                raise epoch
            assert isinstance(ticket, int)
            if curves[ticket].add(epoch):
                # A network that a stack trains by itself shows none.
                curves[ticket].weights = list(getattr(stack.pause(ticket), "parameters", ())) or None
    return curves


def _train_by_reference(objective: NetworkObjective, machine: Machine, split: Split, trial: CheckedTrial) -> Curve:
    split, key = _on_device(split, machine), trial_key(trial.seed, 0)
    network = objective.start(trial.config, split, key, machine.device)
    loop = train(
        network,
        split,
        learning_rate=objective.learning_rate(trial.config),
        batch_size=objective.batch_size(trial.config),
        key=key,
    )
    curve = Curve()
    for counts in islice(loop, EPOCHS):
        epoch = epoch_from_counts(counts, valid=len(split.valid), test=len(split.test), chance=objective.chance_error)
        if curve.add(epoch):
            curve.weights = [parameter.detach() for parameter in network.parameters()]
        if epoch.diverged:
            break
    return curve


def _same(first: Curve, other: Curve) -> bool:
    """Return whether two curves are equal to the bit, NaN included."""
    if (first.errors, first.diverged) != (other.errors, other.diverged) or (first.weights is None) != (
        other.weights is None
    ):
        return False
    pairs = zip(first.weights or (), other.weights or (), strict=True)
    return all(torch.equal(a.view(torch.int32), b.view(torch.int32)) for a, b in pairs)


def _difference(found: Curve, expected: Curve, tolerance: Tolerance, split: Split) -> str | None:
    """Describe in what a curve is farther from the reference loop's than rounding explains; None in nothing."""
    parts = (split.valid, split.test)
    if found.diverged != expected.diverged:
        return "a trial diverges here and not in the reference loop, or the other way round"
    for ours, theirs in zip(found.errors, expected.errors, strict=True):
        wrong = max(abs(one - other) * len(part) for one, other, part in zip(ours, theirs, parts, strict=False))
        if wrong > tolerance.wrong + 0.5:
            return f"an error is {wrong:.0f} images from the reference loop's, more than {tolerance.wrong}"
    if found.weights is None or expected.weights is None:
        return None
    scale = max(float(weight.abs().max()) for weight in expected.weights)
    pairs = zip(found.weights, expected.weights, strict=True)
    greatest = max(float((a.to(b.device) - b).abs().max()) for a, b in pairs)
    if not greatest <= tolerance.weight * scale:
        return f"a weight is {greatest:.2g} from the reference loop's, more than {tolerance.weight * scale:.2g}"
    return None
