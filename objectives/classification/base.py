"""Base class of the neural-network objectives: data, folds, seeding, training, cost."""

from __future__ import annotations

import difflib
import time
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from functools import cache, partial
from typing import Any, ClassVar

import numpy as np
from torch import nn

from objectives.cost import CostTerms, Probe
from objectives.epoch import Epoch
from objectives.metric import Metric
from objectives.native_value import require_int
from objectives.objective import MOST_EPOCHS, Machine, Objective
from objectives.space import Config, Space
from objectives.stack import Stack
from objectives.stacks.looped import stack as looped
from objectives.stacks.looped.direct_convolution import ARITHMETIC as COMPILED
from objectives.stacks.network_objective import GpuKernels
from objectives.stacks.route import choose_route
from objectives.training.counter_rng import Key, trial_key
from objectives.training.data import CLASSES, LOADERS, Split, checksums, load_splits
from objectives.training.network_cost import (
    DATA_SIZES,
    NetworkShape,
    count_shape,
    excerpt_sizes,
    network_terms,
    placeholder_split,
    split_sizes,
    train_on_excerpt,
)
from objectives.training.network_metrics import (
    count_network_metrics,
    network_metrics,
    prediction_terms,
    time_prediction,
)
from objectives.training.networks import build_network
from objectives.training.reference_loop import Counts, Loop, epoch_from_counts, train

