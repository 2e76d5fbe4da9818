"""Toy objectives that are killed in a crowd, or come to what no process can send; reached by dotted path."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from tests.benchmark.fakes.deadly import Deadly

LONG = 30_000
"""Epochs whose errors take over a megabyte with all their digits, and a quarter of one with two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Crowd(Deadly):
    """The bowl, where more than so many processes at work are more than there is memory for.

    Args:
        folder: where every process at work has a file named by its number.
        most: processes that there is room for.
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
        yield from Deadly.train(self, config, seed, machine)
        mine.unlink()

    def _at_work(self) -> int:
        count = 0
        for path in Path(self.folder).iterdir():
            with suppress(ProcessLookupError):
                os.kill(int(path.name), 0)
                count += 1
        return count


class Torn(Exception):
    """An exception that can neither be sent, for what it holds, nor made again, for its arguments."""

    def __init__(self, one: object, two: object) -> None:
        super().__init__(f"Torn by {one} and {two}")
        self.held = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Strange(Deadly):
    """The bowl, whose upper half is strange.

    Args:
        how: "error" raises `Torn`, "result" gives a lock for an error, "endless" a curve of megabytes.
    """

    @property
    def max_epochs(self) -> int:
        return LONG if self.how == "endless" else 2

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        x = float(config["x"])
        for epoch in range(1, self.max_epochs + 1):
            if x > 0.5 and self.how == "error":
                raise Torn("one", "two")
            error = threading.Lock() if x > 0.5 and self.how == "result" else x / (epoch + 0.1)
            short = self.how == "endless" and x <= 0.5
            yield Epoch(valid_error=0.5 if short else error, test_error=0.5 if short else x, seconds=0.001)
