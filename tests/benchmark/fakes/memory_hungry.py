"""A toy objective whose stack takes memory for every training slot; imported by dotted path, also in workers."""

from dataclasses import dataclass

import numpy as np
import torch

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.stack import Ticket
from tests.benchmark.fakes.stacked_toy import StackedToy, ToyStack


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryHungry(StackedToy):
    """Slots that need memory while they train.

    Args:
        room: trials that fit on a simulated GPU side by side; None simulates no limit.
        megabytes: of the host that every training slot takes.
        giant: this x fits nowhere.
        returned: whether the stack returns the error for every trial, as some do, instead of raising it.
    """

    room: int | None = None
    megabytes: int = 0
    giant: int | None = None
    returned: bool = False

    def stack(self, machine: Machine, capacity: int | None = None) -> "MemoryHungryStack":
        return MemoryHungryStack(self, capacity or 16)


class MemoryHungryStack(ToyStack):
    """Trains like the stack that it extends, if the memory suffices."""

    objective: MemoryHungry

    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        try:
            return self._within_memory()
        except (torch.OutOfMemoryError, MemoryError) as error:
            if not self.objective.returned:
                raise
            tickets = list(self.slots)
            self.slots.clear()
            return [(ticket, error) for ticket in tickets]

    def _within_memory(self) -> list[tuple[Ticket, Epoch | Exception]]:
        giant = any(slot.config["x"] == self.objective.giant for slot in self.slots.values())
        if giant or (self.objective.room is not None and len(self.slots) > self.objective.room):
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        held = [np.ones((self.objective.megabytes, 2**17)) for _ in self.slots]
        result = super().advance()
        del held
        return result
