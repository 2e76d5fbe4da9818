"""Buffers and launches of LeNet in all slots; the kernels are in `kernels`."""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn

from objectives.stacks.gpu.images import PixelBytes
from objectives.stacks.gpu.kernels.arithmetic import NONE, SIGMOID, TANH
from objectives.stacks.gpu.kernels.conv_block1 import block1_forward, block1_update, block1_weights
from objectives.stacks.gpu.kernels.conv_block2 import (
    block2_forward,
    block2_inputs,
    block2_unpool,
    block2_update,
    block2_weights,
)
from objectives.stacks.gpu.layers import DenseLayers, Layer, Tiles
from objectives.stacks.gpu.network import Network, StackBuffers, count_tiles, round_up

CHUNK = 16
"""Images whose weight gradients one program sums."""

FORWARD_TILE = 64
BACKWARD_TILE = 64
LINE_DEPTH = 32
"""Columns of the tile that holds a line of convolution 2's patch, and a bias."""
UNPOOL_TILE = 1024
UPDATE_TILE = 256
WARPS = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The sizes of LeNet's two blocks.

    Attributes:
        side: pixels of an image's side.
        kernel: side of both kernels.
        pads: zero borders of the two convolutions.
        channels: of the two convolutions.
        activation: everywhere.
    """

    side: int
    kernel: int
    pads: tuple[int, int]
    channels: tuple[int, int] = (6, 16)
    activation: int = SIGMOID

    @property
    def pooled1(self) -> int:
        return (self.side + 2 * self.pads[0] - self.kernel + 1) // 2

    @property
    def side2(self) -> int:
        return self.pooled1 + 2 * self.pads[1] - self.kernel + 1

    @property
    def pooled2(self) -> int:
        return self.side2 // 2

    @property
    def features(self) -> int:
        return self.channels[1] * self.pooled2**2

    @property
    def depth1(self) -> int:
        """Columns of a pair's patch with its bias, as a power of two."""
        return 1 << (self.kernel * (self.kernel + 1)).bit_length()


FASHION = Shape(side=28, kernel=5, pads=(2, 0))
SMALL = Shape(side=8, kernel=3, pads=(1, 1), activation=TANH)


