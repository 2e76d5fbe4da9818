"""Kernels of fully connected layers: every slot of a stack in one launch, each within its own bounds.

One program computes one tile of one lane; the sum over the contracted dimension runs in order in that
program, whatever the stack's size. Rows and units beyond a slot's own are selected away, never
multiplied away, so that no neighbour's or former trial's NaN can enter.

Along a row in memory, bounds are rounded up to whole vectors (`aligned`): every kernel that writes a row of a batch
writes zeros into its padding, and the padding of a weight's row is zero. Weights have no padding rows: there the
bound is the width itself.

Shapes: source and out (lanes, ROWS, *_ROW), weights (capacity, outputs, IN) as `torch.nn.Linear` has
them, biases (capacity, outputs); images (n, IMAGE) uint8, whose unit is worth PIXEL.
"""

# mypy: disable-error-code="import-untyped,untyped-decorator"
from __future__ import annotations

import triton
import triton.language as tl

from objectives.stacks.gpu.kernels.arithmetic import _RELU, activate, aligned, slope
from objectives.stacks.gpu.kernels.philox import keep_bits
from objectives.stacks.gpu.kernels.product import product
from objectives.stacks.gpu.kernels.table import KEEP, RATE, RATE_STRIDE, SCALE, STRIDE, WIDTH, lane_rows, rows_now

CLASS_TILE = 16
"""Columns of the tile that holds a row's class scores; at least the number of classes."""


@triton.jit(do_not_specialize=["step", "first", "total", "epoch_rows"])
def dense_forward(
    source: tl.tensor, images: tl.tensor, order: tl.tensor, weights: tl.tensor, biases: tl.tensor, out: tl.tensor,
    labels: tl.tensor, wrong: tl.tensor,
    whole: tl.tensor, rates: tl.tensor, keys: tl.tensor, who: tl.tensor, step: tl.tensor, first: tl.tensor, total:
    tl.tensor,
    LAYER: tl.constexpr, IMAGES: tl.constexpr, LAST: tl.constexpr, EVALUATE: tl.constexpr,
    ACTIVATION: tl.constexpr, DROPOUT: tl.constexpr, ROWS: tl.constexpr, SOURCE_ROW: tl.constexpr,
    OUT_ROW: tl.constexpr, IN: tl.constexpr, WEIGHTS: tl.constexpr, BIASES: tl.constexpr,
    epoch_rows: tl.tensor, PIXEL: tl.constexpr, PRECISION: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
) -> None:  # fmt: skip
    """Compute out = dropout(activation(source @ weights.T + biases)).

    With LAST, in training out is the gradient of the batch mean cross-entropy by the class scores, and
    in evaluation the wrong answers are counted in `wrong` (lanes,) int32.
    """
    lane = tl.program_id(2).to(tl.int64)
    slot, begin, count = lane_rows(whole, who, lane, step, first, total, EVALUATE, ROWS)
    if IMAGES:  # noqa: SIM108 (a constant width gives better code, and only one side is compiled)
        width_in = SOURCE_ROW
    else:
        width_in = aligned(tl.load(whole + slot * STRIDE + WIDTH + LAYER))
    width_out = tl.load(whole + slot * STRIDE + WIDTH + LAYER + 1)
    row0 = tl.program_id(0) * BM
    out0 = tl.program_id(1) * BN
    if (row0 < count) & (out0 < width_out):
        rows = row0 + tl.arange(0, BM)
        outs = out0 + tl.arange(0, BN)
        live = rows < count
        real = outs < width_out
        image = begin + rows
        if not EVALUATE:
            image = tl.load(order + lane * epoch_rows + image, mask=live, other=0)
        if IMAGES:  # noqa: SIM108 (the two sides have different types, and only one is compiled)
            lines = images + image * SOURCE_ROW
        else:
            lines = source + lane * (ROWS * SOURCE_ROW) + rows * SOURCE_ROW
        columns = weights + slot * WEIGHTS + outs * IN
        z = tl.zeros((BM, BN), dtype=tl.float32)
        for k0 in range(0, width_in, BK):
            ks = k0 + tl.arange(0, BK)
            inside = ks < width_in
            x = tl.load(lines[:, None] + ks[None, :], mask=live[:, None] & inside[None, :], other=0)
            w = tl.load(columns[None, :] + ks[:, None], mask=real[None, :] & inside[:, None], other=0.0)
            z = product(x.to(tl.float32), w, z, PRECISION, BYTES_A=IMAGES)
        if IMAGES:
            z *= PIXEL
        z += tl.load(biases + slot * BIASES + outs, mask=real, other=0.0)[None, :]
        if LAST:
            label = tl.load(labels + image, mask=live, other=0)
            if EVALUATE:
                wrongly = (_first_greatest(z, outs, real) != label) & live
                tl.atomic_add(wrong + lane, tl.sum(wrongly.to(tl.int32), axis=0))
            else:
                z = _loss_gradient(z, outs, real, label, count)
        else:
            z = activate(z, ACTIVATION)
            if (DROPOUT >= 0) and (not EVALUATE):
                keep = tl.load(whole + slot * STRIDE + KEEP + DROPOUT)
                scale = tl.load(rates + slot * RATE_STRIDE + SCALE + DROPOUT)
                epoch = tl.load(whole + slot * STRIDE + 3)
                bits = keep_bits(keys + 2 * slot, epoch, begin + rows, width_out, out0, DROPOUT, BM, BN)
                z = tl.where(bits < keep, z * scale, 0.0)
        if not (LAST and EVALUATE):
            place = out + lane * (ROWS * OUT_ROW) + rows[:, None] * OUT_ROW + outs[None, :]
            z = tl.where(real[None, :], z, 0.0)
            tl.store(place, z, mask=live[:, None] & (outs < aligned(width_out))[None, :])


