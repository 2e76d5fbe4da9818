"""What a stack launches: a graph of training steps and a graph of the evaluation of some slots."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor

from objectives.stacks.cuda_graph import captured
from objectives.stacks.gpu.images import DeviceImages
from objectives.stacks.gpu.kernels.dense import count_not_finite
from objectives.stacks.gpu.kernels.philox import orders
from objectives.stacks.gpu.kernels.table import EPOCH, advance_rows
from objectives.stacks.gpu.network import Network, StackBuffers, count_tiles

FINITE_TILE = 4096
ORDERS_AT_ONCE = 64
"""Data orders sorted together: 64 of 60 000 words are 31 MB."""


@dataclass(slots=True, kw_only=True)
class Launches:
    """Launches of a stack's kernels; none waits for the device.

    Attributes:
        quantum: steps of one replay.
        seen: (3, lanes) int32, of the slots evaluated last: wrong answers of validation and test, and how
            many weights are not finite.
        steps: trains all slots for `quantum` steps.
        evaluate: evaluates the slots that `site.who` names.
    """

    site: StackBuffers
    network: Network
    images: DeviceImages
    quantum: int
    seen: Tensor = field(init=False)
    steps: Callable[[], None] = field(init=False)
    evaluate: Callable[[], None] = field(init=False)
    _broken: Tensor = field(init=False)
    _prepared: bool = False

    def __post_init__(self) -> None:
        self.seen = torch.zeros((3, self.site.lanes), dtype=torch.int32, device=self.site.device)
        self._broken = torch.zeros(self.site.lanes, dtype=torch.int32, device=self.site.device)
        self.steps, self.evaluate = self._steps, self._evaluate

    def prepare(self) -> None:
        """Compile all kernels on empty slots and, on a GPU, capture their launches as graphs; once."""
        if self._prepared:
            return
        self._prepared = True
        if not self.site.device.startswith("cuda"):
            return
        self.site.table.whole.zero_()
        self.site.who.fill_(-1)
        for launch in (self._steps, self._evaluate):
            launch()
        torch.cuda.synchronize(self.site.device)
        self.steps, self.evaluate = captured(self._steps), captured(self._evaluate)

    def order(self, on_device: Tensor, slots: list[int], *, later: int) -> None:
        """Draw data orders.

        Args:
            on_device: starts with the numbers of the slots.
            slots: these numbers, as the host knows them.
            later: epochs after the one that the table has.
        """
        table, count = self.site.table, len(self.site.train)
        for first in range(0, len(slots), ORDERS_AT_ONCE):
            part = slots[first : first + ORDERS_AT_ONCE]
            numbers = on_device[first : first + len(part)]
            epochs = table.whole[:, EPOCH.value].index_select(0, numbers) + later
            drawn = orders(numbers, table.keys, epochs, count)
            torch._foreach_copy_([self.site.order[slot] for slot in part], list(drawn))

    def _steps(self) -> None:
        for step in range(self.quantum):
            self.network.step(step)
        advance_rows[(self.site.capacity,)](self.site.table.whole, STEPS=self.quantum)

    def _evaluate(self) -> None:
        self._count_wrong(0)
        if self.images.test is self.images.valid:
            self.seen[1].copy_(self.seen[0])
        else:
            self._count_wrong(1)
        self._broken.zero_()
        for parameter in self.network.parameters:
            size = parameter[0].numel()
            count_not_finite[(count_tiles(size, FINITE_TILE), self.site.lanes)](
                parameter, self.site.who, self._broken, SIZE=size, TILE=FINITE_TILE
            )
        self.seen[2].copy_(self._broken)

    def _count_wrong(self, part: int) -> None:
        images = (self.images.valid, self.images.test)[part]
        self.site.wrong.zero_()
        for first in range(0, len(images), self.site.chunk):
            self.network.evaluate(images, first)
        self.seen[part].copy_(self.site.wrong)
