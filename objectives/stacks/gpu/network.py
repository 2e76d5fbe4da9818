"""The interface of the networks on a GPU: weights of all slots, a training step, an evaluation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectives.stacks.gpu.images import PixelBytes
from objectives.stacks.gpu.kernels.table import Table

EVALUATION_ROWS = 2048
"""Images that one round of launches classifies for every lane."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackBuffers:
    """Tables and buffers that all kernels of a stack share.

    Attributes:
        table: the slots' rows.
        order: (capacity, n) int32, every slot's data order in its epoch.
        train: training images.
        rows: the largest minibatch.
        who: (lanes,) int32, the slots that are evaluated together; -1 for an idle lane.
        wrong: (lanes,) int32, their wrong answers.
        chunk: images classified in one round of launches.
        precision: of every product, one of `PRECISIONS`.
        device: where.
    """

    table: Table
    order: Tensor
    train: PixelBytes
    rows: int
    who: Tensor
    wrong: Tensor
    chunk: int
    precision: str
    device: str

    @property
    def capacity(self) -> int:
        return len(self.order)

    @property
    def lanes(self) -> int:
        return len(self.who)

    def zeros(self, *shape: int) -> Tensor:
        return torch.zeros(shape, dtype=torch.float32, device=self.device)


class Network(ABC):
    """The weights of all slots, and launches that train or evaluate all of them.

    Attributes:
        parameters: (capacity, ...) float32 each, in the order of the module's parameters; a slot's own
            are the leading corner. All of a slot's lie together in memory.
    """

    parameters: list[Tensor]

    @abstractmethod
    def widths(self, module: nn.Module) -> list[int]:
        """Widths of the trial's fully connected layers, from the input to the classes."""

    @abstractmethod
    def step(self, step: int) -> None:
        """Launch one minibatch of every slot: number `step` after the table's positions."""

    @abstractmethod
    def evaluate(self, images: PixelBytes, first: int) -> None:
        """Add to `wrong` for the lanes' slots, on at most `chunk` images from `first` on."""

    @abstractmethod
    def multiply_adds(self, rows: int, widths: list[int]) -> tuple[float, float]:
        """Count a step's multiply-adds as requested and as computed, with rows and widths rounded up to tiles.

        What is the same in all trials (pixels, classes, channels) is counted as asked for.
        """

    def load(self, slot: int, values: list[Tensor]) -> None:
        """Give a slot a trial's parameters; what lies beyond them becomes 0."""
        for parameter, value in zip(self.parameters, values, strict=True):
            parameter[slot].zero_()
            _corner(parameter[slot], value.shape).copy_(to_device(value, parameter.device))

    def save(self, slot: int, shapes: list[torch.Size]) -> list[Tensor]:
        """Copies of a slot's parameters."""
        return [
            _corner(p[slot], shape).clone(memory_format=torch.contiguous_format)
            for p, shape in zip(self.parameters, shapes, strict=True)
        ]


def to_device(values: Tensor, device: torch.device) -> Tensor:
    """Send numbers to a device, which goes on with its work meanwhile, as does the host."""
    if device.type == "cpu" or values.device.type != "cpu":
        return values.to(device)
    return values.pin_memory().to(device, non_blocking=True)


def _corner(tensor: Tensor, shape: torch.Size) -> Tensor:
    """Return the part [:shape[0], :shape[1], ...] of a tensor."""
    if any(want > have for want, have in zip(shape, tensor.shape, strict=True)):
        raise ValueError(f"parameter of shape {tuple(shape)}: the stack holds up to {tuple(tensor.shape)}")
    return tensor[tuple(slice(want) for want in shape)]


def round_up(number: int, tile: int) -> int:
    """Round up to a multiple of `tile`."""
    return -(-number // tile) * tile


def count_tiles(number: int, tile: int) -> int:
    """Count the tiles that cover `number`."""
    return -(-number // tile)
