"""The product of two tiles in every precision that the kernels know.

"bf16x6" reaches float32's accuracy on tensor cores: every float32 is the sum of three bfloat16 numbers of 8 bits
each, and six of the nine products of parts are taken; the three left out are below 2**-23 of the whole product. A
product of two parts is exact in float32, and the sums are float32 as well.
Source: G. Henry, P. T. P. Tang and A. Heinecke, "Leveraging the bfloat16 artificial intelligence datatype for
higher-precision computations", ARITH 2019, arXiv:1904.06376.
"""

# mypy: disable-error-code="import-untyped,untyped-decorator"
from __future__ import annotations

import os

import triton
import triton.language as tl

INTERPRETED = tl.constexpr(os.environ.get("TRITON_INTERPRET") == "1")
"""Triton's interpreter cuts a float32 off instead of rounding it to bfloat16, and multiplies the bit patterns of
bfloat16 numbers as integers. There, parts are float32 numbers with the values of bfloat16 numbers."""


@triton.jit
def product(
    a: tl.tensor, b: tl.tensor, total: tl.tensor, PRECISION: tl.constexpr,
    BYTES_A: tl.constexpr = False, BYTES_B: tl.constexpr = False,
) -> tl.tensor:  # fmt: skip
    """Compute total + a @ b for float32 tiles (M, K), (K, N) and (M, N).

    With BYTES_A or BYTES_B, that tile holds whole numbers from 0 to 255, which are bfloat16 numbers: three products.
    """
    if PRECISION == "bf16x6":
        return total + _products_of_parts(a, b, total, BYTES_A, BYTES_B)
    else:
        return tl.dot(a, b, total, input_precision=PRECISION)


@triton.jit
def _products_of_parts(
    a: tl.tensor, b: tl.tensor, total: tl.tensor, BYTES_A: tl.constexpr, BYTES_B: tl.constexpr
) -> tl.tensor:
    """Compute a @ b from three parts of each, the small products first.

    An infinite operand has no middle part (infinity less infinity is NaN); what such a NaN enters is left out, and
    the product of the high parts alone is infinite or NaN, as float32's is.
    """
    a_high, a_middle, a_low = split(a)
    b_high, b_middle, b_low = split(b)
    small = tl.zeros_like(total)
    if not BYTES_A and not BYTES_B:
        small = tl.dot(a_middle, b_middle, small, input_precision="ieee")
    if not BYTES_A:
        small = tl.dot(a_low, b_high, small, input_precision="ieee")
    if not BYTES_B:
        small = tl.dot(a_high, b_low, small, input_precision="ieee")
    if not BYTES_A:
        small = tl.dot(a_middle, b_high, small, input_precision="ieee")
    if not BYTES_B:
        small = tl.dot(a_high, b_middle, small, input_precision="ieee")
    small = tl.where(small == small, small, 0.0)
    return tl.dot(a_high, b_high, small, input_precision="ieee")


@triton.jit
def split(x: tl.tensor) -> tl.tensor:
    """Split float32 numbers into three bfloat16 parts whose sum they are, from 2**-110 to 3.38e38 in magnitude.

    Below, the low parts lose bits beyond 2**-133, bfloat16's least number; above, the high part is infinite.
    """
    high = _round_to_bfloat16(x)
    rest = x - high.to(tl.float32)
    middle = _round_to_bfloat16(rest)
    low = _round_to_bfloat16(rest - middle.to(tl.float32))
    return high, middle, low


@triton.jit
def _round_to_bfloat16(x: tl.tensor) -> tl.tensor:
    """Round to the nearest bfloat16, ties to even; interpreted, to a float32 of that value."""
    if INTERPRETED:
        bits = x.to(tl.uint32, bitcast=True)
        rounded = (bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000
        return tl.where(x == x, rounded.to(tl.float32, bitcast=True), x)
    else:
        return x.to(tl.bfloat16)
