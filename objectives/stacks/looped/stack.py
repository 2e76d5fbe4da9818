"""The looped route: one trial after another, each by hand-written layers; for convolutions on the CPU.

Stacked convolutions are slower than separate ones on a CPU, and wide dense layers no faster. There the
gain lies in a step without autograd, in quick pooling and dropout, and in small evaluation batches; the
weights are the reference loop's to the bit.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor, nn

from objectives.epoch import Epoch
from objectives.space import Config
from objectives.stack import Context, Stack, Start, Ticket, Work
from objectives.stacks.looped.layers import Layer, aten
from objectives.stacks.looped.sequential import layers_of
from objectives.training import counter_rng
from objectives.training.data import CLASSES, Images, Split
from objectives.training.networks import dropouts
from objectives.training.reference_loop import EVALUATION_BATCH, Counts, synchronised_time
from objectives.training.reference_loop import train as reference_train

Curve = Iterator[Epoch]


class LoopedStack(Stack):
    """Slots that hold suspended trainings; the trial admitted first is trained first.

    Args:
        start: begins a trial's training, an epoch for every item drawn.
        multiply_adds: of one epoch of a configuration, for the counters.
        route: name for the record.
        capacity: slots.
        arithmetic: of the trainings that `start` begins.
    """

    parallel = False

    def __init__(
        self,
        start: Start,
        multiply_adds: Callable[[Config], float],
        *,
        route: str,
        capacity: int,
        arithmetic: str = "reference",
    ) -> None:
        self.start, self.multiply_adds = start, multiply_adds
        self.route, self.capacity, self.arithmetic = route, capacity, arithmetic
        self._slots: dict[Ticket, tuple[Config, Curve]] = {}
        self._trained: list[Config] = []

    @property
    def work(self) -> Work:  # type: ignore[override]  # counted when asked for: it takes longer than a small epoch
        done = math.fsum(self.multiply_adds(config) for config in self._trained)
        return Work(steps=len(self._trained), useful=done, spent=done)

    @property
    def free(self) -> int:
        return self.capacity - len(self._slots)

    def admit(self, ticket: Ticket, config: Config, seed: np.random.SeedSequence, saved: Curve | None = None) -> None:
        assert self.free > 0
        self._slots[ticket] = config, self.start(config, seed) if saved is None else saved

    def advance(self) -> list[tuple[Ticket, Epoch | Exception]]:
        if not self._slots:
            return []
        ticket, (config, curve) = next(iter(self._slots.items()))
        try:
            epoch = next(curve)
        except Exception as error:  # A network of the user's may raise anything.
            del self._slots[ticket]
            return [(ticket, error)]
        self._trained.append(config)
        if epoch.diverged:
            del self._slots[ticket]
        return [(ticket, epoch)]

    def pause(self, ticket: Ticket) -> Curve:
        return self._slots.pop(ticket)[1]

    def isolate(self, start: Start, context: Context) -> None:
        self.start = start


def train(
    network: nn.Module,
    split: Split,
    *,
    learning_rate: float,
    batch_size: int,
    key: counter_rng.Key,
    compiled: bool = False,
) -> Iterator[Counts]:
    """Train as `reference_loop.train` does, without autograd where every layer is known.

    With `compiled`, convolutions are compiled code where that is possible; they agree within rounding.
    """
    layers = layers_of(network, split.train.x.shape[1:], compiled=compiled)
    if layers is None:
        yield from reference_train(network, split, learning_rate=learning_rate, batch_size=batch_size, key=key)
        return
    network.train()
    for epoch in itertools.count():
        for layer, dropout in enumerate(dropouts(network)):
            dropout.start_epoch(key, layer, epoch)
        yield _epoch(layers, split, learning_rate, batch_size, key, epoch)


@torch.inference_mode()
def _epoch(
    layers: list[Layer], split: Split, learning_rate: float, batch_size: int, key: counter_rng.Key, epoch: int
) -> Counts:
    started = synchronised_time(split.train.x.device)
    order = torch.from_numpy(counter_rng.permutation(key, epoch, len(split.train)))
    slopes = loss_slopes(split.train.y.index_select(0, order), batch_size)
    for batch, slope in zip(torch.split(order, batch_size), torch.split(slopes, batch_size), strict=True):
        _step(layers, split.train.x.index_select(0, batch), slope, learning_rate)
    valid_wrong = _count_wrong(layers, split.valid)
    finite = all(bool(parameter.isfinite().all()) for layer in layers for parameter in layer.parameters)
    seconds = synchronised_time(split.train.x.device) - started
    test_wrong = valid_wrong if split.test is split.valid else _count_wrong(layers, split.test)
    for layer in layers:
        layer.release()
    return Counts(valid_wrong=valid_wrong, test_wrong=test_wrong, seconds=seconds, finite=finite)


def _step(layers: list[Layer], x: Tensor, slope: Tensor, learning_rate: float) -> None:
    for layer in layers:
        x = layer.forward(x, training=True)
    gradient: Tensor | None = logits_gradient(x, slope)
    first = first_with_parameters(layers)
    for index in range(len(layers) - 1, first - 1, -1):
        layer = layers[index]
        assert gradient is not None
        gradient, slopes = layer.backward(gradient, first=index == first)
        if slopes:
            torch._foreach_add_(layer.parameters, slopes, alpha=-learning_rate)


def loss_slopes(labels: Tensor, batch_size: int) -> Tensor:
    """Gradient of the batches' mean cross-entropies by the log-likelihoods, (n, classes).

    Args:
        labels: (n,) int64, in the order of the epoch; the last batch may be short.
        batch_size: rows of the others.
    """
    slopes = torch.zeros(len(labels), CLASSES)
    in_full_batches = len(labels) // batch_size * batch_size
    slopes[:in_full_batches].scatter_(1, labels[:in_full_batches].unsqueeze(1), -1 / batch_size)
    if in_full_batches < len(labels):
        slopes[in_full_batches:].scatter_(
            1, labels[in_full_batches:].unsqueeze(1), -1 / (len(labels) - in_full_batches)
        )
    return slopes


def logits_gradient(logits: Tensor, slope: Tensor) -> Tensor:
    """Gradient of the loss by the logits, from that by the log-likelihoods, as autograd computes it."""
    likelihood = torch.log_softmax(logits, -1)
    return aten._log_softmax_backward_data(slope, likelihood, -1, torch.float32)  # type: ignore[no-any-return]


def first_with_parameters(layers: list[Layer]) -> int:
    """Index of the first layer with parameters, where the backward pass ends."""
    return next(index for index, layer in enumerate(layers) if layer.parameters)


def _count_wrong(layers: list[Layer], images: Images) -> int:
    wrong = 0
    for x, y in images.batches(EVALUATION_BATCH):
        for layer in layers:
            x = layer.forward(x, training=False)
        wrong += int((x.argmax(dim=1) != y).sum())
    return wrong
