"""Layers with a hand-written backward pass, for training on the CPU without autograd.

Every layer calls the kernels that autograd would call, on the same layouts, so that the weights agree
with the reference loop's to the bit; what is saved is autograd's bookkeeping, and in pooling and dropout
slow kernels. A layer keeps what its backward pass needs from one forward pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectives.training.networks import Dropout, Tanh

aten = torch.ops.aten


class Layer:
    """A layer without parameters; `forward` and `backward` are each other's counterpart."""

    parameters: tuple[Tensor, ...] = ()

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        raise NotImplementedError

    def backward(self, gradient: Tensor, *, first: bool) -> tuple[Tensor | None, tuple[Tensor, ...]]:
        """Gradients of the input (not needed for the `first` layer) and of the parameters."""
        return self.input_gradient(gradient), ()

    def input_gradient(self, gradient: Tensor) -> Tensor:
        raise NotImplementedError

    def release(self) -> None:
        """Free the last batch's tensors, so that a paused training holds little besides its weights."""
        for name in ("x", "y", "half", "mask"):
            self.__dict__.pop(name, None)


class LinearLayer(Layer):
    """`torch.nn.Linear` on a matrix of rows."""

    def __init__(self, module: nn.Linear) -> None:
        self.weight, self.bias = module.weight.detach(), module.bias.detach()
        self.parameters = (self.weight, self.bias)
        self.transposed = self.weight.t()

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        self.x = x
        return torch.addmm(self.bias, x, self.transposed)

    def backward(self, gradient: Tensor, *, first: bool) -> tuple[Tensor | None, tuple[Tensor, ...]]:
        parameter_gradients = (gradient.t().mm(self.x), gradient.sum(0))
        return (None if first else gradient.mm(self.weight)), parameter_gradients


class Convolution(Layer):
    """`torch.nn.Conv2d`."""

    def __init__(self, module: nn.Conv2d) -> None:
        assert module.bias is not None
        self.weight, self.bias = module.weight.detach(), module.bias.detach()
        self.parameters = (self.weight, self.bias)
        self.padding = [int(side) for side in module.padding]

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        self.x = x
        return functional.conv2d(x, self.weight, self.bias, padding=self.padding)

    def backward(self, gradient: Tensor, *, first: bool) -> tuple[Tensor | None, tuple[Tensor, ...]]:
        grad_input, grad_weight, grad_bias = aten.convolution_backward(
            gradient, self.x, self.weight, [len(self.bias)],
            [1, 1], self.padding, [1, 1], False, [0, 0], 1, [not first, True, True],
        )  # fmt: skip
        return grad_input, (grad_weight, grad_bias)


class Rectifier(Layer):
    """`torch.nn.ReLU`."""

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        self.y = torch.relu(x)
        return self.y

    def input_gradient(self, gradient: Tensor) -> Tensor:
        return aten.threshold_backward(gradient, self.y, 0)  # type: ignore[no-any-return]  # untyped operator


class SigmoidLayer(Layer):
    """`torch.nn.Sigmoid`."""

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        self.y = torch.sigmoid(x)
        return self.y

    def input_gradient(self, gradient: Tensor) -> Tensor:
        return aten.sigmoid_backward(gradient, self.y)  # type: ignore[no-any-return]  # untyped operator


class TanhLayer(Layer):
    """`objectives.training.networks.Tanh`; factors of two are exact, wherever they are multiplied in."""

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        self.half = (x * 2).sigmoid_()
        return (self.half * 2).sub_(1)

    def input_gradient(self, gradient: Tensor) -> Tensor:
        return aten.sigmoid_backward(gradient, self.half).mul_(4)  # type: ignore[no-any-return]  # untyped operator


class MeanPool(Layer):
    """`torch.nn.AvgPool2d(2)` on even sizes: the same additions in the same order, four times as fast."""

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        self.shape = x.shape
        quads = x.view(*x.shape[:2], x.shape[2] // 2, 2, x.shape[3] // 2, 2)
        total = quads[..., 0, :, 0].add(quads[..., 0, :, 1])
        return total.add_(quads[..., 1, :, 0]).add_(quads[..., 1, :, 1]).mul_(0.25)

    def input_gradient(self, gradient: Tensor) -> Tensor:
        quarter = gradient * 0.25
        spread = torch.empty(*gradient.shape[:3], 2, gradient.shape[3], 2)
        for row in (0, 1):
            for column in (0, 1):
                spread[..., row, :, column].copy_(quarter)
        return spread.view(self.shape)


class FlattenLayer(Layer):
    """`torch.nn.Flatten`."""

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        self.shape = x.shape
        return x.flatten(1)

    def input_gradient(self, gradient: Tensor) -> Tensor:
        return gradient.view(self.shape)


class DropoutLayer(Layer):
    """`objectives.training.networks.Dropout`, which holds the stream."""

    def __init__(self, module: Dropout) -> None:
        self.module = module
        self.mask: Tensor | None = None

    def forward(self, x: Tensor, *, training: bool) -> Tensor:
        self.mask = self.module.mask(x) if training and self.module.active else None
        return x if self.mask is None else x * self.mask

    def input_gradient(self, gradient: Tensor) -> Tensor:
        return gradient if self.mask is None else gradient * self.mask


def _plain_linear(module: nn.Module) -> bool:
    return isinstance(module, nn.Linear) and module.bias is not None


def _plain_convolution(module: nn.Module) -> bool:
    return (
        isinstance(module, nn.Conv2d)
        and module.bias is not None
        and (module.stride, module.dilation, module.groups) == ((1, 1), (1, 1), 1)
        and module.padding_mode == "zeros"
        and not isinstance(module.padding, str)
    )


def _plain_pool(module: nn.Module) -> bool:
    return isinstance(module, nn.AvgPool2d) and (
        (module.kernel_size, module.stride, module.padding, module.ceil_mode) == (2, 2, 0, False)
        and module.divisor_override is None
    )


def _plain_flatten(module: nn.Module) -> bool:
    return isinstance(module, nn.Flatten) and module.start_dim == 1 and module.end_dim == -1


def _always(module: nn.Module) -> bool:
    return True


Maker = tuple[Callable[[nn.Module], bool], Callable[[Any], Layer]]
KNOWN: Mapping[type[nn.Module], Maker] = {
    nn.Linear: (_plain_linear, LinearLayer),
    nn.Conv2d: (_plain_convolution, Convolution),
    nn.AvgPool2d: (_plain_pool, lambda module: MeanPool()),
    nn.ReLU: (_always, lambda module: Rectifier()),
    nn.Sigmoid: (_always, lambda module: SigmoidLayer()),
    Tanh: (_always, lambda module: TanhLayer()),
    nn.Flatten: (_plain_flatten, lambda module: FlattenLayer()),
    Dropout: (_always, DropoutLayer),
}
"""Modules by exact type: which of them a hand-written layer can stand for, and that layer."""


def layer_of(module: nn.Module) -> Layer | None:
    """Return the hand-written layer for a module, or None when there is none."""
    fits, make = KNOWN.get(type(module), (None, None))
    return make(module) if fits is not None and make is not None and fits(module) else None
