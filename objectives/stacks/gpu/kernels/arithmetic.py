"""Activations, their derivatives, the scale of pixels and the step of SGD, shared by the kernels."""

# mypy: disable-error-code="import-untyped,untyped-decorator"
from __future__ import annotations

import triton
import triton.language as tl

from objectives.stacks.gpu.kernels.table import RATE, RATE_STRIDE

NONE, RELU, SIGMOID, TANH = 0, 1, 2, 3
_RELU, _SIGMOID, _TANH = tl.constexpr(RELU), tl.constexpr(SIGMOID), tl.constexpr(TANH)

PIXEL_SCALES = {"digits": 1 / 16, "fashion_mnist": 1 / 255}
"""What a stored byte u is worth. Products take u itself, which is exact in every precision, and scale their sum."""

ALIGNMENT = 16
"""Every row of a matrix starts at a multiple of this many elements, and is padded to one with zeros."""

_ALIGNMENT = tl.constexpr(ALIGNMENT)


@triton.jit
def aligned(width: tl.tensor) -> tl.tensor:
    """Round a width up to whole vectors: with a bound known to be aligned the compiler loads 16 bytes at once."""
    return (width + _ALIGNMENT - 1) // _ALIGNMENT * _ALIGNMENT


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
