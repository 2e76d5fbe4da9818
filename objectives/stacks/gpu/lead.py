"""How far a device is ahead of the host that reads its results."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

FORGOTTEN = 0.02
"""Share of the longest pause that is forgotten with each that is shorter."""


@dataclass(slots=True, kw_only=True)
class Lead:
    """Steps that are launched before earlier results are read: as many as the host leaves the device alone for.

    By a lead that is too short the device is idle while the host decides; by one that is too long, new trials wait
    for their first step. It follows the host's clock, and no result depends on it.

    Attributes:
        least: steps for a host that decides at once.
        clock: tells seconds.
        step: seconds of a step of the device, of the last training.
        pause: seconds that the host may leave the device alone.
        left: when it did so last.
    """

    least: int
    clock: Callable[[], float]
    step: float = 0.0
    pause: float = 0.0
    left: float | None = None

    @property
    def steps(self) -> int:
        return max(self.least, int(self.pause / self.step) if self.step else 0)

    def leave(self) -> None:
        """Note that the host turns to something else."""
        self.left = self.clock()

    def come_back(self) -> None:
        """Note that the host looks after the device again."""
        if self.left is not None:
            self.pause = max(self.clock() - self.left, (1 - FORGOTTEN) * self.pause)
            self.left = None
