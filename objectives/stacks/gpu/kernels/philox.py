"""Random numbers on the device as `counter_rng` draws them: Philox4x64-10, dropout decisions, data orders."""

# mypy: disable-error-code="import-untyped,untyped-decorator"
from __future__ import annotations

import torch
import triton
import triton.language as tl
from torch import Tensor

from objectives.training.counter_rng import DROPOUT_BITS, MULTIPLIERS, ROUNDS, WEYL, Purpose

M0, M1 = tl.constexpr(MULTIPLIERS[0]), tl.constexpr(MULTIPLIERS[1])
W0, W1 = tl.constexpr(WEYL[0]), tl.constexpr(WEYL[1])
PHILOX_ROUNDS = tl.constexpr(ROUNDS)
ORDER = tl.constexpr(int(Purpose.ORDER))
DROPOUT = tl.constexpr(int(Purpose.DROPOUT))
BITS = tl.constexpr(DROPOUT_BITS)
MASK = tl.constexpr(2**DROPOUT_BITS - 1)

ORDER_TILE = 1024
"""Elements of a data order that one program draws."""


@triton.jit
def philox(keys: tl.tensor, block: tl.tensor, epoch: tl.tensor, index: tl.tensor, PURPOSE: tl.constexpr) -> tl.tensor:
    """Draw four uint64 tensors of the shape of `block` (int64, counted from 1); `keys` points to two int64."""
    k0 = tl.load(keys).to(tl.uint64, bitcast=True)
    k1 = tl.load(keys + 1).to(tl.uint64, bitcast=True)
    c0 = block.to(tl.uint64)
    c1 = tl.zeros_like(c0) + epoch.to(tl.uint64)
    c2 = tl.zeros_like(c0) + index
    c3 = tl.zeros_like(c0) + PURPOSE
    m0 = tl.zeros_like(c0) + M0
    m1 = tl.zeros_like(c0) + M1
    for _ in tl.static_range(PHILOX_ROUNDS):
        high0 = tl.umulhi(c0, m0)
        high1 = tl.umulhi(c2, m1)
        low0 = c0 * m0
        low1 = c2 * m1
        c0 = high1 ^ c1 ^ k0
        c1 = low1
        c2 = high0 ^ c3 ^ k1
        c3 = low0
        k0 = k0 + W0
        k1 = k1 + W1
    return c0, c1, c2, c3


