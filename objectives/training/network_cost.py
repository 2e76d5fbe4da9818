"""Counts the work of training a network layer by layer, without training or loading data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from objectives.cost import CostTerms
from objectives.training import counter_rng
from objectives.training.data import Images, Split
from objectives.training.networks import Dropout, build_unfilled
from objectives.training.reference_loop import Counts, Loop

ALIGNMENT = 8
"""Numbers in 32 bytes: matrix products are slower where rows start between such borders."""

ROW_BORDER = 16
"""An excerpt starts at a multiple of so many rows, as a batch of the whole data does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataSizes:
    """The sizes of a data set's standard split, known without loading it; images are `side` x `side`."""

    train: int
    valid: int
    test: int
    side: int


DATA_SIZES: Mapping[str, DataSizes] = {
    "digits": DataSizes(train=1197, valid=300, test=300, side=8),
    "fashion_mnist": DataSizes(train=50_000, valid=10_000, test=10_000, side=28),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkShape:
    """Counts for one network, and for one row of a minibatch passing through it.

    Attributes:
        parameters: numbers that a step updates.
        forward: multiply-adds of the dense and convolutional layers, forwards.
        backward: likewise backwards: once for the weights, and once for the inputs but in the first.
        unaligned: `forward` of the dense layers, once for the inputs and once for the outputs, where
            their number is no multiple of `ALIGNMENT`.
        values: outputs of all layers.
        draws: dropout decisions drawn, whole blocks of them.
    """

    parameters: int
    forward: int
    backward: int
    unaligned: int
    values: int
    draws: int


def split_sizes(data: str, split: str, folds: int | None, train_rows: int | None = None) -> list[tuple[int, int]]:
    """Numbers of training and validation images for each network of a trial, as `data.load_splits` divides."""
    outline = DATA_SIZES[data]
    develop = outline.train + outline.valid
    if split == "book":
        return [(train_rows or develop, outline.test)]
    if folds is None:
        return [(train_rows or outline.train, outline.valid)]
    held_out = [len(range(fold, develop, folds)) for fold in range(folds)]
    return [(develop - valid, valid) for valid in held_out]


def placeholder_split(data: str, split: str, folds: int | None, train_rows: int | None = None) -> Split:
    """The first split of a data set, in images without storage."""
    outline = DATA_SIZES[data]
    train, valid = split_sizes(data, split, folds, train_rows)[0]
    return Split(train=_blank(train, outline), valid=_blank(valid, outline), test=_blank(outline.test, outline))


def count_shape(build: Callable[[], nn.Module], image: torch.Size) -> NetworkShape:
    """Count a network's work by passing one row through every layer.

    The weights are whatever was in memory. A pass without storage would do, but the first one in a
    process imports a thousand modules, which takes seconds.

    Args:
        build: constructs the network.
        image: shape of one image.
    """
    network = build_unfilled(build, "cpu").eval()
    leaves: list[tuple[nn.Module, int, int]] = []

    def note(module: nn.Module, arguments: tuple[object, ...], result: object) -> None:
        if isinstance(result, Tensor):
            values = result[0].numel()
            argument = arguments[0] if arguments else result
            leaves.append((module, argument[0].numel() if isinstance(argument, Tensor) else values, values))

    for module in network.modules():
        if not any(True for _ in module.children()):
            module.register_forward_hook(note)
    with torch.no_grad():
        network(torch.zeros(1, *image))
    products = [
        values * module.weight[0].numel() for module, _, values in leaves if isinstance(module, nn.Linear | nn.Conv2d)
    ]
    dense = [module for module, _, _ in leaves if isinstance(module, nn.Linear)]
    return NetworkShape(
        parameters=sum(parameter.numel() for parameter in network.parameters()),
        forward=sum(products),
        backward=2 * sum(products) - sum(products[:1]),
        unaligned=sum(unaligned(layer.in_features, layer.out_features) for layer in dense),
        values=sum(values for _, _, values in leaves),
        draws=sum(counter_rng.padded(inputs) for module, inputs, _ in leaves if _draws(module)),
    )


def unaligned(inputs: int, outputs: int) -> int:
    """A dense layer's share of `NetworkShape.unaligned`."""
    return inputs * outputs * ((inputs % ALIGNMENT != 0) + (outputs % ALIGNMENT != 0))


def network_terms(shape: NetworkShape, sizes: list[tuple[int, int]], batch_size: int) -> CostTerms:
    """Count the work of training one network on each split of the data.

    Args:
        shape: of every network.
        sizes: images trained on and validated on, a pair for each network.
        batch_size: rows of a step; the last one of an epoch may be short.

    Returns:
        Its terms of an epoch count steps; rows trained and validated on; parameters updated; the same
        times the number of parameters ("spill": the more there are, the farther they lie from the
        processor); outputs of layers, and multiply-adds, forwards and backwards; those of unaligned
        widths; dropout draws.
    """
    steps = sum(-(-trained // batch_size) for trained, _ in sizes)
    trained, validated = (sum(part) for part in zip(*sizes, strict=True))
    multiply_adds = trained * (shape.forward + shape.backward) + validated * shape.forward
    set_up = {"networks": len(sizes), "parameters": len(sizes) * shape.parameters}
    epoch = {
        "steps": steps,
        "rows": trained + validated,
        "updates": steps * shape.parameters,
        "spill": steps * shape.parameters**2,
        "values": (2 * trained + validated) * shape.values,
        "multiply_adds": multiply_adds,
        "unaligned": (3 * trained + validated) * shape.unaligned,
        "draws": trained * shape.draws,
    }
    return CostTerms(
        set_up={name: float(number) for name, number in set_up.items()},
        epoch={name: float(number) for name, number in epoch.items()},
    )


def excerpt_sizes(sizes: list[tuple[int, int]], rows: int) -> list[tuple[int, int]]:
    """Reduce sizes, all by the same factor, to at most `rows` training images."""
    share = min(1.0, rows / max(trained for trained, _ in sizes))
    return [(max(1, int(trained * share)), max(1, int(validated * share))) for trained, validated in sizes]


def train_on_excerpt(loop: Loop, rows: int, start: float) -> Loop:
    """Restrict a training loop to consecutive images, as many as `excerpt_sizes` says.

    Args:
        loop: the loop that trains.
        rows: at most so many images are trained on.
        start: where they start, as a share in [0, 1); images that were not read lately are not in a cache,
            like most of the data while a whole epoch is trained.
    """

    def train(
        network: nn.Module, split: Split, *, learning_rate: float, batch_size: int, key: counter_rng.Key
    ) -> Iterator[Counts]:
        ((trained, validated),) = excerpt_sizes([(len(split.train), len(split.valid))], rows)
        valid = _excerpt(split.valid, validated, start)
        part = Split(train=_excerpt(split.train, trained, start), valid=valid, test=valid)
        return loop(network, part, learning_rate=learning_rate, batch_size=batch_size, key=key)

    return train


def _excerpt(images: Images, count: int, start: float) -> Images:
    first = int(start * (len(images) - count)) // ROW_BORDER * ROW_BORDER
    return Images(x=images.x[first : first + count], y=images.y[first : first + count])


def _blank(count: int, outline: DataSizes) -> Images:
    x = torch.empty(count, 1, outline.side, outline.side, device="meta")
    return Images(x=x, y=torch.empty(count, dtype=torch.int64, device="meta"))


def _draws(module: nn.Module) -> bool:
    if isinstance(module, Dropout):
        return module.active
    return isinstance(module, nn.Dropout) and counter_rng.keep_threshold(module.p) < 2**counter_rng.DROPOUT_BITS
