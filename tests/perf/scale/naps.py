"""An objective that sleeps: trials of known length that take no core, so that more workers than cores are honest."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from tests.benchmark.fakes.unit_interval import UnitInterval


@dataclass(frozen=True, slots=True, kw_only=True)
class Nap(UnitInterval):
    """A trial of half to one and a half `seconds`, by its configuration.

    Args:
        seconds: mean length of a trial.
        log: folder in which every process writes when its trials began and ended, by the machine's monotonic
            clock, which all processes share, and what it had used of its processor when each began.
    """

    seconds: float = 0.05
    log: str = ""

    @property
    def max_epochs(self) -> int:
        return 1

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        began, used, x = time.monotonic(), time.process_time(), float(config["x"])
        time.sleep(self.seconds * (0.5 + x))
        ended = time.monotonic()
        if self.log:
            with open(f"{self.log}/{os.getpid()}", "a") as file:  # noqa: PTH123 (a Path for every trial costs more)
                file.write(f"{began!r} {ended!r} {used!r}\n")
        yield Epoch(valid_error=x, test_error=x, seconds=ended - began)
