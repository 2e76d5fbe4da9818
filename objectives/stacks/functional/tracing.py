"""Traces a network into a graph whose dropout and matrix products can be batched exactly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap
from torch.fx import Graph, Node
from torch.fx.experimental.proxy_tensor import make_fx
from torch.nn import functional

from objectives.stacks.functional.structure import Unstackable
from objectives.training import counter_rng
from objectives.training.networks import Dropout

CPU_SIZES, GPU_SIZES = (2, 8), (64,)
"""Slots that a traced function is made for.

Never one: a product of a batch of one takes another path. On a CPU 16 slots gain nothing over 8 where their
activations leave the cache (100 hidden units, 100 rows: 437 us a slot and step, with 6 slots 234 us); on
a GPU kernels are chosen by shape, so that there is one shape, and empty slots cost little.
"""


CPU_WORK = 8_000_000
"""Multiply-adds of dense layers in a forward pass of one padded batch beyond which products alone keep a CPU busy.

Eight slots gained a third at 5.4 and 6.7 million, and nothing at 9.7 and 10.8 million, where a lone slot
took up to 2.5 times its time.
"""


UNIT = 4
"""Slots of a product start on multiples of so many elements: MKL's small kernels look at 16-byte borders.

Without it 44 of 120 random dense networks, all with widths such as 3, 5 and 7, gave other bits in odd
slots; with it none of 240 of their kind.
"""


PROBE_KEY = np.array([0x70726F6265, 0], dtype=np.uint64)


Gradients = Callable[..., Sequence[Tensor]]
"""(weights..., masks..., images, labels, row weights), slots first, to the gradients of the weights."""


class MaskedDropout(nn.Module):
    """A dropout layer whose mask is an argument of the traced function."""

    mask: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("mask", torch.empty(0))
        self.seen: list[torch.Size] = []

    def forward(self, x: Tensor) -> Tensor:
        self.seen.append(x.shape)
        return x * self.mask if self.mask.numel() else x


class Tracer:
    """Builds and tries the traced functions of one network."""

    def __init__(self, network: nn.Module, rows: int, image: torch.Size, device: str) -> None:
        self.rows, self.device, self.original = rows, device, network
        on_cpu = torch.device(device).type == "cpu"
        self.sizes = CPU_SIZES if on_cpu else GPU_SIZES
        work = rows * sum(parameter.numel() for parameter in network.parameters())
        if on_cpu and work > CPU_WORK:
            raise Unstackable(f"{work} multiply-adds in a forward pass are too many to gain anything on a CPU")
        self.network, self.fed = _with_fed_dropouts(network)
        self.network.train()
        self.names = [name for name, _ in self.network.named_parameters()]
        self.weights = tuple(parameter.shape for parameter in self.network.parameters())
        pixels = counter_rng.uniform(PROBE_KEY, 0, rows * image.numel())
        self.images = torch.from_numpy(pixels).view(rows, *image).to(device)
        self.masks = self._mask_shapes()

    def _mask_shapes(self) -> tuple[torch.Size, ...]:
        """Run the network once, mapped over one slot, so that its own use of random numbers raises."""
        stacked = {name: torch.zeros(1, *shape, device=self.device) for name, shape in self._shapes()}
        vmap(lambda weights: functional_call(self.network, weights, (self.images,)), randomness="error")(stacked)
        shapes = []
        for layer in self.fed.values():
            if len(layer.seen) != 1 or layer.seen[0][0] != self.rows:
                raise Unstackable("a dropout layer does not see every row once")
            shapes.append(layer.seen[0][1:])
        return tuple(shapes)

    def _shapes(self) -> list[tuple[str, torch.Size]]:
        return list(zip(self.names, self.weights, strict=True))

    def gradients(self, *arguments: Tensor) -> tuple[Tensor, ...]:
        """Gradients of one slot, from weights, masks, images, labels, and the weight of every row's loss."""
        count = len(self.names)
        masks = dict(zip((f"{name}.mask" for name in self.fed), arguments[count:-3], strict=True))
        images, labels, row_weights = arguments[-3:]

        def loss(weights: tuple[Tensor, ...]) -> Tensor:
            named = dict(zip(self.names, weights, strict=True))
            logits = functional_call(self.network, {**named, **masks}, (images,))
            likelihood = functional.log_softmax(logits, dim=1)
            hot = labels.unsqueeze(1) == torch.arange(logits.shape[1], device=labels.device)
            return -(torch.where(hot, likelihood, 0.0).sum(dim=1) * row_weights).sum()

        gradients: tuple[Tensor, ...] = grad(loss)(arguments[:count])
        return gradients

    def trace(self, size: int) -> Gradients:
        mapped = vmap(self.gradients, randomness="error")
        products = {torch.ops.aten.bmm.default: _aligned_product}
        traced = make_fx(mapped, decomposition_table=products)(*self.example(size))
        _without_idle_nodes(traced.graph)
        traced.recompile()
        return traced.forward

    def example(self, size: int, *, strangers: bool = False) -> list[Tensor]:
        """Build arguments that are equal in every slot; with `strangers` slots 0 and 2 of 3 differ."""
        tensors = [_uniform(index, (size, *shape)) for index, shape in enumerate(self.weights, start=1)]
        tensors += [(_uniform(100 + i, (size, self.rows, *shape)) > -0.1) * 1.5 for i, shape in enumerate(self.masks)]
        labels = (torch.arange(self.rows) * 7 % 10).expand(size, -1).clone()
        row_weights = torch.zeros(size, self.rows)
        row_weights[:, : self.live] = 1 / self.live
        images = self.images.cpu().expand(size, *self.images.shape).clone()
        images[:, self.live :] = images[:, :1]
        for mask in tensors[len(self.weights) :]:
            mask[:, self.live :] = mask[:, :1]
        tensors += [images, labels, row_weights]
        if strangers:
            tensors[0][0::3] = torch.nan
            for tensor in tensors[:-2]:
                tensor[2::3] *= 0.5
        return [tensor.to(self.device) for tensor in tensors]

    @property
    def live(self) -> int:
        """Rows of the probe's batch; the others are padding."""
        return self.rows * 3 // 4


