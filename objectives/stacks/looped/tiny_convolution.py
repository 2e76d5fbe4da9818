"""Convolution, activation and pooling of tiny images as one dense product.

On 8x8 images a convolution library spends most of its time on padding 6 channels to 16 and on
reordering; written as a product with the convolution's matrix (Toeplitz, mostly zeros) the same layer takes half
the time. The columns are ordered by the place in the 2x2 pooling window first, so that pooling adds
four contiguous blocks and its backward pass is a broadcast.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from objectives.stacks.looped.layers import Layer, aten
from objectives.training.networks import Tanh

LARGEST = 64
"""Output positions up to which the dense product is the faster way."""

ACTIVATIONS = (Tanh, nn.Sigmoid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where the kernel's weights stand in the matrix.

    Attributes:
        rows: inputs, channels x height x width.
        columns: 4 x output channels x pooled positions.
        cells: (n,) flat places in the matrix that hold a weight.
        weights: (n,) flat number of the weight there.
        table: (weights, positions) flat places of every weight; one past the matrix where there are fewer.
    """

    rows: int
    columns: int
    cells: Tensor
    weights: Tensor
    table: Tensor


class TinyConvolution(Layer):
    """`Conv2d`, `Tanh` or `Sigmoid`, and `AvgPool2d(2)`.

    Args:
        module: stride 1, zero padding, an even output size.
        activation: one of `ACTIVATIONS`.
        size: (channels, height, width) of the input.
    """

    def __init__(self, module: nn.Conv2d, activation: nn.Module, size: tuple[int, int, int]) -> None:
        assert module.bias is not None
        self.weight, self.bias = module.weight.detach(), module.bias.detach()
        self.parameters = (self.weight, self.bias)
        self.places = places(size, tuple(self.weight.shape), int(module.padding[0]))
        self.tanh = isinstance(activation, Tanh)
        self.pooled = (len(self.bias), *(side // 2 for side in output_size(module, size)[1:]))
        self.matrix = torch.zeros(self.places.rows, self.places.columns)
        self.slopes = torch.zeros(self.places.rows * self.places.columns + 1)  # The last stays zero.

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        self.matrix.view(-1).scatter_(0, self.places.cells, self.weight.view(-1).index_select(0, self.places.weights))
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        bias = self.bias.view(1, -1, 1).expand(4, -1, self.pooled[1] * self.pooled[2]).reshape(-1)
        # tanh(a) = 2 sigmoid(2a) - 1: the inner factor goes into the product, the outer behind the pooling.
        factor = 2 if self.tanh else 1
        self.y = torch.addmm(bias, self.x, self.matrix, beta=factor, alpha=factor).sigmoid_()
        total = self.y.view(len(x), 4, -1).sum(1)
        mean = total.mul_(0.5).sub_(1) if self.tanh else total.mul_(0.25)
        return mean.view(len(x), *self.pooled)

    def backward(self, gradient: Tensor, *, first: bool) -> tuple[Tensor | None, tuple[Tensor, ...]]:
        # A quarter from pooling, and a factor 4 from the two of tanh.
        share = gradient if self.tanh else gradient * 0.25
        spread = share.reshape(len(gradient), 1, -1).expand(-1, 4, -1)
        inner = aten.sigmoid_backward(spread, self.y.view(len(gradient), 4, -1)).view_as(self.y)
        torch.mm(self.x.t(), inner, out=self.slopes[:-1].view(self.places.rows, self.places.columns))
        weight = self.slopes.index_select(0, self.places.table.view(-1)).view(self.places.table.shape).sum(1)
        bias = inner.sum(0).view(4, len(self.bias), -1).sum((0, 2))
        grad_input = None if first else inner.mm(self.matrix.t()).view(self.shape)
        return grad_input, (weight.view_as(self.weight), bias)


def output_size(module: nn.Conv2d, size: tuple[int, int, int]) -> tuple[int, int, int]:
    """(channels, height, width) of the convolution's output."""
    tall, wide = (size[axis + 1] + 2 * int(module.padding[axis]) - module.kernel_size[axis] + 1 for axis in (0, 1))
    return module.out_channels, tall, wide


@cache
def places(size: tuple[int, int, int], kernel: tuple[int, ...], padding: int) -> Places:
    """The places for an input size, a kernel (out, in, height, width) and its zero padding."""
    outputs, channels, tall, wide = kernel
    height, width = size[1] + 2 * padding - tall + 1, size[2] + 2 * padding - wide + 1
    columns, rows = outputs * height * width, channels * size[1] * size[2]
    pairs: list[tuple[int, int]] = []
    for weight, (out, channel, down, right) in enumerate(torch.cartesian_prod(*map(torch.arange, kernel)).tolist()):
        for y, x in torch.cartesian_prod(torch.arange(height), torch.arange(width)).tolist():
            row_y, row_x = y + down - padding, x + right - padding
            if 0 <= row_y < size[1] and 0 <= row_x < size[2]:
                row = (channel * size[1] + row_y) * size[2] + row_x
                column = ((2 * (y % 2) + x % 2) * outputs + out) * (height // 2) * (width // 2)
                pairs.append((row * columns + column + (y // 2) * (width // 2) + x // 2, weight))
    table = torch.full((outputs * channels * tall * wide, height * width), rows * columns)
    filled = [0] * len(table)
    for cell, weight in pairs:
        table[weight, filled[weight]] = cell
        filled[weight] += 1
    cells, weights = (torch.tensor(part) for part in zip(*pairs, strict=True))
    return Places(rows=rows, columns=columns, cells=cells, weights=weights, table=table)
