"""Dropout masks of all slots, drawn on the device: by a kernel where Triton is, else by tensor operations."""

from __future__ import annotations

import importlib.util

import torch
from torch import Tensor

from objectives.training import counter_rng


def draw_masks(
    out: Tensor, *, key: Tensor, epoch: Tensor, position: Tensor, keep: Tensor, scale: Tensor, layer: int
) -> None:
    """Draw one layer's masks of a minibatch of every slot: 0, or `scale` where an element is kept.

    Args:
        out: (slots, rows, ...) float32, overwritten.
        key: (slots, 2) int64, the bits of the trials' keys.
        epoch: (slots,) int64.
        position: (slots, rows) int64, the rows' places in their epochs.
        keep: (slots,) int64, thresholds.
        scale: (slots,) float32.
        layer: the dropout's number in its network.
    """
    if has_kernel(out.device):
        from objectives.stacks.gpu.kernels.philox import dropout_masks

        dropout_masks(out, key, epoch, position, keep, scale, layer=layer)
        return
    words = counter_rng.dropout_draws(
        key[:, None, None, :], layer=layer, epoch=epoch[:, None, None], position=position, width=out[0, 0].numel()
    )
    out.copy_(torch.where(words < keep[:, None, None], scale[:, None, None], 0.0).view(out.shape))


def has_kernel(device: torch.device) -> bool:
    """Return whether Triton draws masks on this device, in one launch instead of some 250."""
    return device.type == "cuda" and importlib.util.find_spec("triton") is not None