def _uniform(index: int, shape: tuple[int, ...]) -> Tensor:
    """Draw numbers in +-0.2, the same in every slot."""
    drawn = torch.from_numpy(counter_rng.uniform(PROBE_KEY, index, torch.Size(shape[1:]).numel()))
    return ((drawn - 0.5) * 0.4).view(shape[1:]).expand(shape).clone()


def _aligned_product(a: Tensor, b: Tensor) -> Any:
    """Compute the batched product, with padded columns where a slot would not be aligned."""
    columns = b.shape[2]
    if a.shape[1] * columns % UNIT == 0:
        return NotImplemented
    return torch.bmm(a, functional.pad(b, (0, -columns % UNIT)))[..., :columns].contiguous()


def _without_idle_nodes(graph: Graph) -> None:
    """Remove nodes that return their argument, a third of what vmap records, and unused ones."""
    aten = torch.ops.aten
    reshapes = (aten.expand.default, aten.view.default, aten._unsafe_view.default)
    for node in graph.nodes:
        if node.op != "call_function" or not isinstance(node.args[0], Node):
            continue
        source = node.args[0]
        same_shape = node.target in reshapes and source.meta["val"].shape == node.meta["val"].shape
        if same_shape or (node.target == aten.mul.Scalar and node.args[1] == 1):
            node.replace_all_uses_with(source)
        elif node.target == aten.transpose.int and source.target == node.target and source.args[1:] == node.args[1:]:
            node.replace_all_uses_with(source.args[0])
    graph.eliminate_dead_code()


def _with_fed_dropouts(network: nn.Module) -> tuple[nn.Module, dict[str, MaskedDropout]]:
    """Copy a network so that its active dropouts take masks as arguments; return these dropouts by name."""
    copied = deepcopy(network)
    fed: dict[str, MaskedDropout] = {}
    for name, module in list(copied.named_modules()):
        if not isinstance(module, Dropout):
            continue
        if not name:
            raise Unstackable("the network is a dropout layer")
        if module.active:
            fed[name] = MaskedDropout()
        copied.set_submodule(name, fed[name] if module.active else nn.Identity())
    return copied, fed
