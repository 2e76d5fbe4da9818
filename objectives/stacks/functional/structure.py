"""The structure of a network (modules, settings, parameter shapes), equal where one trace serves both."""

from __future__ import annotations

import types
from collections.abc import Hashable, Iterator
from typing import Any

import torch
from torch import nn

from objectives.training.networks import Dropout

Structure = tuple[Hashable, ...]
"""Equal for networks that compute the same function of their weights, images and dropout masks."""

SCALARS = (bool, int, float, str, bytes, types.NoneType)
BY_IDENTITY = (type, torch.dtype, torch.device, types.FunctionType, types.BuiltinFunctionType)
INHERITED = frozenset(nn.Module().__dict__)
HOOKS = tuple(sorted(name for name in INHERITED if name.endswith("_hooks")))
CONVOLUTIONS = nn.modules.conv._ConvNd


class Unstackable(ValueError):
    """A network that has to be trained alone; the message says why."""


def structure(network: nn.Module, *, besides: tuple[type[nn.Module], ...] = ()) -> Structure:
    """The structure of a network; a dropout's probability and the values of weights are no part of it.

    Args:
        network: the network.
        besides: kinds of modules that are not looked into.

    Raises:
        Unstackable: the network has buffers or hooks, or a setting that cannot be compared.
    """
    numbers: dict[int, int] = {}
    described: list[Hashable] = []
    for name, module in network.named_modules(remove_duplicate=False):
        number = numbers.setdefault(id(module), len(numbers))
        inside = () if isinstance(module, besides) else (*_settings(module), *_parameters(module))
        described.append((name, number, type(module), inside))
    return tuple(described)


def without_convolutions(network: nn.Module) -> None:
    """Refuse convolutions, which are slower stacked than one by one on a CPU.

    LeNet on 28x28 images in batches of 64: 18 ms a slot and step, one by one 14.5 ms; of 128: 43 ms and 31 ms.

    Raises:
        Unstackable: there is one.
    """
    if any(isinstance(module, CONVOLUTIONS) for module in network.modules()):
        raise Unstackable("convolutions are slower stacked on a CPU")


def _settings(module: nn.Module) -> Iterator[Hashable]:
    name = type(module).__name__
    if any(True for _ in module.buffers(recurse=False)):
        raise Unstackable(f"{name}: has buffers")
    if any(module.__dict__[hooks] for hooks in HOOKS):
        raise Unstackable(f"{name}: has hooks")
    if isinstance(module, Dropout):
        yield module.active
        return
    for setting, value in module.__dict__.items():
        if setting not in INHERITED:
            yield setting, _comparable(value, f"{name}.{setting}")


def _parameters(module: nn.Module) -> Iterator[Hashable]:
    for name, parameter in module.named_parameters(recurse=False):
        if not parameter.requires_grad or parameter.dtype != torch.float32:
            raise Unstackable(f"{type(module).__name__}.{name}: is not a trained float32 parameter")
        yield name, tuple(parameter.shape)


def _comparable(value: Any, name: str) -> Hashable:
    """The value with its types, since 1, 1.0 and True are equal; a function is equal to itself alone."""
    if type(value) in SCALARS:
        return type(value), repr(value)
    if isinstance(value, BY_IDENTITY):
        return value
    if type(value) in (list, tuple, torch.Size):
        return type(value), tuple(_comparable(item, name) for item in value)
    if type(value) is dict:
        pairs = ((_comparable(key, name), _comparable(item, name)) for key, item in value.items())
        return dict, tuple(pairs)
    raise Unstackable(f"{name}: a {type(value).__name__} cannot be compared")
