"""A toy objective whose stack trains in microseconds, counts, and finishes in a shuffled order; by dotted path too."""

import os
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from scipy import stats

from benchmark.calibration.cost_model import Calibration, CostModel
from objectives.cost import CostTerms
from objectives.epoch import Epoch
from objectives.objective import Machine, Objective
from objectives.space import Config, Space
from objectives.stack import Stack, Ticket, Work

CHANCE = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class StackedToy(Objective):
    """A small discrete space, so that algorithms often ask for the same trial.

    Args:
        epochs: of a full training.
        choices: size of the space.
        shuffle: seed of the order in which slots finish.
        parallel: what its stack says of itself.
        raising: a trial with x % 5 == 3 raises in this epoch.
        diverging: a trial with x % 5 == 4 diverges in this epoch.
        log: a file that gets a line for every epoch trained, and for every epoch that raised.
        drift: a file; once it is there, errors are others than they were.
        marker: a file; while it is missing, the first epoch trained makes it and kills its process.
        deadly: training this x kills its process.
    """

    TIMES_ITSELF: ClassVar[bool] = True

    epochs: int = 4
    choices: int = 10
    shuffle: int = 0
    parallel: bool = True
    raising: int | None = None
    diverging: int | None = None
    log: str = ""
    drift: str = ""
    marker: str = ""
    deadly: int | None = None

    @property
    def space(self) -> Space:
        return Space({"x": stats.randint(0, self.choices)})

    @property
    def default(self) -> Config | None:
        return {"x": 0}

    @property
    def max_epochs(self) -> int:
        return self.epochs

    @property
    def chance_error(self) -> float:
        return CHANCE

    def prepare(self, machine: Machine) -> dict[str, str]:
        return {"toy": "0" * 64}

    def cost_options(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return {}

    def cost_terms(self, config: Config) -> CostTerms:
        return CostTerms(set_up={"networks": 1.0}, epoch={"steps": 1.0 + int(config["x"]) % 3})

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        for number in range(1, self.epochs + 1):
            yield self.epoch(config, seed, number)

    def epoch(self, config: Config, seed: np.random.SeedSequence, number: int) -> Epoch:
        """What this epoch of a trial comes to: a function of configuration, seed and number."""
        x = int(config["x"])
        self._perish(x)
        if self.log:
            with Path(self.log).open("a") as file:
                file.write(f"{x} {number} {seed.spawn_key}\n")
        if x % 5 == 3 and self.raising == number:
            raise ArithmeticError(f"x = {x} raised")
        if x % 5 == 4 and self.diverging == number:
            return Epoch(valid_error=CHANCE, test_error=CHANCE, seconds=1.0, diverged=True)
        noise = np.random.default_rng(seed).random(number)[-1]
        error = (
            x / self.choices / 2 + float(noise) / number / 4 + (0.01 if self.drift and Path(self.drift).exists() else 0)
        )
        return Epoch(valid_error=error, test_error=error / 2, seconds=1.0)

    def _perish(self, x: int) -> None:
        once = bool(self.marker) and not Path(self.marker).exists()
        if once:
            Path(self.marker).touch()
        if once or x == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    @property
    def stackable(self) -> bool:
        return True

    def stack(self, machine: Machine, capacity: int | None = None) -> "ToyStack":
        return ToyStack(self, capacity or 5)


@dataclass(slots=True, kw_only=True)
class Slot:
    """A trial in a slot, or a paused one: what it is and how far."""

    config: Config
    seed: np.random.SeedSequence
    epoch: int = 0

    @property
    def name(self) -> tuple[int, tuple[int, ...]]:
        """Tells one trial from every other."""
        return int(self.config["x"]), self.seed.spawn_key


class ToyStack(Stack):
    """Trains any of its slots at any time; refuses to be used otherwise than its interface says.

    Args:
        objective: says what an epoch comes to.
        capacity: slots.

    Attributes:
        trained: how often each epoch of each trial was trained, those that raised included.
        seconds: measured by the toy's reckoning: one for every epoch that did not raise.
    """

    route = "toy"
    arithmetic = "reference"

    def __init__(self, objective: StackedToy, capacity: int) -> None:
        self.objective, self.capacity, self.work = objective, capacity, Work()
        self.parallel = objective.parallel
        self.rng = np.random.default_rng(objective.shuffle)
        self.slots: dict[Ticket, Slot] = {}
        self.just_finished: set[Ticket] = set()
        self.trained: Counter[tuple[tuple[int, tuple[int, ...]], int]] = Counter()
        self.seconds = 0.0

    @property
    def free(self) -> int:
        return self.capacity - len(self.slots)

    def admit(self, ticket: Ticket, config: Config, seed: np.random.SeedSequence, saved: Slot | None = None) -> None:
        assert self.free > 0, "over-filled"
        assert ticket not in self.slots, "in a slot already"
        slot = Slot(config=dict(config), seed=seed) if saved is None else saved
        assert (slot.config, slot.seed.spawn_key) == (config, seed.spawn_key), "another trial's state"
        assert slot.name not in {other.name for other in self.slots.values()}, "one trial in two slots"
        self.slots[ticket] = slot

    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        tickets = list(self.slots)
        if not tickets:
            return []
        count = int(self.rng.integers(1, len(tickets) + 1))
        chosen = [tickets[place] for place in self.rng.permutation(len(tickets))[:count]]
        results = [(ticket, self._train(self.slots[ticket])) for ticket in chosen]
        for ticket, result in results:
            if isinstance(result, Exception) or result.diverged:
                del self.slots[ticket]
        self.just_finished = {ticket for ticket in chosen if ticket in self.slots}
        return results

    def pause(self, ticket: Ticket) -> Slot:
        assert ticket in self.just_finished, "in the middle of an epoch"
        self.just_finished.remove(ticket)
        return self.slots.pop(ticket)

    def _train(self, slot: Slot) -> Epoch | Exception:
        assert slot.epoch < self.objective.max_epochs, "trained to its end already"
        slot.epoch += 1
        self.trained[slot.name, slot.epoch] += 1
        self.work.steps += 1
        try:
            epoch = self.objective.epoch(slot.config, slot.seed, slot.epoch)
        except ArithmeticError as error:
            return error
        self.seconds += epoch.seconds
        return epoch


SUITE = """
seed = 3
repetitions = {repetitions}
clock = "modelled"
calibration = "prices.toml"
budget.evaluations = 6
objectives.toy = {{ name = "tests.benchmark.fakes.stacked_toy:StackedToy", choices = 12 {options} }}
algorithms.random.searcher = "random"
algorithms.local.searcher = "local"
algorithms.halving = {{ scheduler = {{ name = "successive_halving", eta = 2, prefact = 1 }}, searcher = "random" }}
"""


def suite(repetitions: int, options: str) -> str:
    """The text of a suite on this objective, whose options are given as TOML."""
    return SUITE.format(repetitions=repetitions, options=options and f", {options}")


def invented_calibration(objectives: Mapping[str, Objective]) -> Calibration:
    """A calibration that prices objectives by invented numbers; nothing was measured for it."""
    unmeasured: dict[str, Any] = {field.name: 1 for field in fields(CostModel)}
    entries = []
    for name, objective in objectives.items():
        config = objective.default or objective.space.sample(np.random.default_rng(0))
        terms = objective.cost_terms(config)
        costs = {
            "set_up": {term: 0.1 * place for place, term in enumerate(terms.set_up, start=1)},
            "epoch": {term: 0.3 / place for place, term in enumerate(terms.epoch, start=1)},
        }
        named = {"name": name, "options": dict(objective.cost_options({})), "date": "2000-01-01"}
        entries.append(CostModel(**{**unmeasured, **named, **costs}))
    return Calibration(name="invented", device="none", versions={"none": "0"}, cost_models=tuple(entries))


def toy_prices() -> str:
    """The calibration file of this objective alone."""
    return invented_calibration({"tests.benchmark.fakes.stacked_toy:StackedToy": StackedToy()}).to_toml()


class Script:
    """A scheduler that asks for what it is told to.

    Args:
        steps: pairs of x and epochs, in order.
    """

    def __init__(self, steps: list[list[int]]) -> None:
        self.steps = list(steps)

    def suggest(self) -> Config | None:
        if not self.steps:
            return None
        x, epochs = self.steps.pop(0)
        return {"x": x, "max_epochs": epochs}

    def update(self, config: Config, error: float, info: Any = None) -> None:
        """Learns nothing."""
