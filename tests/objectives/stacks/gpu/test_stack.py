"""Slots: who gets one, what is refused, what is counted."""

import math
from dataclasses import dataclass
from unittest import mock

import numpy as np
import pytest
import torch
from triton.runtime.interpreter import InterpreterBuilder

from objectives.classification.lenet import LeNet
from objectives.classification.softmax import SoftmaxRegression
from objectives.objective import Machine
from objectives.stacks.gpu import gpu_stack
from objectives.stacks.gpu.plan import typical_quantum
from tests.objectives.stacks.gpu.trials import CONFIGS, OBJECTIVES, excerpt, seed_of, stack_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed(SoftmaxRegression):
    """A user's own variant."""


def admitted(name, capacity, count):
    stack = stack_of(name, capacity, quantum=1)
    for number in range(count):
        stack.admit(number, CONFIGS[name][number], seed_of(number))
    return stack


@pytest.mark.slow
def test_other_objectives_are_left_to_others():
    """A subclass may have another network, and folds are several trainings: no stack."""
    assert gpu_stack(Changed(), Machine(), 1) is None
    assert gpu_stack(SoftmaxRegression(folds=3), Machine(), 1) is None


def test_bad_options_are_refused():
    """Precision and capacity are checked before anything is allocated."""
    with pytest.raises(ValueError, match="precision = 'bf16': not one of ieee"):
        gpu_stack(SoftmaxRegression(), Machine(), 1, "bf16")
    with pytest.raises(ValueError, match="capacity = 0"):
        gpu_stack(SoftmaxRegression(), Machine(), 0)


def test_slots_are_counted_and_defended():
    """A full stack, a ticket twice, an unknown ticket and a batch that is too large are refused."""
    stack = admitted("softmax", 2, 2)
    assert stack.free == 0
    with pytest.raises(ValueError, match="all 2 slots are taken"):
        stack.admit(2, CONFIGS["softmax"][2], seed_of(2))
    with pytest.raises(ValueError, match="ticket 'nobody': in no slot"):
        stack.pause("nobody")
    stack.pause(0)
    assert stack.free == 1
    with pytest.raises(ValueError, match="ticket 1: already in a slot"):
        stack.admit(1, CONFIGS["softmax"][1], seed_of(1))
    wide = {**CONFIGS["dropout_mlp"][0], "num_hiddens_1": 999}
    with pytest.raises(ValueError, match=r"parameter of shape \(999, 64\): the stack holds up to"):
        admitted("dropout_mlp", 2, 0).admit(0, wide, seed_of(0))
    lenet = gpu_stack(LeNet(), Machine(), 1)
    with pytest.raises(ValueError, match="batch_size = 300"):
        lenet.admit(0, {"learning_rate": 0.1, "batch_size": 300}, seed_of(0))
    assert lenet.free == 1


def test_a_trial_is_paused_between_epochs_only():
    """While a slower neighbour is in the middle of its epoch, it cannot be paused."""
    stack = admitted("dropout_mlp", 2, 2)
    finished = {ticket for ticket, _ in stack.advance()}

    assert finished == {1}
    with pytest.raises(ValueError, match="ticket 0: in the middle of an epoch"):
        stack.pause(0)


def test_an_empty_stack_has_nothing_to_do():
    """No trials, no epochs, no steps."""
    stack = stack_of("softmax", 2)

    assert stack.advance() == []
    assert stack.work.steps == 0


def test_work_is_counted():
    """Steps of an epoch, live slots in them, and multiply-adds by hand."""
    stack = admitted("softmax", 4, 2)
    stack.advance()
    rows = len(excerpt("softmax").train)

    assert stack.work.steps == math.ceil(rows / 16)
    assert stack.slot_steps == 2 * stack.work.steps
    assert stack.work.useful == 2 * 2 * rows * 64 * 10


@pytest.mark.parametrize(
    "name", ["softmax", *(pytest.param(name, marks=pytest.mark.slow) for name in ("lenet", "dropout_mlp"))]
)
def test_the_multiply_adds_of_a_step_are_those_of_its_products(name):
    """What the interpreter's products multiply in a step, padding included, is what the stack counts as spent."""
    counted, create_dot = [], InterpreterBuilder.create_dot

    def counting(builder, a, b, *rest):
        counted.append(math.prod(a.data.shape) * b.data.shape[-1])
        return create_dot(builder, a, b, *rest)

    stack = stack_of(name, 2, quantum=1)
    stack.admit(0, CONFIGS[name][0], seed_of(0))
    with mock.patch.object(InterpreterBuilder, "create_dot", counting):
        stack._train(np.array([0]), [], 1)
    [slot, _] = stack._slots

    useful, spent = stack.network.multiply_adds(min(slot.batch, len(excerpt(name).train)), slot.widths)
    assert sum(counted) == spent
    assert spent > useful


def test_seconds_are_shared():
    """Every epoch has positive seconds."""
    stack = admitted("softmax", 2, 2)

    assert all(epoch.seconds > 0 for _, epoch in stack.advance())


def test_saved_weights_are_copies():
    """What a pause returns does not change when the slot is used again."""
    stack = admitted("softmax", 1, 1)
    stack.advance()
    saved = stack.pause(0)
    before = [parameter.clone() for parameter in saved.parameters]
    stack.admit(1, CONFIGS["softmax"][1], seed_of(1))
    stack.advance()

    assert saved.epoch == 1
    assert [tuple(p.shape) for p in saved.parameters] == [(10, 64), (10,)]
    assert all(torch.equal(one, other) for one, other in zip(before, saved.parameters, strict=True))


@pytest.mark.parametrize("name", ["softmax", "lenet", "dropout_mlp"])
def test_graphs_are_short_beside_an_epoch(name):
    """A replay is a power of two of steps, at most a 32nd of a typical epoch."""
    large = typical_quantum(OBJECTIVES[name](data="fashion_mnist"), 50_000)
    small = typical_quantum(OBJECTIVES[name](), 1197)

    assert large in (1, 2, 4, 8, 16, 32)
    assert 1 <= small <= large
