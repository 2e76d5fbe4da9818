"""Chooses how several trials are trained, by network and device and never by a timing.

The way decides a trial's last bits; where they are not those of `Objective.train`, ledgers name it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import torch
from torch import nn

from objectives.objective import ASKED_FOR, Machine
from objectives.space import Config
from objectives.stack import RouteRefused, Stack
from objectives.stacks import softmax
from objectives.stacks.gpu import triton_installed
from objectives.stacks.looped.sequential import layers_of
from objectives.stacks.looped.stack import LoopedStack
from objectives.stacks.network_objective import NetworkObjective
from objectives.stacks.self_check import fault_of
from objectives.training.data import load_splits
from objectives.training.network_cost import split_sizes

FAILED = "failed its self-check"
"""How a reason says that a route was passed over because of what it did on this device."""

LOOPED_CAPACITY = 32
"""Slots of a looped stack; they hold suspended trainings and cost memory only."""

FUNCTIONAL_CAPACITY = 64
"""Slots of a torch.func stack: trials fall into several blocks of 8 by their batch sizes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """A way of training several trials.

    Attributes:
        name: one of `ROUTES`.
        arithmetic: see `Stack.arithmetic`.
        make: a stack of a given or its own capacity.
        why: it is taken, in a few words.
        reason: what the record says of it: why a faster one was passed over, or that it was asked for.
    """

    name: str
    arithmetic: str
    make: Callable[[int | None], Stack]
    why: str
    reason: str | None = None

    def build(self, capacity: int | None) -> Stack:
        """Build a stack that knows why it was chosen."""
        stack = self.make(capacity)
        stack.route_reason = self.reason
        return stack


def choose_route(objective: NetworkObjective, machine: Machine) -> Route:
    """Choose the fastest way that keeps the bit contract for this objective on this device.

    On the CPU softmax regression is stacked; networks of known layers are looped, and so is whatever
    cannot be stacked; other networks of dense layers go through torch.func. On a GPU the three
    networks of the harness have kernels of their own, and every other goes through torch.func.

    Raises:
        RouteRefused: the machine names a way that this objective cannot take there.
    """
    if machine.route is not None:
        return _asked_for(objective, machine, machine.route)
    if objective.folds is not None:
        return _looped(objective, machine, "several folds train side by side")
    if machine.device != "cpu":
        return choose_gpu_route(objective, machine)
    network, image = _example(objective, machine)
    stacked = _softmax(objective, machine, network)
    if stacked is not None:
        return stacked
    if layers_of(network, image) is not None:
        return _looped(objective, machine, "its layers are known, and stacking them gains nothing on a CPU")
    return _functional(objective, machine) or _looped(objective, machine, str(_refusal(objective, machine)))


def choose_gpu_route(objective: NetworkObjective, machine: Machine) -> Route:
    """Choose the fastest way that passes its check on the device: none is trusted before; see `self_check`."""
    passed_over = []
    if objective.gpu_kernels is not None and not triton_installed():
        passed_over.append("Triton is not installed (to use the kernels: pip install triton)")
    for build in (_gpu, _functional):
        try:
            route = build(objective, machine)
        except (ImportError, OSError, RuntimeError) as error:  # A library that is there but does not work.
            passed_over.append(f"{type(error).__name__}: {' '.join(str(error).split())}")
            continue
        if route is None:
            continue
        fault = fault_of(objective, machine, route.name)
        if fault is None:
            return replace(route, reason="; ".join(passed_over) or None)
        passed_over.append(f"{route.name} {FAILED}: {fault}")
    looped = _looped(objective, machine, "the reference loop, one trial after the other")
    return replace(looped, reason="; ".join(passed_over) or None)


def _asked_for(objective: NetworkObjective, machine: Machine, name: str) -> Route:
    """Build the route that was asked for, without a check of the device."""
    if objective.folds is not None and name != "looped":
        raise RouteRefused("with folds only looped is possible")
    if name == "looped":
        route: Route | None = _looped(objective, machine, ASKED_FOR)
    elif name == "functional":
        route = _functional(objective, machine)
        if route is None:
            raise RouteRefused(str(_refusal(objective, machine)))
    elif name == "triton":
        route = _gpu(objective, machine)
    else:
        on_cpu = machine.device == "cpu"
        route = _softmax(objective, machine, _example(objective, machine)[0]) if on_cpu else None
    if route is None:
        raise RouteRefused(_missing(objective, machine, name))
    return replace(route, why=ASKED_FOR, reason=ASKED_FOR)


def _missing(objective: NetworkObjective, machine: Machine, name: str) -> str:
    if name == "stacked":
        return f"needs one dense layer, a fixed batch size and a CPU, not {machine.device}"
    if objective.gpu_kernels is None:
        return "there are no kernels for this network"
    if not triton_installed():
        return "Triton is not installed (pip install triton)"
    return f"needs a GPU, not {machine.device}"


def _softmax(objective: NetworkObjective, machine: Machine, network: nn.Module) -> Route | None:
    linear, batch = softmax.dense_layer(network), objective.fixed_batch_size
    if linear is None or batch is None or not softmax.agrees(linear.in_features, linear.out_features, batch):
        return None
    return Route(
        name="stacked",
        why="one dense layer and a fixed batch size: batched products",
        arithmetic=softmax.SoftmaxStack.arithmetic,
        make=lambda capacity: softmax.SoftmaxStack(objective, machine, capacity or softmax.CAPACITY),
    )


def _looped(objective: NetworkObjective, machine: Machine, why: str) -> Route:
    arithmetic = objective.arithmetic(machine, stacked=False)
    return Route(
        name="looped",
        why=why,
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

    return Route(name="triton", why="it has kernels of its own", arithmetic=f"triton-{machine.precision}", make=make)


def _functional(objective: NetworkObjective, machine: Machine) -> Route | None:
    from objectives.stacks.functional.stack import FunctionalStack

    if _refusal(objective, machine) is not None:
        return None
    return Route(
        name="functional",
        why="networks of equal structure, through torch.func",
        arithmetic=FunctionalStack.arithmetic,
        make=lambda capacity: FunctionalStack(objective, machine, capacity or FUNCTIONAL_CAPACITY),
    )


@cache
def _refusal(objective: NetworkObjective, machine: Machine) -> str | None:
    """Return why torch.func cannot stack this objective; cached, because the proof takes long."""
    from objectives.stacks.functional.stack import refusal

    return refusal(objective, machine)


def _example(objective: NetworkObjective, machine: Machine) -> tuple[nn.Module, torch.Size]:
    """Build a network of the objective; return it with the shape of its images."""
    split = load_splits(objective.data, objective.split, objective.folds, machine, objective.train_rows)[0]
    config = objective.default or objective.space.sample(np.random.default_rng(0))
    return objective.start(config, split, np.zeros(2, dtype=np.uint64), "cpu"), split.train.x.shape[1:]


def _training_work(objective: NetworkObjective, config: Config) -> float:
    """Count the multiply-adds of one epoch's training steps, forwards and backwards."""
    shape = objective.network_shape(config)
    trained = sum(
        size for size, _ in split_sizes(objective.data, objective.split, objective.folds, objective.train_rows)
    )
    return float(trained * (shape.forward + shape.backward))
