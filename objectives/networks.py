"""The networks, built without touching a global random generator."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

SELF_RESETTING = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
"""Modules whose own reset is deterministic."""


class Dropout(nn.Module):
    """Inverted dropout that draws its masks from a generator of its own (Srivastava et al., 2014)."""

    def __init__(self, probability: float, generator: torch.Generator) -> None:
        super().__init__()
        self.probability, self.generator = probability, generator

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or self.probability == 0:
            return x
        keep = 1 - self.probability
        mask = torch.empty_like(x).bernoulli_(keep, generator=self.generator)
        return x * mask.div_(keep)


def softmax_regression(pixels: int) -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(pixels, 10))


def lenet(activation: Callable[[], nn.Module]) -> nn.Module:
    """LeNet-5 for 28x28 images as the book draws it (LeCun et al., 1998)."""
    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=5, padding=2), activation(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, kernel_size=5), activation(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(400, 120), activation(),
        nn.Linear(120, 84), activation(), nn.Linear(84, 10),
    )  # fmt: skip


def small_lenet(activation: Callable[[], nn.Module]) -> nn.Module:
    """LeNet-5 for 8x8 images: kernels of 3 that keep the size, so that two poolings leave 2x2."""
    return nn.Sequential(
        nn.Conv2d(1, 6, kernel_size=3, padding=1), activation(), nn.AvgPool2d(2),
        nn.Conv2d(6, 16, kernel_size=3, padding=1), activation(), nn.AvgPool2d(2),
        nn.Flatten(), nn.Linear(64, 120), activation(),
        nn.Linear(120, 84), activation(), nn.Linear(84, 10),
    )  # fmt: skip


def dropout_mlp(
    pixels: int, widths: tuple[int, int], dropouts: tuple[float, float], generator: torch.Generator
) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, widths[0]), nn.ReLU(), Dropout(dropouts[0], generator),
        nn.Linear(widths[0], widths[1]), nn.ReLU(), Dropout(dropouts[1], generator),
        nn.Linear(widths[1], 10),
    )  # fmt: skip


def materialise(
    build: Callable[[], nn.Module], seed: np.random.SeedSequence, device: str, *, xavier: bool = False
) -> nn.Module:
    """Build a network on `device` with weights drawn from `seed` alone.

    PyTorch's constructors draw from the global generator, so the network is built without storage
    first. Weights are uniform in +-1/sqrt(fan_in) (PyTorch's default) or, with `xavier`, in
    +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010, eq. 16); biases in +-1/sqrt(fan_in).

    Raises:
        ValueError: the network has a parameter or buffer that no rule here initialises.
    """
    with torch.device("meta"):
        network = build()
    network = network.to_empty(device=device)
    generator = seeded_generator(seed)
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            _draw_layer(module, generator, xavier)
        elif isinstance(module, SELF_RESETTING):
            module.reset_parameters()
        elif any(True for _ in (*module.parameters(recurse=False), *module.buffers(recurse=False))):
            raise ValueError(f"{type(module).__name__}: no rule initialises its parameters or buffers")
    return network


def seeded_generator(seed: np.random.SeedSequence, device: str = "cpu") -> torch.Generator:
    """A generator of its own on `device`, seeded by the first 64 bits of `seed`."""
    return torch.Generator(device).manual_seed(int(seed.generate_state(1, np.uint64)[0]))


@torch.no_grad()
def _draw_layer(layer: nn.Linear | nn.Conv2d, generator: torch.Generator, xavier: bool) -> None:
    fan_in = layer.weight[0].numel()
    fan_out = layer.weight.numel() // layer.weight.shape[1]
    weight_bound = math.sqrt(6 / (fan_in + fan_out)) if xavier else 1 / math.sqrt(fan_in)
    _draw(layer.weight, weight_bound, generator)
    if layer.bias is not None:
        _draw(layer.bias, 1 / math.sqrt(fan_in), generator)


def _draw(parameter: Tensor, bound: float, generator: torch.Generator) -> None:
    """Uniform in +-bound, drawn on the CPU so that every device starts from the same weights."""
    parameter.copy_(torch.rand(parameter.shape, generator=generator) * (2 * bound) - bound)
