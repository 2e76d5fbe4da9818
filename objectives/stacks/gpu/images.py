"""Images on the device, stored as bytes."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from objectives.stacks.gpu.kernels.arithmetic import PIXEL_SCALES
from objectives.training.data import Images, Split


@dataclass(frozen=True, slots=True, kw_only=True)
class PixelBytes:
    """`u` (n, pixels) uint8 and `labels` (n,) int32; a pixel is worth u * scale."""

    u: Tensor
    labels: Tensor
    scale: float

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceImages:
    """A split on the device; `test` is `valid` under the book's protocol."""

    train: PixelBytes
    valid: PixelBytes
    test: PixelBytes


def load_images(split: Split, data: str, device: str) -> DeviceImages:
    """Copy a split to `device` as bytes.

    Raises:
        ValueError: an image that is not bytes times the data set's scale.
    """
    train, valid = _pixels(split.train, data, device), _pixels(split.valid, data, device)
    test = valid if split.test is split.valid else _pixels(split.test, data, device)
    return DeviceImages(train=train, valid=valid, test=test)


def _pixels(images: Images, data: str, device: str) -> PixelBytes:
    scale = PIXEL_SCALES[data]
    x = images.x.flatten(1).cpu()
    u = (x / scale).round().clamp(0, 255).to(torch.uint8)
    values = (torch.arange(256, dtype=torch.float64) * scale).to(torch.float32)
    if not torch.equal(values[u.to(torch.int32)], x):
        raise ValueError(f"data = {data!r}: its images are not bytes times {scale}")
    labels = images.y.to(device=device, dtype=torch.int32)
    return PixelBytes(u=u.contiguous().to(device), labels=labels, scale=scale)
