"""Toy objectives and algorithms that crash, raise or do not repeat themselves; imported by dotted path."""

import os
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from tests.benchmark.fakes.unit_interval import UnitInterval


@dataclass(frozen=True, slots=True, kw_only=True)
class Crashing(UnitInterval):
    """A bowl whose training kills its process: once (while `marker` is missing), or above `limit` always."""

    marker: str = ""
    limit: float = 1.0
    how: str = "SIGKILL"

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        x = float(config["x"])
        if self.marker and not Path(self.marker).exists():
            Path(self.marker).touch()
            self._die()
        if x > self.limit:
            self._die()
        for epoch in (1, 2):
            yield Epoch(valid_error=(x - 0.3) ** 2 / epoch, test_error=x, seconds=0.001)

    def _die(self) -> None:
        if self.how == "exit":
            os._exit(3)
        os.kill(os.getpid(), getattr(signal, self.how))


class RaisingSearcher:
    """A searcher that raises at its third proposal."""

    def __init__(self, config_space: dict) -> None:
        self.space, self.calls = config_space, 0

    def sample_configuration(self) -> Config:
        self.calls += 1
        if self.calls == 3:
            raise RuntimeError("out of ideas")
        return {name: distribution.rvs() for name, distribution in self.space.items()}

    def update(self, config: Config, error: float, additional_info: object = None) -> None:
        """Learns nothing."""


class NonRepeatingSearcher(RaisingSearcher):
    """A searcher whose proposals differ from run to run: it draws from the operating system."""

    def sample_configuration(self) -> Config:
        return {name: d.ppf(int.from_bytes(os.urandom(4), "big") / 2**32) for name, d in self.space.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class RaisingOrDiverging(Crashing):
    """A bowl of which a third of the space raises and another third diverges."""

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        x = float(config["x"])
        if x > 2 / 3:
            raise ArithmeticError("stumbled")
        error = float("nan") if x > 1 / 3 else x
        for _ in (1, 2):
            yield Epoch(valid_error=error, test_error=x, seconds=0.001)
