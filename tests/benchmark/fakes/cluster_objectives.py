"""Toy objectives for the tests of backends; imported by dotted path, in any process."""

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from tests.benchmark.fakes.crashing import Crashing


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowCrashing(Crashing):
    """A bowl whose epochs take a given time.

    Args:
        pause: seconds for every epoch.
    """

    pause: float = 0.05

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        for epoch in Crashing.train(self, config, seed, machine):
            time.sleep(self.pause)
            yield epoch


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerKilling(Crashing):
    """A bowl whose fatal trials also kill the parent process: a worker of a cluster, as when a node fails.

    Args:
        log: a file that gets a line for each death.
    """

    log: str = ""

    def _die(self) -> None:
        if self.log:
            with Path(self.log).open("a") as file:
                file.write("died\n")
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
