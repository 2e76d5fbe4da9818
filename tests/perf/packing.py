"""How well a stack's slots are used over a whole comparison: refilling beside static waves.

The harness's own batcher drives 100 real runs (random and local search, 50 repetitions, 20 trials) over a
stack that counts steps and trains nothing; its errors are made up, which moves local search about but
leaves its steps what they are: those of its batch sizes. Nothing here is timed, so it repeats exactly.
"""

from __future__ import annotations

import math
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.batching.batcher import TrialBatcher
from benchmark.construction.objective_factory import build_objective
from benchmark.reproducibility.environment import describe_environment
from benchmark.suite import parsing as suites
from benchmark.tuning.run_settings import RunSettings
from objectives.classification.base import ImageClassification
from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from objectives.stack import Stack, Ticket, Work

IMAGES = 50_000
ROWS, WIDTHS = 16, 64
"""Rows and widths are computed in tiles of these."""

SUITE = """
seed = 20240229
repetitions = 50
budget.trials = 20
algorithms.random.searcher = "random"
algorithms.local.searcher = {{ name = "local", num_init_random = 5, probab_local = 0.5 }}
[objectives.{name}]
data = "fashion_mnist"
"""


@dataclass(slots=True, kw_only=True)
class _Slot:
    config: Config
    error: float
    left: int


class CountingStack(Stack):
    """Slots that step through their minibatches without computing them."""

    route = "counting"
    arithmetic = "counting"

    def __init__(self, objective: ImageClassification, capacity: int) -> None:
        self.objective, self.capacity = objective, capacity
        self.work = Work()
        self.slots: dict[Ticket, _Slot] = {}
        self.trials: list[Config] = []

    @property
    def free(self) -> int:
        return self.capacity - len(self.slots)

    def admit(self, ticket: Ticket, config: Config, seed: np.random.SeedSequence, saved: Any = None) -> None:
        error = float(np.random.default_rng(seed).uniform())
        self.slots[ticket] = _Slot(config=config, error=error, left=self.steps(config))
        self.trials.append(config)

    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        """Go on to the next step at which some slot has finished an epoch."""
        steps = min(slot.left for slot in self.slots.values())
        self.work.steps += steps
        for slot in self.slots.values():
            slot.left -= steps
            share = steps / self.steps(slot.config)
            self.work.useful += share * self.useful(slot.config)
            self.work.spent += share * self.computed(slot.config)
        done = [ticket for ticket, slot in self.slots.items() if not slot.left]
        for ticket in done:
            self.slots[ticket].left = self.steps(self.slots[ticket].config)
        return [(ticket, Epoch(valid_error=self.slots[ticket].error, test_error=0.5, seconds=0.0)) for ticket in done]

    def pause(self, ticket: Ticket) -> None:
        del self.slots[ticket]

    def steps(self, config: Config) -> int:
        return math.ceil(IMAGES / self.objective.batch_size(config))

    def useful(self, config: Config) -> float:
        """Multiply-adds of one epoch as asked for."""
        return IMAGES * _products(_widths(config))

    def computed(self, config: Config) -> float:
        """Multiply-adds of one epoch with rows and widths rounded up to whole tiles."""
        rows = self.steps(config) * _up(self.objective.batch_size(config), ROWS)
        return rows * _products([_up(width, WIDTHS) for width in _widths(config)])


def measure() -> dict[str, dict[str, float]]:
    """Steps of refilling and of static waves, and the useful share, for every objective."""
    return {
        f"{name}, {capacity} slots": compare(name, capacity)
        for name, capacities in (("softmax", (100,)), ("lenet", (50, 100)), ("dropout_mlp", (50, 100)))
        for capacity in capacities
    }


def compare(name: str, capacity: int) -> dict[str, float]:
    """Both ways of filling slots, on the trials of a whole comparison."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "packing.toml")
        path.write_text(SUITE.format(name=name))
        suite = suites.load(str(path))
        runs = list(suite.runs())
        objective = build_objective(runs[0].objective)
        assert isinstance(objective, ImageClassification)
        object.__setattr__(objective, "epochs", 1)  # All trials have the same number of epochs: one tells as much.
        stack = CountingStack(objective, capacity)
        settings = RunSettings(
            folder=Path(scratch, "results"), machine=Machine(), environment=describe_environment("cpu", 1)
        )
        TrialBatcher(runs, objective, settings, stack, {}).execute()
    waves = static_waves([stack.steps(config) for config in stack.trials], capacity)
    return {
        "trials": len(stack.trials),
        "steps_refilled": stack.work.steps,
        "steps_in_waves": waves,
        "waves_over_refilled": waves / stack.work.steps,
        "useful_rows_and_widths": stack.work.useful / stack.work.spent,
        "useful_share": stack.work.useful / stack.work.spent * _live_share(stack),
        "live_share": _live_share(stack),
    }


def static_waves(steps: list[int], capacity: int) -> int:
    """Stack steps when a stack is filled, trained until its last trial ends, and filled again."""
    return sum(max(steps[first : first + capacity]) for first in range(0, len(steps), capacity))


def _live_share(stack: CountingStack) -> float:
    """Slot steps with a trial over all slot steps."""
    return sum(map(stack.steps, stack.trials)) / (stack.capacity * stack.work.steps)


def _widths(config: Config) -> list[int]:
    """The widths that are tuned; a network without any counts its rows alone."""
    return [int(config[name]) for name in ("num_hiddens_1", "num_hiddens_2") if name in config]


def _products(widths: list[int]) -> float:
    if not widths:
        return 1.0
    first, second = widths
    return 784 * first + first * second + second * 10


def _up(number: int, tile: int) -> int:
    return math.ceil(number / tile) * tile
