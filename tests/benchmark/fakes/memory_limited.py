"""A toy objective that is killed where more processes train than there is memory for."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from tests.benchmark.fakes.crashing import Crashing


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryLimited(Crashing):
    """A bowl that kills its process while more than `most` processes train.

    Args:
        folder: where every process that trains has a file named by its number.
        most: processes that there is memory for.
    """

    folder: str = ""
    most: int = 1

    @property
    def nominal_seconds(self) -> float | None:
        return 1.0

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        mine = Path(self.folder, str(os.getpid()))
        mine.touch()
        for _ in range(10):
            time.sleep(0.03)
            if self._at_work() > self.most:
                os.kill(os.getpid(), signal.SIGKILL)
        yield from Crashing.train(self, config, seed, machine)
        mine.unlink()

    def _at_work(self) -> int:
        count = 0
        for path in Path(self.folder).iterdir():
            with suppress(ProcessLookupError):
                os.kill(int(path.name), 0)
                count += 1
        return count
