"""Kernels of LeNet's first block: convolution, activation and average pooling, for all slots at once.

Products are implicit: a program gathers its patches itself. Convolution 1 has 6 channels where a product
wants 16 columns, so its columns are (dx, channel) for the two neighbouring positions dx of one pooling
window, over the K x (K + 1) pixels that the two see; the gradient by the pooled features of block 1 is
taken for pairs of neighbours in the same way. A patch of pixels has one more column, a constant 1, whose weight
gradient is the bias's.

Layouts: block 1's pooled output (lanes, ROWS, S1 * S1, C1), the activations of convolution 2
(lanes, ROWS, S2 * S2, C2), its pooled output (lanes, ROWS, C2 * Q2 * Q2) as `nn.Flatten` gives it; weights
of convolution 1 as `nn.Conv2d` has them.

Weight gradients are summed in order over chunks of CHUNK images, and over the chunks in order: the order of
a sum is a function of the batch alone.
"""

# mypy: disable-error-code="import-untyped,untyped-decorator"
from __future__ import annotations

import triton
import triton.language as tl

from objectives.stacks.gpu.kernels.arithmetic import activate, sgd_step, slope
from objectives.stacks.gpu.kernels.product import product
from objectives.stacks.gpu.kernels.table import lane_rows, rows_now


