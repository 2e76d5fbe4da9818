"""Toy objective whose errors, results or curves cannot be sent between processes or stored in a record."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from tests.benchmark.fakes.crashing import Crashing

LONG_CURVE = 300
"""Epochs whose errors take over 10 000 bytes with all their digits, and a quarter of that with two."""


class UnpicklableError(Exception):
    """An exception that cannot be pickled because of what it holds, nor unpickled because of its arguments."""

    def __init__(self, one: object, two: object) -> None:
        super().__init__(f"Unpicklable with {one} and {two}")
        self.held = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Unpicklable(Crashing):
    """A bowl whose trials above 0.5 cannot be sent or stored.

    Args:
        how: "error" raises `UnpicklableError`, "result" gives a lock for an error, "endless" a very long curve.
    """

    @property
    def max_epochs(self) -> int:
        return LONG_CURVE if self.how == "endless" else 2

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        x = float(config["x"])
        for epoch in range(1, self.max_epochs + 1):
            if x > 0.5 and self.how == "error":
                raise UnpicklableError("one", "two")
            error = threading.Lock() if x > 0.5 and self.how == "result" else x / (epoch + 0.1)
            short = self.how == "endless" and x <= 0.5
            yield Epoch(valid_error=0.5 if short else error, test_error=0.5 if short else x, seconds=0.001)
