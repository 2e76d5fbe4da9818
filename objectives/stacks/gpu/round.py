"""A stretch of training that is launched at once, and whose results are read when it has ended."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from objectives.stack import Ticket


@dataclass(slots=True, kw_only=True, eq=False)
class Slot:
    """A trial in its slot; what kernels read of it is in the stack's table.

    Attributes:
        ticket: the caller's name.
        index: number of the slot.
        batch: rows of a full batch.
        widths: of the dense layers, from the input on.
        shapes: of the parameters.
        seconds: measured since the last epoch was handed out.
    """

    ticket: Ticket
    index: int
    batch: int
    widths: list[int]
    shapes: list[torch.Size]
    seconds: float = 0.0


@dataclass(slots=True, kw_only=True)
class Mark:
    """A point of the device's work, and when it got there; on a CPU, when the host did."""

    event: torch.cuda.Event | None
    time: float = field(default_factory=time.perf_counter)

    @classmethod
    def here(cls, device: str) -> Mark:
        """Mark the end of what has been launched so far."""
        if not device.startswith("cuda"):
            return cls(event=None)
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call,unused-ignore]
        event.record()
        return cls(event=event)

    @property
    def is_behind(self) -> bool:
        """Return whether a device beside the host has got there."""
        return self.event is not None and bool(self.event.query())  # type: ignore[no-untyped-call,unused-ignore]

    def wait(self) -> None:
        if self.event is not None:
            self.event.synchronize()

    def seconds_since(self, other: Mark) -> float:
        if self.event is None or other.event is None:
            return self.time - other.time
        return float(other.event.elapsed_time(self.event)) / 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """A stretch of training and the evaluation of the slots whose epochs end with it.

    Attributes:
        steps: of training.
        live: the slots that are trained.
        finished: those whose epochs end.
        seen: (groups, 3, lanes) int32 on the host, once `end` is behind: see `Launches.seen`.
        start, trained, end: marks before the training, behind it and behind all.
    """

    steps: int
    live: Sequence[Slot]
    finished: Sequence[Slot]
    seen: Tensor
    start: Mark
    trained: Mark
    end: Mark

    def seconds(self, validation: float) -> float:
        """Time of training and validating, the device's own.

        Args:
            validation: share of the evaluated images that validate.
        """
        return self.trained.seconds_since(self.start) + validation * self.end.seconds_since(self.trained)

    def counts(self) -> list[list[int]]:
        """For every finished slot its wrong answers in validation and test, and its weights that are not finite."""
        seen: list[list[int]] = self.seen.transpose(1, 2).reshape(-1, 3)[: len(self.finished)].tolist()
        return seen