@triton.jit
def _pair_patch(
    images: tl.tensor, image: tl.tensor, live: tl.tensor, y: tl.tensor, x: tl.tensor,
    SIDE: tl.constexpr, K: tl.constexpr, DEPTH: tl.constexpr,
) -> tl.tensor:  # fmt: skip
    """(BM, DEPTH) bytes from (y, x) on: K lines of K + 1, then a 1 for the bias's gradient, then zeros."""
    k = tl.arange(0, DEPTH)
    line = (y[:, None] + (k // (K + 1))[None, :]).to(tl.uint32, bitcast=True)
    column = (x[:, None] + (k % (K + 1))[None, :]).to(tl.uint32, bitcast=True)
    inside = (line < SIDE) & (column < SIDE) & (k < K * (K + 1))[None, :]  # What is negative is large without a sign.
    at = images + (image * (SIDE * SIDE) + y * SIDE + x)[:, None] + (k // (K + 1) * SIDE + k % (K + 1))[None, :]
    value = tl.load(at, mask=live[:, None] & inside, other=0).to(tl.float32)
    return tl.where((k == K * (K + 1))[None, :] & live[:, None], 1.0, value)


@triton.jit
def _pair_weights(
    weights: tl.tensor, biases: tl.tensor, slot: tl.tensor, K: tl.constexpr, C: tl.constexpr, DEPTH: tl.constexpr
) -> tl.tensor:
    """(DEPTH, 16) weights that go with `_pair_patch`, and (16,) biases; column 8 * dx + channel."""
    k = tl.arange(0, DEPTH)
    n = tl.arange(0, 16)
    channel = n % 8
    line = k // (K + 1)
    column = (k % (K + 1))[:, None] - (n // 8)[None, :]
    real = (channel < C)[None, :]
    inside = real & (line < K)[:, None] & (column >= 0) & (column < K)
    at = weights + slot * (C * K * K) + channel[None, :] * (K * K) + line[:, None] * K + column
    w = tl.load(at, mask=inside, other=0.0)
    return w, tl.load(biases + slot * C + channel, mask=channel < C, other=0.0)


@triton.jit(do_not_specialize=["step", "first", "total", "epoch_rows"])
def block1_forward(
    images: tl.tensor, order: tl.tensor, weights: tl.tensor, biases: tl.tensor, out: tl.tensor, whole: tl.tensor,
    who: tl.tensor, step: tl.tensor, first: tl.tensor, total: tl.tensor,
    EVALUATE: tl.constexpr, ACTIVATION: tl.constexpr, ROWS: tl.constexpr, epoch_rows: tl.tensor,
    SIDE: tl.constexpr, K: tl.constexpr, PAD: tl.constexpr, C: tl.constexpr, S: tl.constexpr, DEPTH: tl.constexpr,
    PIXEL: tl.constexpr, PRECISION: tl.constexpr, BM: tl.constexpr,
) -> None:  # fmt: skip
    """Compute out = pool(activation(convolution(images))), a tile of BM pooled positions."""
    lane = tl.program_id(1).to(tl.int64)
    slot, begin, count = lane_rows(whole, who, lane, step, first, total, EVALUATE, ROWS)
    q0 = tl.program_id(0) * BM
    if q0 < count * (S * S):
        q = q0 + tl.arange(0, BM)
        live = q < count * (S * S)
        image = begin + q // (S * S)
        if not EVALUATE:
            image = tl.load(order + lane * epoch_rows + image, mask=live, other=0)
        y = (q % (S * S)) // S * 2 - PAD
        x = q % S * 2 - PAD
        w, bias = _pair_weights(weights, biases, slot, K, C, DEPTH)
        zero = tl.zeros((BM, 16), dtype=tl.float32)
        pooled = zero
        for dy in tl.static_range(2):
            patch = _pair_patch(images, image, live, y + dy, x, SIDE, K, DEPTH)
            pooled += activate(product(patch, w, zero, PRECISION, BYTES_A=True) * PIXEL + bias[None, :], ACTIVATION)
        mean = tl.sum(tl.reshape(pooled, (BM, 2, 8)), axis=1) * 0.25
        c = tl.arange(0, 8)
        place = out + lane * (ROWS * S * S * C) + q[:, None] * C + c[None, :]
        tl.store(place, mean, mask=live[:, None] & (c < C)[None, :])


@triton.jit(do_not_specialize=["step", "epoch_rows"])
def block1_weights(
    images: tl.tensor, order: tl.tensor, weights: tl.tensor, biases: tl.tensor, gradient: tl.tensor, part: tl.tensor,
    whole: tl.tensor, step: tl.tensor,
    ACTIVATION: tl.constexpr, ROWS: tl.constexpr, epoch_rows: tl.tensor, CHUNK: tl.constexpr, CHUNKS: tl.constexpr,
    SIDE: tl.constexpr, K: tl.constexpr, PAD: tl.constexpr, C: tl.constexpr, S: tl.constexpr, DEPTH: tl.constexpr,
    PIXEL: tl.constexpr, PRECISION: tl.constexpr, BM: tl.constexpr,
) -> None:  # fmt: skip
    """part[slot, chunk] (DEPTH, 16): the gradient in `_pair_weights`' shape, activations computed again.

    It is the one by weights of bytes; row K * (K + 1) is the bias's.
    """
    slot = tl.program_id(1).to(tl.int64)
    begin, count = rows_now(whole, slot, step)
    chunk = tl.program_id(0)
    if chunk * CHUNK < count:
        n = tl.arange(0, 16)
        w, bias = _pair_weights(weights, biases, slot, K, C, DEPTH)
        positions = tl.minimum(count - chunk * CHUNK, CHUNK) * (S * S)
        zero = tl.zeros((BM, 16), dtype=tl.float32)
        d = tl.zeros((DEPTH, 16), dtype=tl.float32)
        for q0 in range(0, positions, BM):
            q = q0 + tl.arange(0, BM)
            live = q < positions
            row = chunk * CHUNK + q // (S * S)
            image = tl.load(order + slot * epoch_rows + begin + row, mask=live, other=0)
            lines = gradient + slot * (ROWS * S * S * C) + (row * (S * S) + q % (S * S))[:, None] * C + (n % 8)[None, :]
            g = tl.load(lines, mask=live[:, None] & (n % 8 < C)[None, :], other=0.0) * 0.25
            y = (q % (S * S)) // S * 2 - PAD
            x = q % S * 2 - PAD
            for dy in tl.static_range(2):
                patch = _pair_patch(images, image, live, y + dy, x, SIDE, K, DEPTH)
                a = activate(product(patch, w, zero, PRECISION, BYTES_A=True) * PIXEL + bias[None, :], ACTIVATION)
                d = product(tl.trans(patch), g * slope(a, ACTIVATION), d, PRECISION, BYTES_A=True)
        k = tl.arange(0, DEPTH)
        place = part + (slot * CHUNKS + chunk) * (DEPTH * 16) + k[:, None] * 16 + n[None, :]
        tl.store(place, d, mask=(k >= 0)[:, None] & (n >= 0)[None, :])


@triton.jit(do_not_specialize=["step"])
def block1_update(
    part: tl.tensor, weights: tl.tensor, biases: tl.tensor, whole: tl.tensor, rates: tl.tensor, step: tl.tensor,
    CHUNK: tl.constexpr, CHUNKS: tl.constexpr, K: tl.constexpr, C: tl.constexpr, DEPTH: tl.constexpr,
    PIXEL: tl.constexpr, SIZE: tl.constexpr,
) -> None:  # fmt: skip
    """Sum the chunks, fold the two positions of each pair, and take the step; biases follow the weights."""
    slot = tl.program_id(0).to(tl.int64)
    _, count = rows_now(whole, slot, step)
    if count > 0:
        at = tl.arange(0, SIZE)
        is_bias = at >= C * K * K
        channel = tl.where(is_bias, at - C * K * K, at // (K * K))
        real = channel < C
        tap = tl.where(is_bias, K * (K + 1), at // K % K * (K + 1) + at % K)
        other = tl.where(is_bias, tap, tap + 1)
        sums = tl.zeros((SIZE,), dtype=tl.float32)
        for chunk in range(0, (count + CHUNK - 1) // CHUNK):
            base = part + (slot * CHUNKS + chunk) * (DEPTH * 16)
            sums += tl.load(base + tap * 16 + channel, mask=real, other=0.0)
            sums += tl.load(base + other * 16 + 8 + channel, mask=real, other=0.0)
        sgd_step(weights + slot * (C * K * K) + at, sums * PIXEL, rates, slot, real & (at < C * K * K))
        sgd_step(biases + slot * C + channel, sums, rates, slot, real & is_bias)
