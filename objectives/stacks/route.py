"""Which way of training several trials is taken: a rule of network and device, never of a timing.

The route decides a trial's last bits, so a ledger names it; on the CPU the stacked and the looped route
give the same bits, as far as `softmax.agrees` has it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from objectives.data import load_splits
from objectives.networks import multiply_adds
from objectives.objective import Machine
from objectives.space import Config
from objectives.stack import Stack
from objectives.stacks import softmax
from objectives.stacks.chain import layers_of
from objectives.stacks.looped import LoopedStack

if TYPE_CHECKING:
    from objectives.classification import ImageClassification

LOOPED_CAPACITY = 32
"""Slots of a looped stack; they hold suspended trainings and cost memory only."""


def choose(objective: ImageClassification, machine: Machine, capacity: int | None) -> Stack:
    """The fastest route for this objective on this device that keeps the bit contract."""
    if objective.folds is None:
        found = _cuda(objective, machine, capacity) if machine.device != "cpu" else _cpu(objective, machine, capacity)
        if found is not None:
            return found
    return LoopedStack(
        lambda config, seed: objective.train(config, seed, machine),
        lambda config: _training_work(objective, machine, config),
        route="looped",
        capacity=capacity or LOOPED_CAPACITY,
    )


def _cpu(objective: ImageClassification, machine: Machine, capacity: int | None) -> Stack | None:
    network, image = _example(objective, machine)
    linear = softmax.dense_layer(network)
    batch = objective.fixed_batch_size
    if linear is not None and batch is not None and softmax.agrees(linear.in_features, linear.out_features, batch):
        return softmax.SoftmaxStack(objective, machine, capacity or softmax.CAPACITY)
    return None if layers_of(network, image) is not None else _functional(objective, machine, capacity)


def _example(objective: ImageClassification, machine: Machine) -> tuple[torch.nn.Module, torch.Size]:
    split = load_splits(objective.data, objective.split, objective.folds, machine)[0]
    config = objective.default or objective.space.sample(np.random.default_rng(0))
    key = np.zeros(2, dtype=np.uint64)
    return objective.start(config, split, key, "cpu"), split.train.x.shape[1:]


def _training_work(objective: ImageClassification, machine: Machine, config: Config) -> float:
    """Multiply-adds of one epoch's training steps: a forward pass and twice that backward."""
    splits = load_splits(objective.data, objective.split, objective.folds, machine)
    with torch.device("meta"):
        network = objective.network(config, splits[0])
    return 3.0 * multiply_adds(network, splits[0].train.x.shape[1:]) * sum(len(split.train) for split in splits)


def _cuda(objective: ImageClassification, machine: Machine, capacity: int | None) -> Stack | None:
    return _functional(objective, machine, capacity)


def _functional(objective: ImageClassification, machine: Machine, capacity: int | None) -> Stack | None:
    return None