UNPRICED = ("epochs", "convolution", "train_rows")
"""Options on which no price depends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """An objective's space, default configuration and epochs on one data set."""

    space: Space
    default: Config | None
    epochs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageClassification(Objective):
    """Validation error of a network trained by SGD on one of two image data sets.

    Args:
        data: "digits" or "fashion_mnist".
        split: "standard" (training, validation and test set apart) or "book" (train on every
            training image, validate on the test set, as *Dive into Deep Learning* does).
        folds: k-fold cross-validation error over training and validation images; None validates once.
        epochs: train that long instead of the data set's own number.
        train_rows: train on the first so many images of the training set; validation and test stay whole. None: on all.
        convolution: "torch", or "compiled" for compiled code that is faster on a CPU and agrees within rounding;
            it needs a C compiler.

    Raises:
        ValueError: an option outside these.
    """

    TIMES_ITSELF: ClassVar[bool] = True

    data: str = "digits"
    split: str = "standard"
    folds: int | None = None
    epochs: int | None = None
    train_rows: int | None = None
    convolution: str = "torch"

    def __post_init__(self) -> None:
        _one_of("data", self.data, list(LOADERS))
        _one_of("convolution", self.convolution, ["torch", "compiled"])
        _one_of("split", self.split, ["standard", "book"])
        if self.folds is not None:
            require_int("folds", self.folds, 2, 100)
        if self.epochs is not None:
            require_int("epochs", self.epochs, 1, MOST_EPOCHS)
        if self.split == "book" and self.folds is not None:
            raise ValueError('folds: not with split = "book", which validates on the test set')
        if self.train_rows is not None:
            self._check_train_rows(self.train_rows)

    def _check_train_rows(self, rows: int) -> None:
        if self.folds is not None:
            raise ValueError("train_rows: not with folds, each of which trains on other images; leave one of them out")
        ((most, _),) = split_sizes(self.data, self.split, None)
        require_int("train_rows", rows, 1, most)

    @property
    @abstractmethod
    def setting(self) -> Setting:
        """Space, default configuration and epochs on the chosen data set."""

    @abstractmethod
    def network(self, config: Config, split: Split) -> nn.Module:
        """The untrained network; it is built without storage and initialised afterwards."""

    @property
    def xavier(self) -> bool:
        """Return whether weights start from Glorot's uniform distribution instead of PyTorch's default."""
        return False

    @property
    def space(self) -> Space:
        return self.setting.space

    @property
    def default(self) -> Config | None:
        return self.setting.default

    @property
    def max_epochs(self) -> int:
        return self.epochs or self.setting.epochs

    @property
    def chance_error(self) -> float:
        return 1 - 1 / CLASSES

    @property
    def row_counts(self) -> tuple[int, int]:
        sizes = split_sizes(self.data, self.split, self.folds, self.train_rows)
        return sum(valid for _, valid in sizes), len(sizes) * DATA_SIZES[self.data].test

    def learning_rate(self, config: Config) -> float:
        return float(config["learning_rate"])

    @property
    def fixed_batch_size(self) -> int | None:
        """The batch size where it is not a hyperparameter."""
        return None

    @property
    def gpu_kernels(self) -> GpuKernels | None:
        """The GPU kernels that compute exactly this network; None: there are none."""
        return None

    def batch_size(self, config: Config) -> int:
        return self.fixed_batch_size or int(config["batch_size"])

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        """Train one trial by itself: on the CPU by the looped route, elsewhere by the reference loop."""
        return self.epochs_of(config, seed, machine, self.training_loops(machine)[0])

    def reference(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        """Train one trial by the reference loop, with which faster routes are compared."""
        return self.epochs_of(config, seed, machine, train)

    def epochs_of(self, config: Config, seed: np.random.SeedSequence, machine: Machine, loop: Loop) -> Iterator[Epoch]:
        """Train one trial by the given loop, an epoch for every item; several folds train side by side."""
        splits = load_splits(self.data, self.split, self.folds, machine, self.train_rows)
        started = time.perf_counter()
        folds = [self._fold(config, split, seed, fold, machine, loop) for fold, split in enumerate(splits)]
        set_up = time.perf_counter() - started
        valid_total = sum(len(split.valid) for split in splits)
        test_total = sum(len(split.test) for split in splits)
        for counts in zip(*folds, strict=True):
            together = Counts(
                valid_wrong=sum(fold.valid_wrong for fold in counts),
                test_wrong=sum(fold.test_wrong for fold in counts),
                seconds=sum(fold.seconds for fold in counts) + set_up,
                finite=all(fold.finite for fold in counts),
            )
            yield epoch_from_counts(together, valid=valid_total, test=test_total, chance=self.chance_error)
            if not together.finite:
                return
            set_up = 0.0

    def training_loops(self, machine: Machine) -> tuple[Loop, ...]:
        """The training loops that run on a device, the one that trains single trials first."""
        if machine.device != "cpu":
            return (train,)
        return (partial(looped.train, compiled=True) if self.convolution == "compiled" else looped.train, train)

    def prepare(self, machine: Machine) -> dict[str, str]:
        if self.convolution == "compiled" and machine.device != "cpu":
            raise ValueError(f'convolution = "compiled": is for the CPU, and not for {machine.device}; leave it out')
        load_splits(self.data, self.split, self.folds, machine, self.train_rows)
        _warm_up(self, machine)
        return checksums(self.data, machine)

    def start(self, config: Config, split: Split, key: Key, device: str) -> nn.Module:
        """Build the network of one trial (and fold) with its initial weights."""
        return build_network(lambda: self.network(config, split), key, device, xavier=self.xavier)

    def cost_options(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        """All options that are set except `epochs`, `convolution` and `train_rows`.

        An epoch costs the same however many there are, prices are those of the reference loop, and those of fewer
        images follow from the work that they are.
        """
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if name not in UNPRICED and value is not None}

    def network_shape(self, config: Config) -> NetworkShape:
        """Count parameters, multiply-adds and the like of the configuration's network."""
        split = placeholder_split(self.data, self.split, self.folds, self.train_rows)
        return count_shape(lambda: self.network(config, split), split.train.x.shape[1:])

    @property
    def offered_metrics(self) -> tuple[Metric, ...]:
        return _offered_metrics(self)

    def count_metrics(self, config: Config) -> Mapping[str, float]:
        return count_network_metrics(self.network_shape(config))

    def prediction_terms(self, config: Config) -> CostTerms:
        return prediction_terms(self.network_shape(config))

    def time_prediction(self, config: Config, machine: Machine) -> float:
        split = placeholder_split(self.data, self.split, self.folds, self.train_rows)
        return time_prediction(lambda: self.network(config, split), split.train.x.shape[1:], machine.device)

    def cost_terms(self, config: Config) -> CostTerms:
        return self._terms(config, split_sizes(self.data, self.split, self.folds, self.train_rows))

    def probe(self, config: Config, seed: np.random.SeedSequence, machine: Machine, rows: int) -> Probe:
        """Time the reference loop, so that prices do not depend on routes that train faster.

        Two epochs of an excerpt where an epoch has more rows; the first tells what setting up takes.
        """
        sizes = split_sizes(self.data, self.split, self.folds, self.train_rows)
        if max(trained for trained, _ in sizes) <= rows:
            epochs = self.epochs_of(config, seed, machine, train)
            return Probe(epochs=epochs, count=self.max_epochs, terms=self._terms(config, sizes), whole=True)
        start = float(seed.generate_state(1)[0]) / 2**32
        epochs = self.epochs_of(config, seed, machine, train_on_excerpt(train, rows, start))
        return Probe(epochs=epochs, count=2, terms=self._terms(config, excerpt_sizes(sizes, rows)), whole=False)

    def _terms(self, config: Config, sizes: list[tuple[int, int]]) -> CostTerms:
        return network_terms(self.network_shape(config), sizes, self.batch_size(config))

    @property
    def stackable(self) -> bool:
        return True

    def arithmetic(self, machine: Machine, *, stacked: bool) -> str:
        if stacked:
            return choose_route(self, machine).arithmetic
        return COMPILED if self.convolution == "compiled" else "reference"

    def stack(self, machine: Machine, capacity: int | None = None) -> Stack:
        return choose_route(self, machine).build(capacity)

    def _fold(
        self, config: Config, split: Split, seed: np.random.SeedSequence, fold: int, machine: Machine, loop: Loop
    ) -> Iterator[Counts]:
        key = trial_key(seed, fold)
        return loop(
            self.start(config, split, key, machine.device),
            split,
            learning_rate=self.learning_rate(config),
            batch_size=self.batch_size(config),
            key=key,
        )


@cache
def _offered_metrics(objective: ImageClassification) -> tuple[Metric, ...]:
    """What a space's networks offer; its corners have the smallest and the largest, since every count grows."""
    space = objective.space
    corners = (objective.network_shape(space.decode(np.full(len(space), corner))) for corner in (0.0, 1.0))
    return network_metrics(*corners)


@cache
def _warm_up(objective: ImageClassification, machine: Machine) -> None:
    """Train a throw-away network for a few steps: a process's first steps are tens of times slower."""
    split = load_splits(objective.data, objective.split, objective.folds, machine, objective.train_rows)[0]
    config = objective.default or objective.space.sample(np.random.default_rng(0))
    few = np.arange(min(3 * objective.batch_size(config), len(split.train)))
    part = Split(train=split.train.take(few), valid=split.valid.take(few[:64]), test=split.test.take(few[:64]))
    for loop in objective.training_loops(machine):
        next(objective._fold(config, part, np.random.SeedSequence(0), 0, machine, loop))


def _one_of(field: str, value: object, allowed: list[str]) -> None:
    if value not in allowed:
        close = difflib.get_close_matches(str(value), allowed, n=1, cutoff=0.5)
        hint = f' (did you mean "{close[0]}"?)' if close else ""
        raise ValueError(f"{field} = {value!r}: not one of {', '.join(allowed)}{hint}")
