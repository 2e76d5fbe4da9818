"""Counter-based random numbers (Philox): every draw of a trial is a pure function of its purpose.

Philox4x64-10 (Salmon, Moraes, Dror and Shaw, 2011, "Parallel random numbers: as easy as 1, 2, 3")
maps a key of 128 bits and a counter of 256 bits to four 64-bit words. The key is a trial's (and fold's);
the counter holds (block, epoch, index, purpose), so that a word needs no state and no order of calls:
a slot of any stack, a resumed trial and a GPU draw the same bits. Blocks are counted from 1, as NumPy's
`Philox` counts them, which is the implementation on the CPU.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import torch
from torch import Tensor

from objectives.objective import substream

MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
WEYL = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)
ROUNDS = 10
DROPOUT_BITS = 16
"""Bits compared for one dropout decision; a block of four words decides for 16 elements."""

Key = np.ndarray[tuple[int, ...], np.dtype[np.uint64]]


class Purpose(IntEnum):
    """The purpose of a draw; it is the last word of the counter."""

    WEIGHTS = 0
    ORDER = 1
    DROPOUT = 2
    AUGMENTATION = 3


def trial_key(seed: np.random.SeedSequence, fold: int) -> Key:
    """Derive the Philox key (2 words) of one fold of a trial from its seed."""
    words: Key = substream(seed, fold).generate_state(2, np.uint64).astype(np.uint64)
    return words


def generator(key: Key, purpose: Purpose, *, index: int = 0, epoch: int = 0) -> np.random.Philox:
    """NumPy's Philox at the first block of (epoch, index, purpose)."""
    counter = np.array([0, epoch, index, purpose], dtype=np.uint64)
    return np.random.Philox(key=key, counter=counter)


def uniform(key: Key, index: int, count: int) -> np.ndarray:
    """`count` floats in [0, 1) with 24 random bits for the trial's weight tensor number `index`."""
    raw = generator(key, Purpose.WEIGHTS, index=index).random_raw((count + 1) // 2)
    halves = raw.astype("<u8", copy=False).view("<u4")[:count]
    return (halves >> np.uint32(8)).astype(np.float32) * np.float32(2**-24)


def permutation(key: Key, epoch: int, count: int) -> np.ndarray:
    """The data order of one epoch, as int64.

    Random words whose low bits are replaced by the element's number are sorted, and the low bits read
    back: the words are distinct, so every sorting algorithm on every device gives this order.
    """
    bits = np.uint64(max(1, (count - 1).bit_length()))
    raw = generator(key, Purpose.ORDER, epoch=epoch).random_raw(count)
    tagged = (raw >> bits << bits) | np.arange(count, dtype=np.uint64)
    tagged.sort()
    return (tagged & ((np.uint64(1) << bits) - np.uint64(1))).astype(np.int64)


def keep_threshold(probability: float) -> int:
    """Count which of the 2**16 values of a draw keep an element that is dropped with `probability`."""
    return max(1, round((1 - float(probability)) * int(2**DROPOUT_BITS)))


def padded(width: int) -> int:
    """Draws that one row of `width` elements takes: whole blocks, so that rows start on blocks."""
    return -(-width // DROPOUT_BITS) * DROPOUT_BITS


class KeepBits:
    """The dropout decisions of one layer in one epoch, row after row in the epoch's data order.

    Element j of the row at position p of the epoch takes draw number p * padded(width) + j, whatever
    the batch size, and is kept when the draw is below `keep_threshold`.
    """

    def __init__(self, key: Key, *, layer: int, epoch: int) -> None:
        self._philox = generator(key, Purpose.DROPOUT, index=layer, epoch=epoch)

    def rows(self, count: int, width: int) -> np.ndarray:
        """The next `count` rows of draws, (count, width) uint16."""
        size = padded(width)
        raw = self._philox.random_raw(count * size // 4).astype("<u8", copy=False)
        return raw.view("<u2").reshape(count, size)[:, :width]


def philox(key: Tensor, counter: tuple[Tensor, int | Tensor, int | Tensor, int | Tensor]) -> tuple[Tensor, ...]:
    """Compute the same four words by integer tensor operations, for devices without NumPy.

    Args:
        key: (..., 2) int64, the bits of the unsigned words.
        counter: block (an int64 tensor, counted from 1), epoch, index and purpose.

    Returns:
        Four int64 tensors of the block's shape: the bits of the unsigned words.
    """
    c0 = counter[0]
    # Filled on the device: a number that is copied there would wait for the host, and no graph could hold it.
    c1, c2, c3 = (c.expand_as(c0) if isinstance(c, Tensor) else torch.full_like(c0, c) for c in counter[1:])
    k0, k1 = key[..., 0], key[..., 1]
    for _ in range(ROUNDS):
        high0, low0 = _product(MULTIPLIERS[0], c0)
        high1, low1 = _product(MULTIPLIERS[1], c2)
        c0, c1, c2, c3 = high1 ^ c1 ^ k0, low1, high0 ^ c3 ^ k1, low0
        k0, k1 = k0 + _signed(WEYL[0]), k1 + _signed(WEYL[1])
    return c0, c1, c2, c3


def dropout_draws(key: Tensor, *, layer: int, epoch: int | Tensor, position: Tensor, width: int) -> Tensor:
    """Dropout draws (rows, width) int64 of the rows at the given `position`s (rows,), as `KeepBits`."""
    blocks = padded(width) // DROPOUT_BITS
    block = position.unsqueeze(-1) * blocks + torch.arange(1, blocks + 1, device=position.device)
    words = torch.stack(philox(key, (block, epoch, layer, int(Purpose.DROPOUT))), dim=-1)
    shifts = torch.arange(0, 64, DROPOUT_BITS, device=position.device)
    bits: Tensor = (words.unsqueeze(-1) >> shifts) & (2**DROPOUT_BITS - 1)
    return bits.reshape(*position.shape, padded(width))[..., :width]


def as_tensor(key: Key, device: str | torch.device) -> Tensor:
    """The key's bits as (2,) int64 on a device."""
    return torch.from_numpy(key.view(np.int64).copy()).to(device)


def _product(constant: int, x: Tensor) -> tuple[Tensor, Tensor]:
    """High and low word of the unsigned 128-bit product, out of 32-bit halves."""
    mask = 0xFFFFFFFF
    constant_low, constant_high = constant & mask, constant >> 32
    x_low, x_high = x & mask, (x >> 32) & mask
    middle_a, middle_b = x_low * constant_high, x_high * constant_low
    carry = ((x_low * constant_low) >> 32) & mask
    carry = carry + (middle_a & mask) + (middle_b & mask)
    high = x_high * constant_high + ((middle_a >> 32) & mask) + ((middle_b >> 32) & mask) + (carry >> 32)
    return high, x * _signed(constant)


def _signed(word: int) -> int:
    """The int64 with the bits of an unsigned word."""
    return word - 2**64 if word >= 2**63 else word