@triton.jit
def keep_bits(
    keys: tl.tensor, epoch: tl.tensor, position: tl.tensor, width: tl.tensor, column: tl.tensor, INDEX:
    tl.constexpr, ROWS: tl.constexpr,
    COLUMNS: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Draws (ROWS, COLUMNS) int32 of the rows at `position` and the units from `column` on, as `KeepBits`.

    `column` and COLUMNS are multiples of 16, so that every block of the generator belongs to one tile.
    """
    per_row = (width + BITS - 1) // BITS
    within = column // BITS + tl.arange(0, COLUMNS // BITS)
    block = (position[:, None] * per_row + within[None, :] + 1).to(tl.int64)
    w0, w1, w2, w3 = philox(keys, block, epoch, INDEX, DROPOUT)
    words = tl.reshape(tl.join(tl.join(w0, w2), tl.join(w1, w3)), (ROWS, COLUMNS // 4))
    shifts = (tl.arange(0, 4) * BITS).to(tl.uint64)
    draws = (words[:, :, None] >> shifts[None, None, :]) & MASK
    return tl.reshape(draws, (ROWS, COLUMNS)).to(tl.int32)


@triton.jit
def _tagged_words(
    slots: tl.tensor,
    keys: tl.tensor,
    epochs: tl.tensor,
    out: tl.tensor,
    COUNT: tl.constexpr,
    LOW: tl.constexpr,
    TILE: tl.constexpr,
) -> None:
    """Random words with the element's number in the low bits, top bit flipped: they sort as signed words."""
    lane = tl.program_id(0).to(tl.int64)
    slot = tl.load(slots + lane).to(tl.int64)
    block = tl.program_id(1) * (TILE // 4) + tl.arange(0, TILE // 4)
    w0, w1, w2, w3 = philox(keys + 2 * slot, (block + 1).to(tl.int64), tl.load(epochs + lane), 0, ORDER)
    words = tl.reshape(tl.join(tl.join(w0, w2), tl.join(w1, w3)), (TILE,))
    element = tl.program_id(1) * TILE + tl.arange(0, TILE)
    shift = tl.zeros_like(words) + LOW
    words = ((words >> shift) << shift) | element.to(tl.uint64)
    flipped = words.to(tl.int64, bitcast=True) ^ (-(2**63))
    tl.store(out + lane * COUNT + element, flipped, mask=element < COUNT)


def orders(slots: Tensor, keys: Tensor, epochs: Tensor, count: int) -> Tensor:
    """Data orders (m, count) int32 of the `slots` (m,) int32 in their `epochs` (m,) int32.

    Args:
        slots: rows of `keys`.
        keys: (capacity, 2) int64, the bits of the trials' Philox keys.
        epochs: the epoch of each.
        count: training images.
    """
    words = torch.empty((len(slots), count), dtype=torch.int64, device=keys.device)
    grid = (len(slots), -(-count // ORDER_TILE))
    low = max(1, (count - 1).bit_length())
    _tagged_words[grid](slots, keys, epochs, words, COUNT=count, LOW=low, TILE=ORDER_TILE)
    return (torch.sort(words, dim=1).values & ((1 << low) - 1)).to(torch.int32)


@triton.jit(do_not_specialize=["epoch", "count", "width"])
def _store_draws(
    keys: tl.tensor, out: tl.tensor, epoch: tl.tensor, count: tl.tensor, width: tl.tensor,
    INDEX: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
) -> None:  # fmt: skip
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    bits = keep_bits(keys, epoch, row, width, tl.program_id(1) * COLUMNS, INDEX, ROWS, COLUMNS)
    place = out + row[:, None] * width + column[None, :]
    tl.store(place, bits, mask=(row < count)[:, None] & (column < width)[None, :])


def dropout_draws(key: Tensor, *, layer: int, epoch: int, rows: int, width: int) -> Tensor:
    """Draws (rows, width) int32 of an epoch's first rows, as `KeepBits.rows` gives them; for checks.

    Args:
        key: (2,) int64, the bits of a trial's Philox key.
        layer: the dropout's number in its network.
        epoch: the epoch.
        rows: how many.
        width: units of the layer.
    """
    out = torch.empty((rows, width), dtype=torch.int32, device=key.device)
    grid = (-(-rows // 16), -(-width // 64))
    _store_draws[grid](key, out, epoch, rows, width, INDEX=layer, ROWS=16, COLUMNS=64)
    return out


@triton.jit(do_not_specialize=["keep_stride", "scale_stride"])
def _store_masks(
    keys: tl.tensor, epochs: tl.tensor, positions: tl.tensor, keeps: tl.tensor, scales: tl.tensor, out: tl.tensor,
    keep_stride: tl.tensor, scale_stride: tl.tensor,
    COUNT: tl.constexpr, WIDTH: tl.constexpr, INDEX: tl.constexpr, ROWS: tl.constexpr, COLUMNS: tl.constexpr,
) -> None:  # fmt: skip
    """Store a tile of one slot's mask; COUNT rows and WIDTH units a slot."""
    slot = tl.program_id(2).to(tl.int64)
    row = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    column = tl.program_id(1) * COLUMNS + tl.arange(0, COLUMNS)
    position = tl.load(positions + slot * COUNT + row, mask=row < COUNT, other=0)
    epoch = tl.load(epochs + slot)
    bits = keep_bits(keys + 2 * slot, epoch, position, WIDTH, tl.program_id(1) * COLUMNS, INDEX, ROWS, COLUMNS)
    kept = bits < tl.load(keeps + slot * keep_stride)
    values = tl.where(kept, tl.load(scales + slot * scale_stride), 0.0)
    at = out + slot * COUNT * WIDTH + row[:, None] * WIDTH + column[None, :]
    tl.store(at, values, mask=(row < COUNT)[:, None] & (column < WIDTH)[None, :])


def dropout_masks(
    out: Tensor, key: Tensor, epoch: Tensor, position: Tensor, keep: Tensor, scale: Tensor, *, layer: int
) -> None:
    """Draw one layer's masks of a minibatch of every slot: 0, or `scale` where an element is kept.

    Args:
        out: (slots, rows, ...) float32, overwritten.
        key: (slots, 2) int64, the bits of the trials' Philox keys.
        epoch: (slots,) int64.
        position: (slots, rows) int64, the rows' places in their epochs.
        keep: (slots,) int64, thresholds; every n-th number of its memory.
        scale: (slots,) float32, likewise.
        layer: the dropout's number in its network.
    """
    slots, count, width = len(out), out.shape[1], out[0, 0].numel()
    _store_masks[(-(-count // 16), -(-width // 64), slots)](
        key, epoch, position, keep, scale, out, keep.stride(0), scale.stride(0),
        COUNT=count, WIDTH=width, INDEX=layer, ROWS=16, COLUMNS=64,
    )  # fmt: skip
