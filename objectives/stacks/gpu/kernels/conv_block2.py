"""Kernels of LeNet's second block: convolution, activation and average pooling; layouts are in `conv_block1`."""

# mypy: disable-error-code="import-untyped,untyped-decorator"
from __future__ import annotations

import triton
import triton.language as tl

from objectives.stacks.gpu.kernels.arithmetic import activate, sgd_step, slope
from objectives.stacks.gpu.kernels.product import product
from objectives.stacks.gpu.kernels.table import lane_rows, rows_now


@triton.jit
def _patch2(
    source: tl.tensor, row: tl.tensor, live: tl.tensor, y: tl.tensor, x: tl.tensor, k: tl.tensor,
    K: tl.constexpr, C: tl.constexpr, S: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """(BM, BK) values of block 1's output at the patches from (y, x) on, columns k in (line, column, channel)."""
    within = k % (K * C)
    line = y[:, None] + (k // (K * C))[None, :]
    column = x[:, None] + (within // C)[None, :]
    inside = (line >= 0) & (line < S) & (column >= 0) & (column < S) & (k < K * K * C)[None, :]
    at = source + ((row[:, None] * S + line) * S + column) * C + (within % C)[None, :]
    value = tl.load(at, mask=live[:, None] & inside, other=0.0)
    return tl.where((k == K * K * C)[None, :] & live[:, None], 1.0, value)


@triton.jit
def _weights2(
    weights: tl.tensor, biases: tl.tensor, slot: tl.tensor, k: tl.tensor, K: tl.constexpr, C: tl.constexpr,
    OUT: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """(BK, OUT) weights that go with `_patch2`."""
    o = tl.arange(0, OUT)
    tap = k % C * (K * K) + k // C
    at = weights + slot * (OUT * C * K * K) + o[None, :] * (C * K * K) + tap[:, None]
    w = tl.load(at, mask=(k < K * K * C)[:, None] & (o >= 0)[None, :], other=0.0)
    bias = tl.load(biases + slot * OUT + o)
    return tl.where((k == K * K * C)[:, None], bias[None, :], w)


@triton.jit(do_not_specialize=["step", "first", "total"])
def block2_forward(
    source: tl.tensor, weights: tl.tensor, biases: tl.tensor, active: tl.tensor, out: tl.tensor, whole: tl.tensor,
    who: tl.tensor, step: tl.tensor, first: tl.tensor, total: tl.tensor,
    EVALUATE: tl.constexpr, ACTIVATION: tl.constexpr, ROWS: tl.constexpr, K: tl.constexpr, PAD: tl.constexpr,
    C: tl.constexpr, OUT: tl.constexpr, S1: tl.constexpr, S2: tl.constexpr, Q2: tl.constexpr,
    PRECISION: tl.constexpr, BM: tl.constexpr, BK: tl.constexpr,
) -> None:  # fmt: skip
    """Compute out = pool(active), active = activation(convolution(source)), which only training keeps."""
    lane = tl.program_id(1).to(tl.int64)
    slot, _, count = lane_rows(whole, who, lane, step, first, total, EVALUATE, ROWS)
    q0 = tl.program_id(0) * BM
    if q0 < count * (Q2 * Q2):
        q = q0 + tl.arange(0, BM)
        live = q < count * (Q2 * Q2)
        row = q // (Q2 * Q2)
        p = q % (Q2 * Q2)
        o = tl.arange(0, OUT)
        pooled = tl.zeros((BM, OUT), dtype=tl.float32)
        for corner in range(4):
            y = p // Q2 * 2 + corner // 2
            x = p % Q2 * 2 + corner % 2
            z = tl.zeros((BM, OUT), dtype=tl.float32)
            for k0 in range(0, K * K * C + 1, BK):
                k = k0 + tl.arange(0, BK)
                patch = _patch2(source + lane * (ROWS * S1 * S1 * C), row, live, y - PAD, x - PAD, k, K, C, S1)
                z = product(patch, _weights2(weights, biases, slot, k, K, C, OUT), z, PRECISION)
            a = activate(z, ACTIVATION)
            if not EVALUATE:
                at = active + lane * (ROWS * S2 * S2 * OUT) + (row * (S2 * S2) + y * S2 + x)[:, None] * OUT + o[None, :]
                tl.store(at, a, mask=live[:, None] & (o >= 0)[None, :])
            pooled += a
        place = (
            out + lane * (ROWS * OUT * Q2 * Q2) + row[:, None] * (OUT * Q2 * Q2) + o[None, :] * (Q2 * Q2) + p[:, None]
        )
        tl.store(place, pooled * 0.25, mask=live[:, None] & (o >= 0)[None, :])


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
    C: tl.constexpr, OUT: tl.constexpr, S1: tl.constexpr, S2: tl.constexpr, DEPTH: tl.constexpr,
    PRECISION: tl.constexpr, BM: tl.constexpr, BK: tl.constexpr,
) -> None:  # fmt: skip
    """part[slot, chunk] (DEPTH, OUT) = patches.T @ gradient over the images of one chunk."""
    slot = tl.program_id(2).to(tl.int64)
    _, count = rows_now(whole, slot, step)
    chunk = tl.program_id(1)
    if chunk * CHUNK < count:
        k = tl.program_id(0) * BK + tl.arange(0, BK)
        o = tl.arange(0, OUT)
        positions = tl.minimum(count - chunk * CHUNK, CHUNK) * (S2 * S2)
        d = tl.zeros((BK, OUT), dtype=tl.float32)
        for m0 in range(0, positions, BM):
            m = m0 + tl.arange(0, BM)
            live = m < positions
            row = chunk * CHUNK + m // (S2 * S2)
            p = m % (S2 * S2)
            patch = _patch2(source + slot * (ROWS * S1 * S1 * C), row, live, p // S2 - PAD, p % S2 - PAD, k, K, C, S1)
            lines = gradient + slot * (ROWS * S2 * S2 * OUT) + (row * (S2 * S2) + p)[:, None] * OUT + o[None, :]
            g = tl.load(lines, mask=live[:, None] & (o >= 0)[None, :], other=0.0)
            d = product(tl.trans(patch), g, d, PRECISION)
        place = part + (slot * CHUNKS + chunk) * (DEPTH * OUT) + k[:, None] * OUT + o[None, :]
        tl.store(place, d, mask=(k < DEPTH)[:, None] & (o >= 0)[None, :])


@triton.jit(do_not_specialize=["step"])
def block2_inputs(
    gradient: tl.tensor, weights: tl.tensor, out: tl.tensor, whole: tl.tensor, step: tl.tensor,
    ROWS: tl.constexpr, K: tl.constexpr, PAD: tl.constexpr, C: tl.constexpr, OUT: tl.constexpr, S1: tl.constexpr,
    S2: tl.constexpr, PRECISION: tl.constexpr, BM: tl.constexpr,
) -> None:  # fmt: skip
    """Gradient by block 1's output, for BM pairs of neighbouring positions; columns 8 * dx + channel."""
    slot = tl.program_id(1).to(tl.int64)
    _, count = rows_now(whole, slot, step)
    PAIRS: tl.constexpr = S1 * S1 // 2
    u0 = tl.program_id(0) * BM
    if u0 < count * PAIRS:
        u = u0 + tl.arange(0, BM)
        live = u < count * PAIRS
        row = u // PAIRS
        lines = gradient + slot * (ROWS * S2 * S2 * OUT)
        y = u % PAIRS // (S1 // 2)
        x = u % (S1 // 2) * 2
        n = tl.arange(0, 16)
        o = tl.arange(0, OUT)
        channel = n % 8
        d = tl.zeros((BM, 16), dtype=tl.float32)
        for tap in range(K * (K + 1)):
            line = tap // (K + 1)
            shift = tap % (K + 1) - 1
            to_y = y + PAD - line
            to_x = x + PAD - shift
            inside = live & (to_y >= 0) & (to_y < S2) & (to_x >= 0) & (to_x < S2)
            from_at = lines + ((row * S2 + to_y) * S2 + to_x)[:, None] * OUT + o[None, :]
            g = tl.load(from_at, mask=inside[:, None] & (o >= 0)[None, :], other=0.0)
            column = shift + n // 8
            real = (channel < C) & (column >= 0) & (column < K)
            at = weights + slot * (OUT * C * K * K) + o[:, None] * (C * K * K) + (channel * (K * K) + column)[None, :]
            w = tl.load(at + line * K, mask=real[None, :] & (o >= 0)[:, None], other=0.0)
            d = product(g, w, d, PRECISION)
        place = (
            out + slot * (ROWS * S1 * S1 * C) + ((row * S1 + y) * S1 + x)[:, None] * C + (n // 8 * C + channel)[None, :]
        )
        tl.store(place, d, mask=live[:, None] & (channel < C)[None, :])


@triton.jit(do_not_specialize=["step"])
def block2_update(
    part: tl.tensor, weights: tl.tensor, biases: tl.tensor, whole: tl.tensor, rates: tl.tensor, step: tl.tensor,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr, K: tl.constexpr, C: tl.constexpr, OUT: tl.constexpr,
    DEPTH: tl.constexpr, TILE: tl.constexpr,
) -> None:  # fmt: skip
    """Sum the chunks and take the step, TILE elements of (line, column, channel, out) a program."""
    slot = tl.program_id(1).to(tl.int64)
    _, count = rows_now(whole, slot, step)
    if count > 0:
        at = tl.program_id(0) * TILE + tl.arange(0, TILE)
        k = at // OUT
        o = at % OUT
        real = k <= K * K * C
        sums = tl.zeros((TILE,), dtype=tl.float32)
        for chunk in range(0, (count + CHUNK - 1) // CHUNK):
            sums += tl.load(part + (slot * CHUNKS + chunk) * (DEPTH * OUT) + at, mask=real, other=0.0)
        tap = k % C * (K * K) + k // C
        sgd_step(weights + slot * (OUT * C * K * K) + o * (C * K * K) + tap, sums, rates, slot, k < K * K * C)
        sgd_step(biases + slot * OUT + o, sums, rates, slot, k == K * K * C)
