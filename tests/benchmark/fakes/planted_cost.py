"""An objective whose trials report the seconds of a planted cost model, with noise; nothing is timed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats

from objectives.cost import CostTerms
from objectives.epoch import Epoch
from objectives.objective import Machine, Objective
from objectives.space import Config, Space

SPACE = Space({"batch_size": stats.randint(8, 257), "width": stats.randint(4, 513), "rate": stats.loguniform(1e-3, 1)})
SET_UP = {"networks": 2e-3, "parameters": 5e-9}
EPOCH = {"steps": 3e-4, "products": 2e-10, "values": 4e-9}
ROWS = 5000


@dataclass(frozen=True, slots=True, kw_only=True)
class PlantedCost(Objective):
    """Costs SET_UP and EPOCH times its counts, give or take a factor of normal noise.

    Args:
        noise: standard deviation of the factor.
        spikes: share of epochs that something disturbed: they take twice as long.
        seconds: what an epoch reports instead, if not None.
        silent: whether training gives no epoch at all.
    """

    noise: float = 0.0
    spikes: float = 0.0
    seconds: float | None = None
    silent: bool = False

    @property
    def space(self) -> Space:
        return SPACE

    @property
    def default(self) -> Config | None:
        return None

    @property
    def max_epochs(self) -> int:
        return 6

    @property
    def chance_error(self) -> float:
        return 1.0

    def prepare(self, machine: Machine) -> dict[str, str]:
        return {}

    def cost_options(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return {}

    def cost_terms(self, config: Config) -> CostTerms:
        width, steps = int(config["width"]), -(-ROWS // int(config["batch_size"]))
        return CostTerms(
            set_up={"networks": 1.0, "parameters": width * 794.0},
            epoch={"steps": float(steps), "products": ROWS * width * 794.0, "values": ROWS * (width + 200.0)},
        )

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        rng = np.random.default_rng(seed)
        terms = self.cost_terms(config)
        set_up = sum(SET_UP[name] * count for name, count in terms.set_up.items())
        epoch = sum(EPOCH[name] * count for name, count in terms.epoch.items())
        for number in range(0 if self.silent else self.max_epochs):
            factor = (1 + self.noise * rng.standard_normal()) * (2 if rng.random() < self.spikes else 1)
            seconds = factor * (epoch + (set_up if number == 0 else 0))
            yield Epoch(valid_error=0.5, test_error=0.5, seconds=self.seconds if self.seconds is not None else seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plain(Objective):
    """A user's objective that says nothing of costs; every epoch takes a quarter of a second.

    Args:
        choices: size of its space.
    """

    choices: int = 1000

    @property
    def space(self) -> Space:
        return Space({"x": stats.randint(0, self.choices)})

    @property
    def default(self) -> Config | None:
        return None

    @property
    def max_epochs(self) -> int:
        return 3

    @property
    def chance_error(self) -> float:
        return 1.0

    def prepare(self, machine: Machine) -> dict[str, str]:
        return {}

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        for _ in range(self.max_epochs):
            yield Epoch(valid_error=0.5, test_error=0.5, seconds=0.25)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpriceable(Plain):
    """Counts what cannot be priced.

    Args:
        kind: "raises", "negative", "endless", "nothing" or "other".
    """

    kind: str = "raises"

    def cost_terms(self, config: Config) -> CostTerms:
        if self.kind == "raises":
            raise RuntimeError("no idea")
        if self.kind == "other":
            return CostTerms(set_up={}, epoch={"centuries": 1.0})
        count = {"negative": -1.0, "endless": float("inf"), "nothing": 0.0}[self.kind]
        return CostTerms(set_up={}, epoch={"epochs": count})
