"""Chooses how several trials are trained, by network and device and never by a timing.

The way decides a trial's last bits; where they are not those of `Objective.train`, ledgers name it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from torch import nn

from objectives.objective import Machine
from objectives.space import Config
from objectives.stack import Stack
from objectives.stacks import softmax
from objectives.stacks.looped.sequential import layers_of
from objectives.stacks.looped.stack import LoopedStack
from objectives.stacks.network_objective import NetworkObjective
from objectives.training.data import load_splits
from objectives.training.network_cost import split_sizes

LOOPED_CAPACITY = 32
"""Slots of a looped stack; they hold suspended trainings and cost memory only."""

FUNCTIONAL_CAPACITY = 64
"""Slots of a torch.func stack: trials fall into several blocks of 8 by their batch sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way of training several trials.

    Attributes:
        arithmetic: see `Stack.arithmetic`.
        make: a stack of a given or its own capacity.
    """

    arithmetic: str
    make: Callable[[int | None], Stack]


def choose_route(objective: NetworkObjective, machine: Machine) -> Route:
    """Choose the fastest way that keeps the bit contract for this objective on this device.

    On the CPU softmax regression is stacked; networks of known layers are looped, and so is whatever
    cannot be stacked; other networks of dense layers go through torch.func. On a GPU the three
    networks of the harness have kernels of their own, and every other goes through torch.func.
    """
    if objective.folds is not None:
        return _looped(objective, machine)
    if machine.device != "cpu":
        return _gpu(objective, machine) or _functional(objective, machine) or _looped(objective, machine)
    network, image = _example(objective, machine)
    found = _softmax(objective, machine, network)
    if found is None and layers_of(network, image) is None:
        found = _functional(objective, machine)
    return found or _looped(objective, machine)


def _softmax(objective: NetworkObjective, machine: Machine, network: nn.Module) -> Route | None:
    linear, batch = softmax.dense_layer(network), objective.fixed_batch_size
    if linear is None or batch is None or not softmax.agrees(linear.in_features, linear.out_features, batch):
        return None
    return Route(
        arithmetic=softmax.SoftmaxStack.arithmetic,
        make=lambda capacity: softmax.SoftmaxStack(objective, machine, capacity or softmax.CAPACITY),
    )


def _looped(objective: NetworkObjective, machine: Machine) -> Route:
    arithmetic = objective.arithmetic(machine, stacked=False)
    return Route(
        arithmetic=arithmetic,
        make=lambda capacity: LoopedStack(
            lambda config, seed: objective.train(config, seed, machine),
            lambda config: _training_work(objective, config),
            route="looped",
            capacity=capacity or LOOPED_CAPACITY,
            arithmetic=arithmetic,
        ),
    )


def _gpu(objective: NetworkObjective, machine: Machine) -> Route | None:
    from objectives.stacks.gpu import gpu_stack, has_kernels

    if not has_kernels(objective, machine):
        return None

    def make(capacity: int | None) -> Stack:
        stack = gpu_stack(objective, machine, capacity, machine.precision)
        assert stack is not None
        return stack

    return Route(arithmetic=f"triton-{machine.precision}", make=make)


def _functional(objective: NetworkObjective, machine: Machine) -> Route | None:
    from objectives.stacks.functional.stack import FunctionalStack

    if _refusal(objective, machine) is not None:
        return None
    return Route(
        arithmetic=FunctionalStack.arithmetic,
        make=lambda capacity: FunctionalStack(objective, machine, capacity or FUNCTIONAL_CAPACITY),
    )


@cache
def _refusal(objective: NetworkObjective, machine: Machine) -> str | None:
    """Why torch.func cannot stack this objective; cached, because the proof takes long."""
    from objectives.stacks.functional.stack import refusal

    return refusal(objective, machine)


def _example(objective: NetworkObjective, machine: Machine) -> tuple[nn.Module, torch.Size]:
    """Build a network of the objective; return it with the shape of its images."""
    split = load_splits(objective.data, objective.split, objective.folds, machine)[0]
    config = objective.default or objective.space.sample(np.random.default_rng(0))
    return objective.start(config, split, np.zeros(2, dtype=np.uint64), "cpu"), split.train.x.shape[1:]


def _training_work(objective: NetworkObjective, config: Config) -> float:
    """Count the multiply-adds of one epoch's training steps, forwards and backwards."""
    shape = objective.network_shape(config)
    trained = sum(size for size, _ in split_sizes(objective.data, objective.split, objective.folds))
    return float(trained * (shape.forward + shape.backward))
