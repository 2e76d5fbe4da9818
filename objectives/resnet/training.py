"""The training of ResNet: augmentation by the trial's stream, SGD with momentum, one cycle of the learning rate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from objectives.resnet.cifar10 import SIDE
from objectives.training import counter_rng
from objectives.training.data import Images, Split
from objectives.training.reference_loop import Counts, all_finite, synchronised_time

MEAN = (0.49139968, 0.48215841, 0.44653091)
DEVIATION = (0.24703223, 0.24348513, 0.26158784)
"""Of the channels of all 50 000 training images, in [0, 1]."""

PADDING = 4
"""Zeros round an image before a random part of its size is cut out (He et al., 2016, section 4.2)."""

EVALUATION_BATCH = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """Hyperparameters of a training.

    Attributes:
        learning_rate: the greatest of the cycle.
        epochs: of the whole cycle, however many are trained.
        bf16: compute convolutions and products in bfloat16, weights stay float32.
    """

    learning_rate: float
    batch_size: int
    weight_decay: float
    momentum: float
    label_smoothing: float
    epochs: int
    bf16: bool = False


def train(network: nn.Module, split: Split, recipe: Recipe, key: counter_rng.Key) -> Iterator[Counts]:
    """Train `network` in place, an epoch for every item drawn, at most `recipe.epochs`.

    Stochastic gradient descent with Nesterov's momentum; the learning rate goes up from a 25th for three tenths of all
    steps, and down to almost nothing, by cosines (Smith and Topin, 2019, as `torch.optim.lr_scheduler.OneCycleLR`
    has it). Data order and augmentation are functions of `key` and the epoch alone.

    Args:
        network: on the device, in channels-last format.
        split: images as `cifar10.load_split` gives them.
        recipe: how.
        key: of the trial.
    """
    device = split.train.x.device
    optimizer = torch.optim.SGD(
        network.parameters(),
        lr=recipe.learning_rate,
        momentum=recipe.momentum,
        weight_decay=recipe.weight_decay,
        nesterov=recipe.momentum > 0,
    )
    steps = -(-len(split.train) // recipe.batch_size)
    cycle = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, max_lr=recipe.learning_rate, total_steps=recipe.epochs * steps + 1, cycle_momentum=False
    )
    state = [*network.parameters(), *(buffer for buffer in network.buffers() if buffer.is_floating_point())]
    for epoch in range(recipe.epochs):
        started = synchronised_time(device)
        network.train()
        order = counter_rng.permutation(key, epoch, len(split.train))
        places = torch.from_numpy(draw_augmentation(key, epoch, len(order))).to(device)
        indices = torch.from_numpy(order).to(device)
        for batch, place in zip(
            torch.split(indices, recipe.batch_size), torch.split(places, recipe.batch_size), strict=True
        ):
            with _precision(recipe, device):
                logits = network(augment(normalise(split.train.x[batch]), place))
            logits = logits.float() if recipe.bf16 else logits
            loss = functional.cross_entropy(logits, split.train.y[batch], label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            cycle.step()
        network.eval()
        valid_wrong = count_wrong(network, split.valid, recipe)
        finite = all_finite(state)
        seconds = synchronised_time(device) - started
        test_wrong = count_wrong(network, split.test, recipe)
        yield Counts(valid_wrong=valid_wrong, test_wrong=test_wrong, seconds=seconds, finite=finite)


def normalise(x: Tensor) -> Tensor:
    """Pixels (n, 3, 32, 32) uint8 as floats of mean 0 and deviation 1 in every channel, channels last."""
    mean, deviation = (torch.tensor(values, device=x.device).view(1, 3, 1, 1) for values in (MEAN, DEVIATION))
    return ((x.to(mean.dtype) / 255 - mean) / deviation).contiguous(memory_format=torch.channels_last)


def draw_augmentation(key: counter_rng.Key, epoch: int, count: int) -> np.ndarray:
    """Draw for each of the epoch's images in order: the row and column of the part (0..8), and whether to mirror it.

    Returns:
        (count, 3) int64. A word a piece decides, of which 16 bits stand for a row or column: some of the nine are
        likelier than others by one part in 7 000.
    """
    words = counter_rng.generator(key, counter_rng.Purpose.AUGMENTATION, epoch=epoch).random_raw(count)
    places = 2 * PADDING + 1
    low, high = words & np.uint64(0xFFFF), (words >> np.uint64(16)) & np.uint64(0xFFFF)
    mirrored = (words >> np.uint64(32)) & np.uint64(1)
    return np.stack([low % np.uint64(places), high % np.uint64(places), mirrored], axis=1).astype(np.int64)


def augment(x: Tensor, places: Tensor) -> Tensor:
    """Cut from every image, with zeros round it, a part of its size, and mirror it where asked for.

    Args:
        x: (n, 3, 32, 32).
        places: (n, 3) of `draw_augmentation`.
    """
    span = torch.arange(SIDE, device=x.device)
    rows = places[:, :1] + span
    columns = torch.where(places[:, 2:] == 1, span.flip(0), span) + places[:, 1:2]
    padded = functional.pad(x, (PADDING,) * 4).permute(0, 2, 3, 1)  # Channels last: a place is one piece of memory.
    image = torch.arange(len(x), device=x.device)
    return padded[image[:, None, None], rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


@torch.no_grad()
def count_wrong(network: nn.Module, images: Images, recipe: Recipe) -> int:
    """Count the images that the network classifies wrongly; one number is read from the device."""
    wrong = []
    for x, y in images.batches(EVALUATION_BATCH):
        with _precision(recipe, x.device):
            wrong.append((network(normalise(x)).argmax(dim=1) != y).sum())
    return int(torch.stack(wrong).sum())


def _precision(recipe: Recipe, device: torch.device) -> AbstractContextManager[object]:
    return torch.autocast(device.type, dtype=torch.bfloat16) if recipe.bf16 else nullcontext()
