"""The reference training loop: one trial, minibatch SGD, nothing clever.

Faster engines are held against this file, so it stays plain: one pass over a fresh permutation is
an epoch, the last batch may be short, the loss is the batch mean, the step is `p -= lr * gradient`.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.nn import functional

from objectives.epoch import Epoch
from objectives.training import counter_rng
from objectives.training.data import Images, Split
from objectives.training.networks import dropouts

EVALUATION_BATCH = 300
"""Fixed, so that an error never depends on a tuned batch size; rows start on 64-byte borders, and the
activations stay in the cache: LeNet evaluates 10 000 images five times as fast as in batches of 2000."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """Wrong answers after one more epoch, as exact integers, and the epoch's measured seconds."""

    valid_wrong: int
    test_wrong: int
    seconds: float
    finite: bool


def epoch_from_counts(counts: Counts, *, valid: int, test: int, chance: float) -> Epoch:
    """Turn counts of wrong answers into an epoch's errors.

    Args:
        counts: of one network, or summed over folds.
        valid: images validated on.
        test: images tested on.
        chance: the error that a network with weights that are not finite is worth.
    """
    if not counts.finite:
        return Epoch(valid_error=chance, test_error=chance, seconds=counts.seconds, diverged=True)
    return Epoch(valid_error=counts.valid_wrong / valid, test_error=counts.test_wrong / test, seconds=counts.seconds)


class Loop(Protocol):
    """A training loop: trains in place, an epoch for every item drawn from the iterator."""

    def __call__(
        self, network: nn.Module, split: Split, *, learning_rate: float, batch_size: int, key: counter_rng.Key
    ) -> Iterator[Counts]: ...


def train(
    network: nn.Module,
    split: Split,
    *,
    learning_rate: float,
    batch_size: int,
    key: counter_rng.Key,
) -> Iterator[Counts]:
    """Train `network` in place, an epoch for every item drawn from the iterator.

    Data order and dropout are functions of `key` and the epoch alone.
    """
    device = split.train.x.device
    parameters = list(network.parameters())
    for epoch in itertools.count():
        started = synchronised_time(device)
        network.train()
        for layer, dropout in enumerate(dropouts(network)):
            dropout.start_epoch(key, layer, epoch)
        order = torch.from_numpy(counter_rng.permutation(key, epoch, len(split.train))).to(device)
        for batch in torch.split(order, batch_size):
            _step(network, parameters, split.train.take(batch), learning_rate)
        network.eval()
        valid_wrong = count_wrong(network, split.valid)
        finite = all_finite(parameters)
        seconds = synchronised_time(device) - started
        test_wrong = valid_wrong if split.test is split.valid else count_wrong(network, split.test)
        yield Counts(valid_wrong=valid_wrong, test_wrong=test_wrong, seconds=seconds, finite=finite)


def _step(network: nn.Module, parameters: list[nn.Parameter], batch: Images, learning_rate: float) -> None:
    loss = functional.cross_entropy(network(batch.x), batch.y)
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients, strict=True):
            parameter.sub_(gradient, alpha=learning_rate)


def count_wrong(network: nn.Module, images: Images) -> int:
    """Count the images that the network classifies wrongly; exact, whatever the evaluation batch."""
    return int(wrong_answers(network, images))


@torch.no_grad()
def wrong_answers(network: nn.Module, images: Images) -> Tensor:
    """Count them on the device, which the host need not wait for: an int64 without dimensions."""
    batches = [(network(x).argmax(dim=1) != y).sum() for x, y in images.batches(EVALUATION_BATCH)]
    return torch.stack(batches).sum()


def all_finite(tensors: Iterable[Tensor]) -> bool:
    """Return whether no number is infinite or NaN."""
    return bool(finite(tensors))


@torch.no_grad()
def finite(tensors: Iterable[Tensor]) -> Tensor:
    """Look at the numbers on the device: a bool without dimensions."""
    return torch.stack([tensor.isfinite().all() for tensor in tensors]).all()


def synchronised_time(device: torch.device) -> float:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter()
