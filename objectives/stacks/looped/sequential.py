"""Translates a plain sequential network to hand-written layers."""

from __future__ import annotations

import math

import torch
from torch import nn

from objectives.stacks.looped.layers import Convolution, FlattenLayer, Layer, LinearLayer, MeanPool, layer_of
from objectives.stacks.looped.tiny_convolution import ACTIVATIONS, LARGEST, TinyConvolution, output_size

HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")


def layers_of(network: nn.Module, image: torch.Size) -> list[Layer] | None:
    """Translate a plain `nn.Sequential`; None when one of its modules has no hand-written form.

    Args:
        network: built and initialised; the layers share its parameters.
        image: (channels, height, width) of what it is given.
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
            given = (size[0], size[1], size[2])
            out: tuple[int, ...] = output_size(module, given)
            if len(modules) > 1 and _is_tiny(module, modules[0], modules[1], out):
                layer = TinyConvolution(module, modules[0], given)
                del modules[:2]
                out = layer.pooled
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
    """Whether the network has no hooks or the like, so that its modules' passes alone decide the result.

    Hooks, frozen weights and weights used twice are autograd's business.
    """
    parameters = list(network.parameters())
    return (
        not any(getattr(module, hooks) for module in network.modules() for hooks in HOOKS)
        and all(parameter.requires_grad and not parameter._backward_hooks for parameter in parameters)
        and len(parameters) == sum(1 for module in network for _ in module.parameters())
    )


def _is_tiny(convolution: nn.Conv2d, activation: nn.Module, pool: nn.Module, out: tuple[int, ...]) -> bool:
    return (
        out[1] * out[2] <= LARGEST
        and out[1] % 2 == out[2] % 2 == 0
        and convolution.kernel_size[0] == convolution.kernel_size[1]
        and convolution.padding[0] == convolution.padding[1]
        and type(activation) in ACTIVATIONS
        and isinstance(layer_of(pool), MeanPool)
    )
