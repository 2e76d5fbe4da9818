"""Translates a plain sequential network to hand-written layers."""

from __future__ import annotations

import math

import torch
from torch import nn

from objectives.stacks.looped.direct_convolution import DirectConvolution, is_direct
from objectives.stacks.looped.layers import Convolution, FlattenLayer, Layer, LinearLayer, MeanPool, layer_of
from objectives.stacks.looped.tiny_convolution import ACTIVATIONS, LARGEST, TinyConvolution, output_size

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def layers_of(network: nn.Module, image: torch.Size, *, compiled: bool = False) -> list[Layer] | None:
    """Translate a plain `nn.Sequential`; None when one of its modules has no hand-written form.

    Args:
        network: built and initialised; the layers share its parameters.
        image: (channels, height, width) of what it is given.
        compiled: let compiled code stand for convolutions that it can compute.
    """
    if type(network) is not nn.Sequential or not plain(network):
        return None
    modules = list(network)
    size: tuple[int, ...] = tuple(image)
    layers: list[Layer] = []
    while modules:
        module = modules.pop(0)
        layer = layer_of(module)
        if layer is None:
            return None
        if isinstance(layer, Convolution):
            if len(size) != 3:
                return None
            assert isinstance(module, nn.Conv2d)
            shape = (size[0], size[1], size[2])
            out: tuple[int, ...] = output_size(module, shape)
            if (block := _block_of(module, modules, shape, out, compiled)) is not None:
                layer, out = block, block.pooled
                del modules[:2]
            size = out
        elif isinstance(layer, MeanPool):
            if len(size) != 3 or size[1] % 2 or size[2] % 2:
                return None
            size = (size[0], size[1] // 2, size[2] // 2)
        elif isinstance(layer, FlattenLayer):
            size = (math.prod(size),)
        elif isinstance(layer, LinearLayer):
            if len(size) != 1:
                return None
            size = (len(layer.bias),)
        layers.append(layer)
    return layers


def plain(network: nn.Sequential) -> bool:
    """Return whether the network has no hooks or the like, so that its modules' passes alone decide the result.

    Hooks, frozen weights and weights used twice are autograd's business.
    """
    parameters = list(network.parameters())
    return (
        not any(getattr(module, hooks) for module in network.modules() for hooks in HOOKS)
        and all(parameter.requires_grad and not parameter._backward_hooks for parameter in parameters)
        and len(parameters) == sum(1 for module in network for _ in module.parameters())
    )


def _block_of(
    convolution: nn.Conv2d, after: list[nn.Module], size: tuple[int, int, int], out: tuple[int, ...], compiled: bool
) -> TinyConvolution | DirectConvolution | None:
    """Return one layer for a convolution and the two modules after it, or None where there is none."""
    if len(after) < 2:
        return None
    activation, pool = after[:2]
    if _is_tiny(convolution, activation, pool, out):
        return TinyConvolution(convolution, activation, size)
    if compiled and is_direct(convolution, activation, isinstance(layer_of(pool), MeanPool), out):
        return DirectConvolution(convolution, activation, size)
    return None


def _is_tiny(convolution: nn.Conv2d, activation: nn.Module, pool: nn.Module, out: tuple[int, ...]) -> bool:
    return (
        out[1] * out[2] <= LARGEST
        and out[1] % 2 == out[2] % 2 == 0
        and convolution.kernel_size[0] == convolution.kernel_size[1]
        and convolution.padding[0] == convolution.padding[1]
        and type(activation) in ACTIVATIONS
        and isinstance(layer_of(pool), MeanPool)
    )