class LeNetLayers(Network):
    """The weights of all slots' LeNets."""

    def __init__(self, site: StackBuffers, shape: Shape, sizes: Tiles) -> None:
        self.site, self.shape = site, shape
        first, second = shape.channels
        self.kernel1, self.bias1 = (
            site.zeros(site.capacity, first, 1, *[shape.kernel] * 2),
            site.zeros(site.capacity, first),
        )
        self.kernel2 = site.zeros(site.capacity, *[shape.kernel] * 2, first, second)
        self.bias2 = site.zeros(site.capacity, second)
        self.chunks = count_tiles(site.rows, CHUNK)
        self.part1 = site.zeros(site.capacity, self.chunks, shape.depth1, 16)
        self.part2 = site.zeros(site.capacity, self.chunks, shape.kernel, LINE_DEPTH, second)
        inner, outer = shape.pooled1**2 * first, shape.side2**2 * second
        self.pooled1, self.gradient1 = (site.zeros(site.capacity, site.rows, inner) for _ in range(2))
        self.active2 = site.zeros(site.capacity, site.rows, outer)
        self.pooled2 = site.zeros(site.capacity, site.rows, shape.features)
        self.seen1 = site.zeros(site.lanes, site.chunk, inner)
        self.seen2 = site.zeros(site.lanes, site.chunk, shape.features)
        layers = [
            Layer(inputs=shape.features, outputs=120, activation=shape.activation),
            Layer(inputs=120, outputs=84, activation=shape.activation),
            Layer(inputs=84, outputs=10, activation=NONE),
        ]
        self.head = DenseLayers(site, layers, sizes, features=self.pooled2, evaluated=self.seen2)
        as_in_conv2d = self.kernel2.permute(0, 4, 3, 1, 2)
        self.parameters = [self.kernel1, self.bias1, as_in_conv2d, self.bias2, *self.head.parameters]

    def widths(self, module: nn.Module) -> list[int]:
        return self.head.widths(module)

    def step(self, step: int) -> None:
        self._forward(self.site.train, step=step)
        self.head.step(step)
        self._unpool(step)
        self._weights2(step)
        self._inputs2(step)
        self._weights1(step)
        self._update(step)

    def evaluate(self, images: PixelBytes, first: int) -> None:
        self._forward(images, first=first)
        self.head.evaluate(images, first)

    def multiply_adds(self, rows: int, widths: list[int]) -> tuple[float, float]:
        """Count the multiply-adds of a step: those that were asked for, and those of whole tiles."""
        shape = self.shape
        taps, (first, second) = shape.kernel**2, shape.channels
        side1 = shape.side + 2 * shape.pads[0] - shape.kernel + 1
        convolutions = 2.0 * side1**2 * first * taps + 3.0 * shape.side2**2 * second * first * taps
        useful, spent = self.head.multiply_adds(rows, widths)
        return useful + rows * convolutions, spent + self._tiled_convolutions(rows)

    def _tiled_convolutions(self, rows: int) -> float:
        """Count what the convolutions' kernels multiply in a step."""
        shape, second = self.shape, self.shape.channels[1]
        pair, line = 2 * shape.depth1 * 16, shape.kernel * LINE_DEPTH * second
        windows1, windows2 = rows * shape.pooled1**2, rows * shape.pooled2**2
        forward = round_up(windows1, FORWARD_TILE) * pair + round_up(windows2, FORWARD_TILE) * 4 * line
        full, rest = divmod(rows, CHUNK)
        positions = [round_up(images * shape.pooled1**2, self.weights1_tile) for images in (CHUNK, rest)]
        weights1 = 2 * (full * positions[0] + positions[1]) * pair
        weights2 = rows * round_up(shape.side2**2, self.weights2_tile) * line
        inputs2 = round_up(windows1 // 2, BACKWARD_TILE) * shape.kernel * (shape.kernel + 1) * second * 16
        return float(forward + weights1 + weights2 + inputs2)

    @property
    def weights1_tile(self) -> int:
        """Positions that enter a product of block 1's weight gradient."""
        return 32 if self.site.precision == "ieee" else BACKWARD_TILE

    @property
    def stages(self) -> int:
        """Depth of the pipeline of the loops over images.

        A pipeline copies tiles to shared memory as they are gathered, from where tensor cores' operands are read with
        bank conflicts (`python -m tests.perf.gpu compile`). Without it, other programs of the multiprocessor hide the
        loads. In float32 it would need more registers than there are.
        """
        return 3 if self.site.precision == "ieee" else 1

    @property
    def weights2_tile(self) -> int:
        """Likewise of block 2's."""
        return min(BACKWARD_TILE, self.shape.side2**2)

    def _forward(self, images: PixelBytes, *, step: int = 0, first: int | None = None) -> None:
        site, shape = self.site, self.shape
        evaluate = first is not None
        lanes = site.lanes if evaluate else site.capacity
        rows = site.chunk if evaluate else site.rows
        most = min(rows, len(images)) if evaluate else rows
        pooled1, pooled2 = (self.seen1, self.seen2) if evaluate else (self.pooled1, self.pooled2)
        block1_forward[(count_tiles(most * shape.pooled1**2, FORWARD_TILE), lanes)](
            images.u, site.order, self.kernel1, self.bias1, pooled1, site.table.whole, site.who,
            step, first or 0, len(images),
            EVALUATE=evaluate, ACTIVATION=shape.activation, ROWS=rows, epoch_rows=site.order.shape[1],
            SIDE=shape.side, K=shape.kernel, PAD=shape.pads[0], C=shape.channels[0], S=shape.pooled1,
            DEPTH=shape.depth1, PIXEL=images.scale, PRECISION=site.precision, BM=FORWARD_TILE,
            num_warps=WARPS,
        )  # fmt: skip
        block2_forward[(count_tiles(most * shape.pooled2**2, FORWARD_TILE), lanes)](
            pooled1, self.kernel2, self.bias2, self.active2, pooled2, site.table.whole, site.who,
            step, first or 0, len(images),
            EVALUATE=evaluate, ACTIVATION=shape.activation, ROWS=rows, K=shape.kernel, PAD=shape.pads[1],
            C=shape.channels[0], OUT=shape.channels[1], S1=shape.pooled1, S2=shape.side2, Q2=shape.pooled2,
            PRECISION=site.precision, BM=FORWARD_TILE, BK=LINE_DEPTH, num_warps=WARPS, num_stages=self.stages,
        )  # fmt: skip

    def _unpool(self, step: int) -> None:
        site, shape = self.site, self.shape
        block2_unpool[(count_tiles(site.rows * self.active2.shape[2], UNPOOL_TILE), site.capacity)](
            self.active2, self.head.feature_gradient, site.table.whole, step,
            ACTIVATION=shape.activation, ROWS=site.rows, OUT=shape.channels[1], S2=shape.side2, Q2=shape.pooled2,
            BM=UNPOOL_TILE, num_warps=WARPS,
        )  # fmt: skip

    def _weights2(self, step: int) -> None:
        site, shape = self.site, self.shape
        block2_weights[(shape.kernel, self.chunks, site.capacity)](
            self.pooled1, self.active2, self.part2, site.table.whole, step,
            ROWS=site.rows, CHUNK=CHUNK, CHUNKS=self.chunks, K=shape.kernel, PAD=shape.pads[1], C=shape.channels[0],
            OUT=shape.channels[1], S1=shape.pooled1, S2=shape.side2,
            PRECISION=site.precision, BM=self.weights2_tile, BK=LINE_DEPTH, num_warps=WARPS, num_stages=self.stages,
        )  # fmt: skip

    def _inputs2(self, step: int) -> None:
        site, shape = self.site, self.shape
        block2_inputs[(count_tiles(site.rows * shape.pooled1**2 // 2, BACKWARD_TILE), site.capacity)](
            self.active2, self.kernel2, self.gradient1, site.table.whole, step,
            ROWS=site.rows, K=shape.kernel, PAD=shape.pads[1], C=shape.channels[0], OUT=shape.channels[1],
            S1=shape.pooled1, S2=shape.side2, PRECISION=site.precision, BM=BACKWARD_TILE,
            num_warps=WARPS, num_stages=self.stages,
        )  # fmt: skip

    def _weights1(self, step: int) -> None:
        site, shape, images = self.site, self.shape, self.site.train
        block1_weights[(self.chunks, site.capacity)](
            images.u, site.order, self.kernel1, self.bias1, self.gradient1, self.part1, site.table.whole, step,
            ACTIVATION=shape.activation, ROWS=site.rows, epoch_rows=site.order.shape[1], CHUNK=CHUNK,
            CHUNKS=self.chunks, SIDE=shape.side, K=shape.kernel, PAD=shape.pads[0], C=shape.channels[0],
            S=shape.pooled1, DEPTH=shape.depth1, PIXEL=images.scale, PRECISION=site.precision,
            BM=self.weights1_tile, num_warps=WARPS, num_stages=self.stages,
        )  # fmt: skip

    def _update(self, step: int) -> None:
        site, shape = self.site, self.shape
        table, (first, second) = site.table, shape.channels
        size = 1 << (first * shape.kernel**2 + first - 1).bit_length()
        block1_update[(site.capacity,)](
            self.part1, self.kernel1, self.bias1, table.whole, table.rates, step,
            CHUNK=CHUNK, CHUNKS=self.chunks, K=shape.kernel, C=first, DEPTH=shape.depth1, PIXEL=site.train.scale,
            SIZE=size, num_warps=WARPS,
        )  # fmt: skip
        block2_update[(count_tiles(shape.kernel * LINE_DEPTH * second, UPDATE_TILE), site.capacity)](
            self.part2, self.kernel2, self.bias2, table.whole, table.rates, step,
            CHUNK=CHUNK, CHUNKS=self.chunks, K=shape.kernel, C=first, OUT=second, BK=LINE_DEPTH,
            TILE=UPDATE_TILE, num_warps=WARPS,
        )  # fmt: skip
