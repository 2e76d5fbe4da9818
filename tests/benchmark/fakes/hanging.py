"""A toy objective whose trials are slow or hang for ever; imported by dotted path, also in workers."""

import hashlib
import os
import signal
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import numpy as np

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config
from tests.benchmark.fakes.unit_interval import UnitInterval


def sleep() -> None:
    """Sleep, which a signal interrupts."""
    time.sleep(10_000)


def busy() -> None:
    """Compute in Python, between whose instructions signals are handled."""
    while True:
        pass


def stubborn() -> None:
    """Compute in Python and catch every exception."""
    while True:
        try:
            time.sleep(10_000)
        except BaseException:
            continue


def native() -> None:
    """Compute in C without the interpreter's lock: other threads run, but no signal handler does."""
    hashlib.pbkdf2_hmac("sha256", b"", b"", 2**31 - 1)


def locked() -> None:
    """Compute in C with the interpreter's lock: no other thread of the process runs."""
    deque(repeat(0), maxlen=0)


def stop() -> None:
    """Stop the process, threads and all, as Ctrl-Z does."""
    os.kill(os.getpid(), signal.SIGSTOP)


WAYS = {way.__name__: way for way in (sleep, busy, stubborn, native, locked, stop)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hanging(UnitInterval):
    """A bowl whose trials above `limit` hang in their second epoch, in one of `WAYS`.

    Args:
        how: one of `WAYS`.
        limit: hangs above it; 1.0 never.
        pace: seconds that an epoch sleeps.
        mark: a folder that gets an empty file, named by its process, where a trial is about to hang.
    """

    how: str = "sleep"
    limit: float = 1.0
    pace: float = 0.0
    mark: str = ""

    @property
    def nominal_seconds(self) -> float | None:
        return 3.0

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        x = float(config["x"])
        for epoch in (1, 2):
            time.sleep(self.pace)
            if x > self.limit and epoch == 2:
                if self.mark:
                    Path(self.mark, str(os.getpid())).touch()
                WAYS[self.how]()
            yield Epoch(valid_error=(x - 0.3) ** 2 / epoch, test_error=x, seconds=0.001)
