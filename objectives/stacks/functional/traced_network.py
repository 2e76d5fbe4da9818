"""Traces a user's network into one function of the gradients of several slots, and proves its bits.

`torch.func` turns the network into a function of its weights (`functional_call`), `grad` gives its
gradient and `vmap` maps it over slots. `make_fx` records the tensor operations that this comes to, so
that a step runs them alone: on the CPU in half the time of going through `vmap` at every step
(32-32 MLP, 32 rows, 8 slots: 80 us a slot, `vmap` 150 us, the reference loop 243 us).
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from objectives.stacks.functional.structure import Structure, Unstackable, structure, without_convolutions
from objectives.stacks.functional.tracing import Gradients, MaskedDropout, Tracer
from objectives.training.network_cost import count_shape
from objectives.training.networks import Dropout

ROWS = (32, 64, 128, 192, 256, 384, 512, 768, 1024)
"""Rows that batches are padded to; multiples of 16, so that every slot's activations start on 64-byte borders."""
TOLERANCE = 1e-4
"""Distance to the reference loop's gradient, relative to its largest tensor, that is rounding.

Of 80 random dense networks no tensor was further than 4e-6 of its own norm away.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A network that stands for all of its structure."""

    structure: Structure
    network: nn.Module = field(compare=False)

    @classmethod
    def of(cls, network: nn.Module, device: str) -> Template:
        """Build a template; raises Unstackable for what `structure` refuses and for convolutions on a CPU."""
        if torch.device(device).type == "cpu":
            without_convolutions(network)
        return cls(structure=structure(network), network=network)


@dataclass(frozen=True, slots=True, kw_only=True)
class TracedNetwork:
    """The gradients of one structure for batches of up to `rows` rows.

    Attributes:
        rows: rows of a padded batch.
        weights: shapes of the weights of one slot.
        masks: shapes of one row of the active dropouts, in the order of the modules.
        layers: their numbers among all dropouts.
        steps: the traced function by number of slots, the least first.
        multiply_adds: of one row forward.
    """

    rows: int
    weights: tuple[torch.Size, ...]
    masks: tuple[torch.Size, ...]
    layers: tuple[int, ...]
    steps: dict[int, Gradients]
    multiply_adds: int

    @property
    def slots(self) -> int:
        """Slots of a block."""
        return max(self.steps)


@lru_cache(maxsize=256)
def trace_network(template: Template, rows: int, image: torch.Size, device: str) -> TracedNetwork | Unstackable:
    """Trace and prove a structure; depends on the arguments and the platform alone.

    A network is refused when its traced gradients are not the reference loop's within rounding (rows
    that depend on each other, random numbers of its own, a forward that changes the network), or
    when slot, number of slots or neighbours change a bit.
    """
    try:
        tracer = Tracer(template.network, rows, image, device)
        return _proved(tracer)
    except Exception as error:  # A user's forward may raise anything; alone, the network raises it again.
        return Unstackable(f"{type(error).__name__}: {error}")


def padded_rows(batch_size: int, count: int) -> int:
    """The rows that a trial's batches are padded to, of `count` training images."""
    wanted = min(batch_size, count)
    return next((rows for rows in ROWS if rows >= wanted), -(-wanted // ROWS[-1]) * ROWS[-1])


def _proved(tracer: Tracer) -> TracedNetwork:
    before = structure(tracer.network, besides=(MaskedDropout,))
    steps = {size: tracer.trace(size) for size in tracer.sizes}
    with torch.no_grad():
        expected = [gradient[0] for gradient in steps[tracer.sizes[-1]](*tracer.example(tracer.sizes[-1]))]
        for size in steps:
            for strangers in (False, True):
                chosen = slice(1, None, 3) if strangers else slice(None)
                gradients = steps[size](*tracer.example(size, strangers=strangers))
                if not all(_same(one[chosen], wanted) for one, wanted in zip(gradients, expected, strict=True)):
                    raise Unstackable("its bits depend on the slot")
    _agree(expected, _reference(tracer))
    if structure(tracer.network, besides=(MaskedDropout,)) != before:
        raise Unstackable("its forward changes the network")
    dropouts = [module for module in tracer.original.modules() if isinstance(module, Dropout)]
    return TracedNetwork(
        rows=tracer.rows,
        weights=tracer.weights,
        masks=tracer.masks,
        layers=tuple(number for number, dropout in enumerate(dropouts) if dropout.active),
        steps=steps,
        multiply_adds=count_shape(lambda: deepcopy(tracer.original), tracer.images.shape[1:]).forward,
    )


def _reference(tracer: Tracer) -> list[Tensor]:
    """Compute the reference loop's gradient of the same batch without its padding."""
    arguments = [tensor[0] for tensor in tracer.example(1)]
    count = len(tracer.names)
    weights = [weight.requires_grad_() for weight in arguments[:count]]
    masks = {f"{name}.mask": mask[: tracer.live] for name, mask in zip(tracer.fed, arguments[count:-3], strict=True)}
    named = dict(zip(tracer.names, weights, strict=True))
    images, labels = arguments[-3][: tracer.live], arguments[-2][: tracer.live]
    logits = functional_call(tracer.network, {**named, **masks}, (images,))
    return list(torch.autograd.grad(functional.cross_entropy(logits, labels), weights))


def _agree(first: Sequence[Tensor], second: Sequence[Tensor]) -> None:
    largest = max(float(gradient.norm()) for gradient in second)
    for one, other in zip(first, second, strict=True):
        if not float((one - other).norm()) <= TOLERANCE * largest:
            raise Unstackable("its gradients are not those of the network alone")


def _same(slots: Tensor, expected: Tensor) -> bool:
    return torch.equal(slots, expected.expand_as(slots))
