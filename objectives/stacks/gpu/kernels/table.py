"""The table of slots that kernels read: a row of integers, one of floats and two key words for each."""

# mypy: disable-error-code="import-untyped,untyped-decorator"
from __future__ import annotations

import numpy as np
import torch
import triton
import triton.language as tl

MOST_LAYERS = 4
"""Dense layers that a row of the table has room for."""

WHOLE_COLUMNS = 16
RATE_COLUMNS = 8
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
    (float32): learning rate, dropout scales.
    """

    def __init__(self, capacity: int, device: str) -> None:
        self.host_whole = np.zeros((capacity, WHOLE_COLUMNS), dtype=np.int32)
        self.host_rates = np.zeros((capacity, RATE_COLUMNS), dtype=np.float32)
        self.host_keys = np.zeros((capacity, 2), dtype=np.int64)
        self.whole = torch.zeros((capacity, WHOLE_COLUMNS), dtype=torch.int32, device=device)
        self.rates = torch.zeros((capacity, RATE_COLUMNS), dtype=torch.float32, device=device)
        self.keys = torch.zeros((capacity, 2), dtype=torch.int64, device=device)

    def upload(self) -> None:
        self.whole.copy_(torch.from_numpy(self.host_whole))
        self.rates.copy_(torch.from_numpy(self.host_rates))
        self.keys.copy_(torch.from_numpy(self.host_keys))

    def column(self, number: int) -> np.ndarray:
        """One integer of every slot, (capacity,) int32, as the host knows it; a view."""
        return self.host_whole[:, number]

    def clear(self, slot: int) -> None:
        self.host_whole[slot] = 0
        self.host_rates[slot] = 0


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
