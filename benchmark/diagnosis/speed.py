"""Measures how many steps of training a second an objective's route makes, and the reference loop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmark.reproducibility.environment import deterministic_arithmetic
from objectives.classification.base import ImageClassification
from objectives.objective import Machine
from objectives.stack import Stack
from objectives.stacks.route import Route
from objectives.training.network_cost import split_sizes

SECONDS = 0.3
"""Least time of a measurement; the epoch that goes on then is the last one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """Steps a second, evaluations at the epochs' ends included.

    Attributes:
        route: of all trials side by side together.
        reference: of one trial by the reference loop.
    """

    route: float
    reference: float


def measure_speed(objective: ImageClassification, machine: Machine, route: Route) -> Speed:
    """Train the default configuration, or the first one drawn, for some epochs by each of the two."""
    config = objective.default or objective.space.sample(np.random.default_rng(0))
    batch = objective.batch_size(config)
    steps = sum(
        math.ceil(rows / batch)
        for rows, _ in split_sizes(objective.data, objective.split, objective.folds, objective.train_rows)
    )
    with deterministic_arithmetic(machine.device):
        curve = objective.reference(config, np.random.SeedSequence(0), machine)
        reference = _epochs_a_second(lambda: 0 if next(curve, None) is None else 1)
        stack = route.build(None)
        for number in range(stack.capacity if stack.parallel else 1):
            stack.admit(number, config, np.random.SeedSequence(number))
        beside = _epochs_a_second(lambda: _advance(stack))
    return Speed(route=steps * beside, reference=steps * reference)


def _advance(stack: Stack) -> int:
    """Count the epochs that trials have finished; raises what one has raised."""
    finished = stack.advance()
    for _, epoch in finished:
        if isinstance(epoch, Exception):
            raise epoch
    return len(finished)


def _epochs_a_second(train: Callable[[], int]) -> float:
    """Time a function that trains on and returns the epochs finished; its first call, which warms up, apart.

    It has come to its end when it finishes none.
    """
    train()
    started, epochs, seconds = time.perf_counter(), 0, 0.0
    while seconds < SECONDS:
        finished = train()
        if not finished:
            break
        epochs += finished
        seconds = time.perf_counter() - started
    return epochs / seconds if seconds else math.nan