@triton.jit
def _loss_gradient(z: tl.tensor, outs: tl.tensor, real: tl.tensor, label: tl.tensor, count: tl.tensor) -> tl.tensor:
    """(softmax - one-hot) / rows, for class scores z (BM, BN) of which the `real` columns count."""
    z = tl.where(real[None, :], z, float("-inf"))
    power = tl.exp(z - tl.max(z, axis=1)[:, None])
    power = tl.where(real[None, :], power, 0.0)
    share = power / tl.sum(power, axis=1)[:, None]
    hit = outs[None, :] == label[:, None]
    return tl.where(hit, share - 1.0, share) / count.to(tl.float32)


@triton.jit
def _first_greatest(z: tl.tensor, outs: tl.tensor, real: tl.tensor) -> tl.tensor:
    """First column of each row's greatest score, a NaN being greater than all, as `torch.argmax`."""
    odd = (z != z) & real[None, :]
    level = tl.where(real[None, :] & (z == z), z, float("-inf"))
    best = tl.max(level, axis=1)
    any_odd = tl.max(odd.to(tl.int32), axis=1) > 0
    greatest = tl.where(any_odd[:, None], odd, (level == best[:, None]) & real[None, :])
    return tl.min(tl.where(greatest, outs[None, :], 1 << 20), axis=1)


@triton.jit(do_not_specialize=["step"])
def dense_inputs(
    gradient: tl.tensor, weights: tl.tensor, hidden: tl.tensor, out: tl.tensor, whole: tl.tensor, rates:
    tl.tensor, step: tl.tensor,
    LAYER: tl.constexpr, ACTIVATION: tl.constexpr, DROPOUT: tl.constexpr, ROWS: tl.constexpr,
    GRADIENT_ROW: tl.constexpr, OUT_ROW: tl.constexpr, IN: tl.constexpr, WEIGHTS: tl.constexpr,
    PRECISION: tl.constexpr, BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
) -> None:  # fmt: skip
    """Compute out = (gradient @ weights) by the slope of the layer below, whose output is `hidden`.

    ACTIVATION and DROPOUT are those of the layer below. What it dropped, and what its ReLU cut, is 0 in
    `hidden`: no mask is kept.
    """
    slot = tl.program_id(2).to(tl.int64)
    _, count = rows_now(whole, slot, step)
    width_in = tl.load(whole + slot * STRIDE + WIDTH + LAYER)
    width_out = tl.load(whole + slot * STRIDE + WIDTH + LAYER + 1)
    row0 = tl.program_id(0) * BM
    in0 = tl.program_id(1) * BN
    if (row0 < count) & (in0 < width_in):
        rows = row0 + tl.arange(0, BM)
        ins = in0 + tl.arange(0, BN)
        live = rows < count
        within = ins < aligned(width_in)
        lines = gradient + slot * (ROWS * GRADIENT_ROW) + rows * GRADIENT_ROW
        d = tl.zeros((BM, BN), dtype=tl.float32)
        for k0 in range(0, width_out, BK):
            ks = k0 + tl.arange(0, BK)
            written = ks < aligned(width_out)
            g = tl.load(lines[:, None] + ks[None, :], mask=live[:, None] & written[None, :], other=0.0)
            places = weights + slot * WEIGHTS + ks[:, None] * IN + ins[None, :]
            w = tl.load(places, mask=(ks < width_out)[:, None] & within[None, :], other=0.0)
            d = product(g, w, d, PRECISION)
        base = slot * (ROWS * OUT_ROW)
        place = rows[:, None] * OUT_ROW + ins[None, :]
        used = live[:, None] & within[None, :]
        if ACTIVATION == _RELU:
            h = tl.load(hidden + base + place, mask=used, other=0.0)
            if DROPOUT >= 0:
                d = d * tl.load(rates + slot * RATE_STRIDE + SCALE + DROPOUT)
            d = tl.where(h > 0.0, d, 0.0)
        elif ACTIVATION != 0:
            h = tl.load(hidden + base + place, mask=used, other=0.0)
            d = d * slope(h, ACTIVATION)
        tl.store(out + base + place, tl.where((ins < width_in)[None, :], d, 0.0), mask=used)


