"""Activations, their derivatives, the pixel scale and the step of SGD, shared by the kernels."""

# mypy: disable-error-code="import-untyped,untyped-decorator"
from __future__ import annotations

import triton
import triton.language as tl

from objectives.stacks.gpu.kernels.table import RATE, RATE_STRIDE

NONE, RELU, SIGMOID, TANH = 0, 1, 2, 3
_RELU, _SIGMOID, _TANH = tl.constexpr(RELU), tl.constexpr(SIGMOID), tl.constexpr(TANH)

PIXEL_SCALES = {"digits": (1 / 16, 0.0), "fashion_mnist": (257 / 65536, 1 / 255 - 257 / 65536)}
"""A pixel u becomes u * high + u * low. The first product is exact, and the rounded sum is the float32
nearest to u / 16 or u / 255 for all 256 values, with and without a fused multiply-add (tested): no division."""


ALIGNMENT = 16
"""Every row of a matrix starts at a multiple of this many elements, and is padded to one with zeros."""

_ALIGNMENT = tl.constexpr(ALIGNMENT)


@triton.jit
def aligned(width: tl.tensor) -> tl.tensor:
    """Round a width up to whole vectors: with a bound known to be aligned the compiler loads 16 bytes at once."""
    return (width + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT


@triton.jit
def pixels(u: tl.tensor, HIGH: tl.constexpr, LOW: tl.constexpr) -> tl.tensor:
    """Convert a stored uint8 to a float32 in [0, 1]."""
    x = u.to(tl.float32)
    return x * HIGH + x * LOW


@triton.jit
def activate(z: tl.tensor, KIND: tl.constexpr) -> tl.tensor:
    """Apply the layer's activation; the hyperbolic tangent is computed as in `networks.Tanh`."""
    if KIND == _RELU:
        return tl.where(z != z, z, tl.maximum(z, 0.0))
    elif KIND == _SIGMOID:
        return tl.sigmoid(z)
    elif KIND == _TANH:
        return tl.sigmoid(z * 2.0) * 2.0 - 1.0
    else:
        return z


@triton.jit
def slope(a: tl.tensor, KIND: tl.constexpr) -> tl.tensor:
    """Compute the activation's derivative from its value."""
    if KIND == _SIGMOID:
        return a * (1.0 - a)
    else:
        return 1.0 - a * a


@triton.jit
def sgd_step(place: tl.tensor, gradient: tl.tensor, rates: tl.tensor, slot: tl.tensor, mask: tl.tensor) -> None:
    """Subtract the slot's learning rate times the gradient."""
    rate = tl.load(rates + slot * RATE_STRIDE + RATE)
    tl.store(place, tl.load(place, mask=mask, other=0.0) - rate * gradient, mask=mask)
