"""Networks, built without touching a global random generator."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor, nn

from objectives.training import counter_rng

SELF_RESETTING = (nn.modules.batchnorm._BatchNorm, nn.LayerNorm, nn.GroupNorm)
"""Modules whose own reset is deterministic."""


class Dropout(nn.Module):
    """Inverted dropout whose decisions are a function of the trial, the epoch and the element.

    Source: Srivastava et al. (2014). The training loop calls `start_epoch` at the start of every epoch; the
    rows then passed in are those of the epoch's data order, one batch after another. The kept elements
    are scaled by the inverse of the exact probability, a multiple of 2**-16.
    """

    def __init__(self, probability: float) -> None:
        super().__init__()
        if not 0 <= probability < 1:
            raise ValueError(f"probability = {probability!r}: need a number in [0, 1)")
        self.keep = counter_rng.keep_threshold(probability)
        self.scale = 2**counter_rng.DROPOUT_BITS / self.keep
        self._bits: counter_rng.KeepBits | None = None

    @property
    def active(self) -> bool:
        return bool(self.keep < 2**counter_rng.DROPOUT_BITS)

    def start_epoch(self, key: counter_rng.Key, layer: int, epoch: int) -> None:
        """Start the random stream of an epoch; `layer` counts the network's dropouts."""
        self._stream = key, layer, epoch
        self._bits, self._position = None, 0

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.active:
            return x
        return x * self.mask(x)

    def mask(self, x: Tensor) -> Tensor:
        """Draw zero or `scale` for every element of the next rows."""
        width = x[0].numel()
        key, layer, epoch = self._stream
        if x.device.type == "cpu":
            if self._bits is None:
                self._bits = counter_rng.KeepBits(key, layer=layer, epoch=epoch)
            # NumPy compares 16-bit integers and makes floats of the answers in half of torch's time.
            kept = torch.from_numpy((self._bits.rows(len(x), width) < self.keep).astype(np.float32))
        else:
            position = torch.arange(self._position, self._position + len(x), device=x.device)
            self._position += len(x)
            words = counter_rng.as_tensor(key, x.device)
            kept = (
                counter_rng.dropout_draws(words, layer=layer, epoch=epoch, position=position, width=width) < self.keep
            )
        return kept.view(x.shape).to(x.dtype).mul_(self.scale)


class Tanh(nn.Module):
    """The hyperbolic tangent as 2 sigmoid(2x) - 1, which takes a fifth of `torch.tanh`'s time on the CPU."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.sigmoid(x * 2) * 2 - 1


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


def dropout_mlp(pixels: int, widths: tuple[int, int], dropouts: tuple[float, float]) -> nn.Module:
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(pixels, widths[0]), nn.ReLU(), Dropout(dropouts[0]),
        nn.Linear(widths[0], widths[1]), nn.ReLU(), Dropout(dropouts[1]),
        nn.Linear(widths[1], 10),
    )  # fmt: skip


def build_network(
    build: Callable[[], nn.Module], key: counter_rng.Key, device: str, *, xavier: bool = False
) -> nn.Module:
    """Build a network on `device` with weights that are a function of `key` alone.

    PyTorch's constructors draw from the global generator, so the network is built without storage
    first. Weights are uniform in +-1/sqrt(fan_in) (PyTorch's default) or, with `xavier`, in
    +-sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio, 2010, eq. 16); biases in +-1/sqrt(fan_in).
    `torch.nn.Dropout` becomes `Dropout`, which does not draw from a global generator.

    Raises:
        ValueError: the network has a parameter or buffer that no rule here initialises.
    """
    network = build_unfilled(lambda: _with_own_dropout(build()), device)
    drawn = 0
    for module in network.modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            drawn = _draw_layer(module, key, drawn, xavier)
        elif isinstance(module, SELF_RESETTING):
            module.reset_parameters()
        elif any(True for _ in (*module.parameters(recurse=False), *module.buffers(recurse=False))):
            raise ValueError(f"{type(module).__name__}: no rule initialises its parameters or buffers")
    return network


def build_unfilled(build: Callable[[], nn.Module], device: str) -> nn.Module:
    """Build a network without drawing weights: they are whatever was in memory.

    This is `Module.to_empty`, whose `empty_like` of a tensor without storage would import sympy, 0.3 s.
    """
    with torch.device("meta"):
        network = build()

    def allocate(tensor: Tensor) -> Tensor:
        return torch.empty_strided(tensor.size(), tensor.stride(), dtype=tensor.dtype, device=device)

    network._apply(allocate)  # type: ignore[no-untyped-call]
    return network


def dropouts(network: nn.Module) -> list[Dropout]:
    """The network's dropout layers, in the order of its modules."""
    return [module for module in network.modules() if isinstance(module, Dropout)]


def _with_own_dropout(network: nn.Module) -> nn.Module:
    if type(network) is nn.Dropout:
        return Dropout(network.p)
    for name, child in network.named_children():
        if isinstance(child, nn.modules.dropout._DropoutNd) and type(child) is not nn.Dropout:
            raise ValueError(
                f"{type(child).__name__}: draws from a global generator; use objectives.training.networks.Dropout"
            )
        setattr(network, name, _with_own_dropout(child))
    return network


@torch.no_grad()
def _draw_layer(layer: nn.Linear | nn.Conv2d, key: counter_rng.Key, drawn: int, xavier: bool) -> int:
    fan_in = layer.weight[0].numel()
    fan_out = layer.weight.numel() // layer.weight.shape[1]
    weight_bound = math.sqrt(6 / (fan_in + fan_out)) if xavier else 1 / math.sqrt(fan_in)
    _draw(layer.weight, weight_bound, key, drawn)
    if layer.bias is not None:
        _draw(layer.bias, 1 / math.sqrt(fan_in), key, drawn + 1)
    return drawn + 2


def _draw(parameter: Tensor, bound: float, key: counter_rng.Key, index: int) -> None:
    """Draw uniform numbers in +-bound on the CPU, so that every device starts from the same weights."""
    unit = torch.from_numpy(counter_rng.uniform(key, index, parameter.numel()))
    parameter.copy_((unit * (2 * bound) - bound).view(parameter.shape))
