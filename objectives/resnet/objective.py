"""ResNet-18 on CIFAR-10 as an objective: six hyperparameters, and options that make it small."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, ClassVar

import numpy as np
import torch
from scipy import stats
from torch import nn

from objectives.cost import CostTerms, Probe
from objectives.epoch import Epoch
from objectives.native_value import require_int
from objectives.objective import MOST_EPOCHS, Machine, Objective
from objectives.resnet.cifar10 import (
    CLASSES,
    MOST_TRAIN_ROWS,
    SIDE,
    TEST_ROWS,
    VALID_ROWS,
    checksums,
    load_split,
)
from objectives.resnet.network import resnet18
from objectives.resnet.training import Recipe, train
from objectives.space import Config, Integer, Ordinal, Space
from objectives.training.counter_rng import trial_key
from objectives.training.data import Split
from objectives.training.network_cost import NetworkShape, count_shape, excerpt_sizes, network_terms
from objectives.training.networks import build_network
from objectives.training.reference_loop import epoch_from_counts

WIDTHS = (16, 32, 48, 64)
DISTRIBUTIONS: Mapping[str, Any] = {
    "learning_rate": stats.loguniform(1e-2, 1),
    "batch_size": Integer(32, 512, log=True),
    "weight_decay": stats.loguniform(1e-5, 1e-2),
    "momentum": stats.uniform(0.5, 0.49),
    "label_smoothing": stats.uniform(0, 0.2),
    "width": Ordinal(WIDTHS),
}
DEFAULT: Config = {
    "learning_rate": 0.05,
    "batch_size": 32,
    "weight_decay": 5e-4,
    "momentum": 0.9,
    "label_smoothing": 0.1,
    "width": 16,
}
PRECISIONS = ("float32", "bf16")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResNet(Objective):
    """ResNet-18 on CIFAR-10: learning rate, batch size, weight decay, momentum, label smoothing, width (6-d).

    Args:
        epochs: of a full training, over which the learning rate goes through one cycle.
        train_rows: images to train on.
        width: fixes the channels of the first stage, which is then no hyperparameter.
        precision: "float32", or "bf16" for convolutions and products in bfloat16.

    Raises:
        ValueError: an option outside these.
    """

    TIMES_ITSELF: ClassVar[bool] = True

    epochs: int = 10
    train_rows: int = MOST_TRAIN_ROWS
    width: int | None = None
    precision: str = "float32"

    def __post_init__(self) -> None:
        require_int("epochs", self.epochs, 1, MOST_EPOCHS)
        require_int("train_rows", self.train_rows, 1, MOST_TRAIN_ROWS)
        if self.width is not None:
            require_int("width", self.width, 1, 512)
        if self.precision not in PRECISIONS:
            raise ValueError(f"precision = {self.precision!r}: not one of {', '.join(PRECISIONS)}")

    @property
    def space(self) -> Space:
        return _space(self.width)

    @property
    def default(self) -> Config:
        return {name: value for name, value in DEFAULT.items() if name in self.space}

    @property
    def max_epochs(self) -> int:
        return self.epochs

    @property
    def chance_error(self) -> float:
        return 1 - 1 / CLASSES

    @property
    def row_counts(self) -> tuple[int, int]:
        return VALID_ROWS, TEST_ROWS

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        return self._train(config, seed, machine, load_split(machine, self.train_rows))

    def prepare(self, machine: Machine) -> dict[str, str]:
        _warm_up(self, machine)
        return checksums(machine, self.train_rows)

    def cost_options(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """All but `epochs`: an epoch costs the same however many there are."""
        fixed = {} if self.width is None else {"width": self.width}
        return {"train_rows": self.train_rows, "precision": self.precision, **fixed}

    def cost_terms(self, config: Config) -> CostTerms:
        return self._terms(config, [(self.train_rows, VALID_ROWS)])

    def probe(self, config: Config, seed: np.random.SeedSequence, machine: Machine, rows: int) -> Probe:
        """Two epochs of an excerpt where an epoch has more rows; the first tells what setting up takes."""
        split = load_split(machine, self.train_rows)
        if self.train_rows <= rows:
            epochs = self._train(config, seed, machine, split)
            return Probe(epochs=epochs, count=self.max_epochs, terms=self.cost_terms(config), whole=True)
        ((trained, validated),) = sizes = excerpt_sizes([(self.train_rows, VALID_ROWS)], rows)
        valid = split.valid.take(np.arange(validated))
        part = Split(train=split.train.take(np.arange(trained)), valid=valid, test=valid)
        short = replace(self, epochs=max(2, self.epochs))
        return Probe(
            epochs=short._train(config, seed, machine, part), count=2, terms=self._terms(config, sizes), whole=False
        )

    def _train(self, config: Config, seed: np.random.SeedSequence, machine: Machine, split: Split) -> Iterator[Epoch]:
        key = trial_key(seed, 0)
        network = build_network(lambda: _channels_last(resnet18(self._width(config), CLASSES)), key, machine.device)
        for counts in train(network, split, self._recipe(config), key):
            yield epoch_from_counts(counts, valid=len(split.valid), test=len(split.test), chance=self.chance_error)
            if not counts.finite:
                return

    def _recipe(self, config: Config) -> Recipe:
        return Recipe(
            learning_rate=float(config["learning_rate"]),
            batch_size=int(config["batch_size"]),
            weight_decay=float(config["weight_decay"]),
            momentum=float(config["momentum"]),
            label_smoothing=float(config["label_smoothing"]),
            epochs=self.epochs,
            bf16=self.precision == "bf16",
        )

    def _width(self, config: Config) -> int:
        return self.width or int(config["width"])

    def _terms(self, config: Config, sizes: list[tuple[int, int]]) -> CostTerms:
        return network_terms(_shape(self._width(config)), sizes, int(config["batch_size"]))


def _channels_last(network: nn.Module) -> nn.Module:
    """Weights in the format of the images; the storage that is allocated for them later keeps it."""
    return network.to(memory_format=torch.channels_last)


@cache
def _space(width: int | None) -> Space:
    return Space({name: value for name, value in DISTRIBUTIONS.items() if width is None or name != "width"})


@cache
def _shape(width: int) -> NetworkShape:
    return count_shape(lambda: resnet18(width, CLASSES), torch.Size((3, SIDE, SIDE)))


@cache
def _warm_up(objective: ResNet, machine: Machine) -> None:
    """Train a throw-away network for two steps: a process's first steps are tens of times slower."""
    split = load_split(machine, objective.train_rows)
    few = np.arange(min(64, objective.train_rows))
    part = Split(train=split.train.take(few), valid=split.valid.take(few[:32]), test=split.test.take(few[:32]))
    config = {**objective.default, "batch_size": 32}
    next(objective._train(config, np.random.SeedSequence(0), machine, part))
