"""Convolution, activation and pooling of larger images in compiled code (`direct_convolution.c`).

On Fashion-MNIST, LeNet spends nine tenths of an epoch there. With few channels a library's convolution pads
them, and reads what it wrote three times for activation and pooling; with an image in each lane of a vector
nothing is padded, and all three are one pass.
"""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch
from torch import Tensor, nn

from objectives.stacks.looped.c_library import load_library
from objectives.stacks.looped.layers import Layer
from objectives.stacks.looped.tiny_convolution import output_size
from objectives.training.networks import Tanh

ARITHMETIC = "compiled-convolution"
"""Name for ledgers: its sums are ordered otherwise than those of torch's convolution."""

SOURCE = Path(__file__).with_suffix(".c")
LANES = 16
REGISTERS = 24
"""Sums that are kept in registers at once, of 32 (AVX-512); the others hold a factor and what it is multiplied with."""

LARGEST_KERNEL = 7


class DirectConvolution(Layer):
    """`Conv2d`, `Tanh` or `Sigmoid`, and `AvgPool2d(2)`.

    Args:
        module: stride 1, a square kernel, the same zero padding on all sides, an even output size.
        activation: `Tanh` or `torch.nn.Sigmoid`.
        size: (channels, height, width) of the input.

    Raises:
        CompilerError: there is no C compiler.
    """

    def __init__(self, module: nn.Conv2d, activation: nn.Module, size: tuple[int, int, int]) -> None:
        assert module.bias is not None
        self.weight, self.bias = module.weight.detach(), module.bias.detach()
        self.parameters = (self.weight, self.bias)
        self.size, out = size, output_size(module, size)
        self.pooled = (out[0], out[1] // 2, out[2] // 2)
        self.library = load_library(SOURCE, _macros(module, activation, size, out[2]))
        counts = [ctypes.c_int() for _ in range(3)]
        self.library.sizes(*(ctypes.byref(count) for count in counts))
        self.input_lanes, self.output_lanes, self.scratch_lanes = (count.value for count in counts)

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        """Return the pooled activations, (n, channels, height, width); for training, keep what `backward` needs."""
        x = x.contiguous()
        blocks = -(-len(x) // LANES) if training else 1
        self.x = torch.empty(blocks * self.input_lanes * LANES)
        self.y = torch.empty(blocks * self.output_lanes * LANES)
        pooled = torch.empty(len(x), *self.pooled)
        self.library.forward(
            *_pointers(x), len(x), *_pointers(self.weight, self.bias, pooled, self.x, self.y), int(training)
        )
        return pooled

    def backward(self, gradient: Tensor, *, first: bool) -> tuple[Tensor | None, tuple[Tensor, ...]]:
        gradient = gradient.contiguous()
        of_images = None if first else torch.empty(len(gradient), *self.size)
        of_weight, of_bias = torch.empty_like(self.weight), torch.empty_like(self.bias)
        scratch = torch.empty(self.scratch_lanes * LANES)
        self.library.backward(
            *_pointers(gradient), len(gradient),
            *_pointers(self.weight, self.x, self.y, of_images, of_weight, of_bias, scratch),
        )  # fmt: skip
        return of_images, (of_weight, of_bias)


def is_direct(convolution: nn.Conv2d, activation: nn.Module, pool_is_mean: bool, out: tuple[int, ...]) -> bool:
    """Return whether the compiled code can stand for three modules.

    Args:
        convolution: of stride 1, with biases.
        activation: the module after it.
        pool_is_mean: whether the third is a plain `AvgPool2d(2)`.
        out: (channels, height, width) of the convolution's output.
    """
    kernel, padding = convolution.kernel_size, convolution.padding
    return (
        pool_is_mean
        and type(activation) in (Tanh, nn.Sigmoid)
        and out[1] % 2 == out[2] % 2 == 0
        and kernel[0] == kernel[1] <= LARGEST_KERNEL
        and padding[0] == padding[1]
    )


def _macros(
    module: nn.Conv2d, activation: nn.Module, size: tuple[int, int, int], out_width: int
) -> tuple[tuple[str, int], ...]:
    kernel = int(module.kernel_size[0])
    out_block = _divisor(module.out_channels, 6)
    columns = 5 if out_width % 5 == 0 and out_block * 5 <= REGISTERS else 4
    macros = {
        "C_IN": size[0], "C_OUT": module.out_channels, "K": kernel, "PAD": int(module.padding[0]),
        "H": size[1], "W": size[2], "TANH": int(isinstance(activation, Tanh)),
        "OUT_BLOCK": out_block, "IN_BLOCK": _divisor(size[0], 6), "COLUMNS": columns,
    }  # fmt: skip
    return tuple(macros.items())


def _divisor(number: int, largest: int) -> int:
    return max(divisor for divisor in range(1, largest + 1) if number % divisor == 0)


def _pointers(*tensors: Tensor | None) -> list[ctypes.c_void_p]:
    """Return addresses for the library; torch aligns what it allocates on the CPU to 64 bytes."""
    return [ctypes.c_void_p(None if tensor is None else tensor.data_ptr()) for tensor in tensors]