@triton.jit(do_not_specialize=["step", "epoch_rows"])
def dense_update(
    source: tl.tensor, images: tl.tensor, order: tl.tensor, gradient: tl.tensor, weights: tl.tensor, biases:
    tl.tensor, whole: tl.tensor, rates: tl.tensor, step: tl.tensor,
    LAYER: tl.constexpr, IMAGES: tl.constexpr, ROWS: tl.constexpr, SOURCE_ROW: tl.constexpr,
    GRADIENT_ROW: tl.constexpr, IN: tl.constexpr, WEIGHTS: tl.constexpr, BIASES: tl.constexpr,
    epoch_rows: tl.tensor, PIXEL: tl.constexpr, PRECISION: tl.constexpr,
    BM: tl.constexpr, BN: tl.constexpr, BK: tl.constexpr,
) -> None:  # fmt: skip
    """Weights -= rate * gradient.T @ source, and the biases likewise: the gradient never leaves the tile."""
    slot = tl.program_id(2).to(tl.int64)
    begin, count = rows_now(whole, slot, step)
    if IMAGES:  # noqa: SIM108 (a constant width gives better code, and only one side is compiled)
        width_in = SOURCE_ROW
    else:
        width_in = aligned(tl.load(whole + slot * STRIDE + WIDTH + LAYER))
    width_out = tl.load(whole + slot * STRIDE + WIDTH + LAYER + 1)
    in0 = tl.program_id(0) * BN
    out0 = tl.program_id(1) * BM
    if (count > 0) & (in0 < width_in) & (out0 < width_out):
        ins = in0 + tl.arange(0, BN)
        outs = out0 + tl.arange(0, BM)
        within = ins < width_in
        written = outs < aligned(width_out)
        rate = tl.load(rates + slot * RATE_STRIDE + RATE)
        base = slot * (ROWS * GRADIENT_ROW)
        d = tl.zeros((BM, BN), dtype=tl.float32)
        for r0 in range(0, count, BK):
            rows = r0 + tl.arange(0, BK)
            live = rows < count
            places = gradient + base + rows[None, :] * GRADIENT_ROW + outs[:, None]
            g = tl.load(places, mask=live[None, :] & written[:, None], other=0.0)
            if IMAGES:
                lines = images + tl.load(order + slot * epoch_rows + begin + rows, mask=live, other=0) * SOURCE_ROW
            else:
                lines = source + slot * (ROWS * SOURCE_ROW) + rows * SOURCE_ROW
            x = tl.load(lines[:, None] + ins[None, :], mask=live[:, None] & within[None, :], other=0)
            d = product(g, x.to(tl.float32), d, PRECISION, BYTES_B=IMAGES)
        if IMAGES:
            d *= PIXEL
        places = weights + slot * WEIGHTS + outs[:, None] * IN + ins[None, :]
        used = (outs < width_out)[:, None] & within[None, :]
        tl.store(places, tl.load(places, mask=used, other=0.0) - rate * d, mask=used)
        if in0 == 0:
            sums = tl.zeros((BM,), dtype=tl.float32)
            for r0 in range(0, count, BK):
                row = r0 + tl.arange(0, BK)
                place = gradient + base + row[None, :] * GRADIENT_ROW + outs[:, None]
                sums += tl.sum(tl.load(place, mask=(row < count)[None, :] & written[:, None], other=0.0), axis=1)
            bias = biases + slot * BIASES + outs
            real = outs < width_out
            tl.store(bias, tl.load(bias, mask=real, other=0.0) - rate * sums, mask=real)


@triton.jit
def count_not_finite(
    values: tl.tensor, who: tl.tensor, broken: tl.tensor, SIZE: tl.constexpr, TILE: tl.constexpr
) -> None:
    """Add to broken[lane] how many of the SIZE values of slot who[lane] are NaN or infinite."""
    lane = tl.program_id(1).to(tl.int64)
    slot = tl.load(who + lane).to(tl.int64)
    if slot >= 0:
        at = tl.program_id(0) * TILE + tl.arange(0, TILE)
        x = tl.load(values + slot * SIZE + at, mask=at < SIZE, other=0.0)
        odd = (x != x) | (tl.abs(x) == float("inf"))
        tl.atomic_add(broken + lane, tl.sum(odd.to(tl.int32), axis=0))
