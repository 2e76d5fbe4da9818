"""The table of slots that kernels read: a row of integers, one of floats and two key words for each."""

# mypy: disable-error-code="import-untyped,untyped-decorator"
from __future__ import annotations

import numpy as np
import torch
import triton
import triton.language as tl
from torch import Tensor

MOST_LAYERS = 4
"""Dense layers that a row of the table has room for."""

WHOLE_COLUMNS = 16
RATE_COLUMNS = 8
SECTIONS = (16, 4 * WHOLE_COLUMNS, 4 * RATE_COLUMNS, 16, 16)
"""Bytes a slot of each section of the table, multiples of 16 because vector loads want starts on such borders. So a
list of slots has room for four numbers a slot: for all slots, and for the idle lanes of the last group evaluated."""
POSITION = tl.constexpr(0)
BATCH = tl.constexpr(1)
ROWS = tl.constexpr(2)
EPOCH = tl.constexpr(3)
WIDTH = tl.constexpr(4)
KEEP = tl.constexpr(10)
RATE = tl.constexpr(0)
SCALE = tl.constexpr(1)
STRIDE = tl.constexpr(WHOLE_COLUMNS)
RATE_STRIDE = tl.constexpr(RATE_COLUMNS)


class Table:
    """One row per slot, written by the host between launches and read by every kernel.

    Columns of `whole` (int32): rows of the epoch trained so far, batch size, rows of an epoch (0: a dead
    slot), epoch, widths of the dense layers from input to output, dropout thresholds. Columns of `rates`
    (float32): learning rate, dropout scales. All that the host writes lies in one piece, which one copy
    brings to the device.

    Attributes:
        host_whole: `whole` as the host knows it; likewise `host_rates` and `host_keys`.
        finished: int32 on the device, slots whose epochs end with a round, then -1.
        new: likewise, slots that have no data order yet.
    """

    def __init__(self, capacity: int, device: str) -> None:
        self.pinned = device.startswith("cuda")
        self.host_keys = np.zeros((capacity, 2), dtype=np.int64)
        self.host_whole = np.zeros((capacity, WHOLE_COLUMNS), dtype=np.int32)
        self.host_rates = np.zeros((capacity, RATE_COLUMNS), dtype=np.float32)
        self._memory = torch.zeros(capacity * sum(SECTIONS), dtype=torch.uint8, device=device)
        self.keys, self.whole, self.rates, self.finished, self.new = _sections(self._memory, capacity)

    def upload(self, asleep: np.ndarray, finished: list[int], new: list[int]) -> None:
        """Copy all to the device, for the launches after this one; the host does not wait.

        Args:
            asleep: (capacity,) bool, slots that are not trained until the next upload.
            finished: see above.
            new: see above.
        """
        # A fresh piece each time, since the last one may still be on its way.
        memory = torch.empty(self._memory.shape, dtype=torch.uint8, pin_memory=self.pinned)
        keys, whole, rates, *lists = (part.numpy() for part in _sections(memory, len(self.host_whole)))
        keys[:], whole[:], rates[:] = self.host_keys, self.host_whole, self.host_rates
        whole[asleep, ROWS.value] = 0
        for part, slots in zip(lists, (finished, new), strict=True):
            part[: len(slots)], part[len(slots) :] = slots, -1
        self._memory.copy_(memory, non_blocking=True)

    def column(self, number: int) -> np.ndarray:
        """One integer of every slot, (capacity,) int32, as the host knows it; a view."""
        return self.host_whole[:, number]

    def clear(self, slot: int) -> None:
        self.host_whole[slot] = 0
        self.host_rates[slot] = 0


def _sections(memory: Tensor, capacity: int) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Views of keys, whole numbers, rates and both lists of slots in one piece of memory."""
    keys, whole, rates, finished, new = torch.split(memory, [capacity * each for each in SECTIONS])
    return (
        keys.view(torch.int64).view(-1, 2),
        whole.view(torch.int32).view(-1, WHOLE_COLUMNS),
        rates.view(torch.float32).view(-1, RATE_COLUMNS),
        finished.view(torch.int32),
        new.view(torch.int32),
    )


@triton.jit
def rows_now(whole: tl.tensor, slot: tl.tensor, step: tl.tensor) -> tl.tensor:
    """The slot's first row of this step in its epoch, and its number of rows: 0 past the epoch's end."""
    row = whole + slot * STRIDE
    batch = tl.load(row + BATCH)
    first = tl.load(row + POSITION) + step * batch
    return first, tl.maximum(tl.minimum(batch, tl.load(row + ROWS) - first), 0)


@triton.jit
def lane_rows(
    whole: tl.tensor,
    who: tl.tensor,
    lane: tl.tensor,
    step: tl.tensor,
    first: tl.tensor,
    total: tl.tensor,
    EVALUATE: tl.constexpr,
    CHUNK: tl.constexpr,
) -> tl.tensor:
    """Slot, first row and number of rows that a lane works on.

    In training a lane is a slot; in evaluation lane i works on the rows from `first` on for slot who[i].
    """
    slot = lane
    begin = tl.full((), 0, tl.int32) + first
    if EVALUATE:
        slot = tl.load(who + lane).to(tl.int64)
        count = tl.where(slot >= 0, tl.minimum(total - begin, CHUNK), 0)
        slot = tl.maximum(slot, 0)
    else:
        begin, count = rows_now(whole, lane, step)
    return slot, begin, count


@triton.jit
def advance_rows(whole: tl.tensor, STEPS: tl.constexpr) -> None:
    """Move every slot on by STEPS minibatches, at most to its epoch's end."""
    row = whole + tl.program_id(0) * STRIDE
    moved = tl.load(row + POSITION) + STEPS * tl.load(row + BATCH)
    tl.store(row + POSITION, tl.minimum(moved, tl.load(row + ROWS)))
