"""Kernels of LeNet's two blocks of convolution, activation and average pooling, for all slots at once.

Products are implicit: a program gathers its patches itself. Convolution 1 has 6 channels where a product
wants 16 columns, so its columns are (dx, channel) for the two neighbouring positions dx of one pooling
window, over the K x (K + 1) pixels that the two see; the gradient by the pooled features of block 1 is
taken for pairs of neighbours in the same way. In both, a patch has one more column, a constant 1, whose
weight is the bias.

Layouts: block 1's pooled output (lanes, ROWS, S1 * S1, C1), the activations of convolution 2
(lanes, ROWS, S2 * S2, C2), its pooled output (lanes, ROWS, C2 * Q2 * Q2) as `nn.Flatten` gives it; weights
as `nn.Conv2d` has them.

Weight gradients are summed in order over chunks of CHUNK images, and over the chunks in order: the order of
a sum is a function of the batch alone.
"""

# mypy: disable-error-code="import-untyped,untyped-decorator"
from __future__ import annotations

import triton
import triton.language as tl

from objectives.stacks.gpu.table import RATE, RATE_STRIDE


@triton.jit
def _sgd(place: tl.tensor, gradient: tl.tensor, rates: tl.tensor, slot: tl.tensor, mask: tl.tensor) -> None:
    rate = tl.load(rates + slot * RATE_STRIDE + RATE)
    tl.store(place, tl.load(place, mask=mask, other=0.0) - rate * gradient, mask=mask)
