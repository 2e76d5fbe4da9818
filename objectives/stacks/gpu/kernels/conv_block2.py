"""Kernels of LeNet's second block: convolution, activation and average pooling; layouts are in `conv_block1`.

Weights are (capacity, line, column, channel, out): what a product reads together lies together in memory.
"""

# mypy: disable-error-code="import-untyped,untyped-decorator"
from __future__ import annotations

import triton
import triton.language as tl

from objectives.stacks.gpu.kernels.arithmetic import activate, sgd_step, slope
from objectives.stacks.gpu.kernels.product import product
from objectives.stacks.gpu.kernels.table import lane_rows, rows_now


@triton.jit
def _line(
    source: tl.tensor, live: tl.tensor, y: tl.tensor, x: tl.tensor, k: tl.tensor, at: tl.tensor,
    K: tl.constexpr, C: tl.constexpr, S: tl.constexpr, PAD: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """(BM, BK) values of block 1's output on one line of patches: K * C neighbours in memory, from (y, x) on.

    `at` is the place of (y, x) in `source`; k counts (column, channel).
    """
    mask = live[:, None] & (k < K * C)[None, :]
    if PAD > 0:
        column = x[:, None] + (k // C)[None, :]
        mask = mask & ((y >= 0) & (y < S))[:, None] & (column >= 0) & (column < S)
    return tl.load(source + at[:, None] + k[None, :], mask=mask, other=0.0)


@triton.jit
def _keep(
    z: tl.tensor, bias: tl.tensor, active: tl.tensor, live: tl.tensor, at: tl.tensor, o: tl.tensor,
    EVALUATE: tl.constexpr, ACTIVATION: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """Apply bias and activation; training keeps the result."""
    a = activate(z + bias[None, :], ACTIVATION)
    if not EVALUATE:
        tl.store(active + at[:, None] + o[None, :], a, mask=live[:, None] & (o >= 0)[None, :])
    return a


@triton.jit(do_not_specialize=["step", "first", "total"])
def block2_forward(
    source: tl.tensor, weights: tl.tensor, biases: tl.tensor, active: tl.tensor, out: tl.tensor, whole: tl.tensor,
    who: tl.tensor, step: tl.tensor, first: tl.tensor, total: tl.tensor,
    EVALUATE: tl.constexpr, ACTIVATION: tl.constexpr, ROWS: tl.constexpr, K: tl.constexpr, PAD: tl.constexpr,
    C: tl.constexpr, OUT: tl.constexpr, S1: tl.constexpr, S2: tl.constexpr, Q2: tl.constexpr,
    PRECISION: tl.constexpr, BM: tl.constexpr, BK: tl.constexpr,
) -> None:  # fmt: skip
    """Compute out = pool(active), active = activation(convolution(source)), which only training keeps.

    A program computes the four positions of BM pooling windows together, and loads each weight once for them.
    """
    lane = tl.program_id(1).to(tl.int64)
    slot, _, count = lane_rows(whole, who, lane, step, first, total, EVALUATE, ROWS)
    q0 = tl.program_id(0) * BM
    if q0 < count * (Q2 * Q2):
        q = q0 + tl.arange(0, BM)
        live = q < count * (Q2 * Q2)
        row = q // (Q2 * Q2)
        p = q % (Q2 * Q2)
        o = tl.arange(0, OUT)
        k = tl.arange(0, BK)
        y = p // Q2 * 2 - PAD
        x = p % Q2 * 2 - PAD
        at = ((row * S1 + y) * S1 + x) * C
        below = at + S1 * C
        source += lane * (ROWS * S1 * S1 * C)
        taps = weights + slot * (K * K * C * OUT) + k[:, None] * OUT + o[None, :]
        real = (k < K * C)[:, None] & (o >= 0)[None, :]
        z00 = tl.zeros((BM, OUT), dtype=tl.float32)
        z01 = tl.zeros((BM, OUT), dtype=tl.float32)
        z10 = tl.zeros((BM, OUT), dtype=tl.float32)
        z11 = tl.zeros((BM, OUT), dtype=tl.float32)
        for line in range(K):
            w = tl.load(taps + line * (K * C * OUT), mask=real, other=0.0)
            step_down = line * (S1 * C)
            z00 = product(_line(source, live, y + line, x, k, at + step_down, K, C, S1, PAD), w, z00, PRECISION)
            z01 = product(_line(source, live, y + line, x + 1, k, at + step_down + C, K, C, S1, PAD), w, z01, PRECISION)
            z10 = product(_line(source, live, y + line + 1, x, k, below + step_down, K, C, S1, PAD), w, z10, PRECISION)
            z11 = product(
                _line(source, live, y + line + 1, x + 1, k, below + step_down + C, K, C, S1, PAD), w, z11, PRECISION
            )
        bias = tl.load(biases + slot * OUT + o)
        kept = active + lane * (ROWS * S2 * S2 * OUT)
        place = ((row * S2 + p // Q2 * 2) * S2 + p % Q2 * 2) * OUT
        pooled = _keep(z00, bias, kept, live, place, o, EVALUATE, ACTIVATION)
        pooled += _keep(z01, bias, kept, live, place + OUT, o, EVALUATE, ACTIVATION)
        pooled += _keep(z10, bias, kept, live, place + S2 * OUT, o, EVALUATE, ACTIVATION)
        pooled += _keep(z11, bias, kept, live, place + (S2 + 1) * OUT, o, EVALUATE, ACTIVATION)
        to = out + lane * (ROWS * OUT * Q2 * Q2) + row[:, None] * (OUT * Q2 * Q2) + o[None, :] * (Q2 * Q2) + p[:, None]
        tl.store(to, pooled * 0.25, mask=live[:, None] & (o >= 0)[None, :])


@triton.jit(do_not_specialize=["step"])
def block2_unpool(
    active: tl.tensor, gradient: tl.tensor, whole: tl.tensor, step: tl.tensor,
    ACTIVATION: tl.constexpr, ROWS: tl.constexpr, OUT: tl.constexpr, S2: tl.constexpr, Q2: tl.constexpr,
    BM: tl.constexpr,
) -> None:  # fmt: skip
    """Turn `active` into the gradient by convolution 2's output, given the one by its pooled activations."""
    slot = tl.program_id(1).to(tl.int64)
    _, count = rows_now(whole, slot, step)
    at0 = tl.program_id(0) * BM
    if at0 < count * (S2 * S2 * OUT):
        at = at0 + tl.arange(0, BM)
        live = at < count * (S2 * S2 * OUT)
        row = at // (S2 * S2 * OUT)
        p = at // OUT % (S2 * S2)
        pooled = p // S2 // 2 * Q2 + p % S2 // 2
        lines = gradient + slot * (ROWS * OUT * Q2 * Q2) + row * (OUT * Q2 * Q2)
        d = tl.load(lines + at % OUT * (Q2 * Q2) + pooled, mask=live, other=0.0)
        place = active + slot * (ROWS * S2 * S2 * OUT) + at
        a = tl.load(place, mask=live, other=0.0)
        tl.store(place, d * 0.25 * slope(a, ACTIVATION), mask=live)


@triton.jit(do_not_specialize=["step"])
def block2_weights(
    source: tl.tensor, gradient: tl.tensor, part: tl.tensor, whole: tl.tensor, step: tl.tensor,
    ROWS: tl.constexpr, CHUNK: tl.constexpr, CHUNKS: tl.constexpr, K: tl.constexpr, PAD: tl.constexpr,
    C: tl.constexpr, OUT: tl.constexpr, S1: tl.constexpr, S2: tl.constexpr,
    PRECISION: tl.constexpr, BM: tl.constexpr, BK: tl.constexpr,
) -> None:  # fmt: skip
    """part[slot, chunk, line] (BK, OUT) = lines of patches.T @ gradient, an image of the chunk a turn.

    Row K * C is the bias's, the same for every line.
    """
    slot = tl.program_id(2).to(tl.int64)
    _, count = rows_now(whole, slot, step)
    chunk = tl.program_id(1)
    line = tl.program_id(0)
    if chunk * CHUNK < count:
        k = tl.arange(0, BK)
        o = tl.arange(0, OUT)
        source += slot * (ROWS * S1 * S1 * C) + chunk * (CHUNK * S1 * S1 * C)
        gradient += slot * (ROWS * S2 * S2 * OUT) + chunk * (CHUNK * S2 * S2 * OUT)
        d = tl.zeros((BK, OUT), dtype=tl.float32)
        for image in range(0, tl.minimum(count - chunk * CHUNK, CHUNK)):
            for first in tl.static_range(0, S2 * S2, BM):
                p = first + tl.arange(0, BM)
                live = p < S2 * S2
                y = p // S2 - PAD + line
                x = p % S2 - PAD
                patch = _line(source + image * (S1 * S1 * C), live, y, x, k, (y * S1 + x) * C, K, C, S1, PAD)
                patch = tl.where((k == K * C)[None, :], 1.0, patch)
                at = gradient + image * (S2 * S2 * OUT) + p[:, None] * OUT + o[None, :]
                g = tl.load(at, mask=live[:, None] & (o >= 0)[None, :], other=0.0)
                d = product(tl.trans(patch), g, d, PRECISION)
        place = part + ((slot * CHUNKS + chunk) * K + line) * (BK * OUT) + k[:, None] * OUT + o[None, :]
        tl.store(place, d, mask=(k >= 0)[:, None] & (o >= 0)[None, :])


@triton.jit(do_not_specialize=["step"])
def block2_inputs(
    gradient: tl.tensor, weights: tl.tensor, out: tl.tensor, whole: tl.tensor, step: tl.tensor,
    ROWS: tl.constexpr, K: tl.constexpr, PAD: tl.constexpr, C: tl.constexpr, OUT: tl.constexpr, S1: tl.constexpr,
    S2: tl.constexpr, PRECISION: tl.constexpr, BM: tl.constexpr,
) -> None:  # fmt: skip
    """Gradient by block 1's output, for BM pairs of neighbouring positions; columns 8 * dx + channel.

    A pair sees K + 1 columns of the gradient on each line, two of which enter a product together.
    """
    slot = tl.program_id(1).to(tl.int64)
    _, count = rows_now(whole, slot, step)
    PAIRS: tl.constexpr = S1 * S1 // 2
    u0 = tl.program_id(0) * BM
    if u0 < count * PAIRS:
        u = u0 + tl.arange(0, BM)
        live = u < count * PAIRS
        row = u // PAIRS
        y = u % PAIRS // (S1 // 2)
        x = u % (S1 // 2) * 2
        n = tl.arange(0, 16)
        k = tl.arange(0, 2 * OUT)
        channel = n % 8
        left = x + PAD - K + 1
        at = gradient + slot * (ROWS * S2 * S2 * OUT) + (((row * S2 + y + PAD) * S2 + left) * OUT)[:, None] + k[None, :]
        taps = weights + slot * (K * K * C * OUT) + channel[None, :] * OUT + (k % OUT)[:, None]
        d = tl.zeros((BM, 16), dtype=tl.float32)
        for line in range(K):
            to_y = y + PAD - line
            inside_y = live & (to_y >= 0) & (to_y < S2)
            for pair in tl.static_range(0, K + 1, 2):
                to_x = left[:, None] + pair + (k // OUT)[None, :]
                inside = inside_y[:, None] & (to_x >= 0) & (to_x < S2)
                g = tl.load(at - line * (S2 * OUT) + pair * OUT, mask=inside, other=0.0)
                column = (n // 8)[None, :] + (K - 1 - pair) - (k // OUT)[:, None]
                real = (channel < C)[None, :] & (column >= 0) & (column < K)
                w = tl.load(taps + (line * K + column) * (C * OUT), mask=real, other=0.0)
                d = product(g, w, d, PRECISION)
        place = (
            out + slot * (ROWS * S1 * S1 * C) + ((row * S1 + y) * S1 + x)[:, None] * C + (n // 8 * C + channel)[None, :]
        )
        tl.store(place, d, mask=live[:, None] & (channel < C)[None, :])


@triton.jit(do_not_specialize=["step"])
def block2_update(
    part: tl.tensor, weights: tl.tensor, biases: tl.tensor, whole: tl.tensor, rates: tl.tensor, step: tl.tensor,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr, K: tl.constexpr, C: tl.constexpr, OUT: tl.constexpr,
    BK: tl.constexpr, TILE: tl.constexpr,
) -> None:  # fmt: skip
    """Sum the chunks and take the step, TILE elements of (line, column, channel, out) a program."""
    slot = tl.program_id(1).to(tl.int64)
    _, count = rows_now(whole, slot, step)
    if count > 0:
        at = tl.program_id(0) * TILE + tl.arange(0, TILE)
        line = at // (BK * OUT)
        k = at // OUT % BK
        o = at % OUT
        is_weight = (line < K) & (k < K * C)
        is_bias = (line == 0) & (k == K * C)
        sums = tl.zeros((TILE,), dtype=tl.float32)
        for chunk in range(0, (count + CHUNK - 1) // CHUNK):
            place = part + (slot * CHUNKS + chunk) * (K * BK * OUT) + at
            sums += tl.load(place, mask=is_weight | is_bias, other=0.0)
        tap = (line * (K * C) + k) * OUT + o
        sgd_step(weights + slot * (K * K * C * OUT) + tap, sums, rates, slot, is_weight)
        sgd_step(biases + slot * OUT + o, sums, rates, slot, is_bias)
