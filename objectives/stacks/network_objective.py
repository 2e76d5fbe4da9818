"""What stacks need to know of an objective that trains a network by minibatch SGD."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, Protocol

import numpy as np
from torch import nn

from objectives.epoch import Epoch
from objectives.objective import Machine
from objectives.space import Config, Space
from objectives.training.counter_rng import Key
from objectives.training.data import Split
from objectives.training.network_cost import NetworkShape

GpuKernels = Literal["softmax", "lenet", "dropout_mlp"]
"""Networks that have GPU kernels of their own."""


class NetworkObjective(Protocol):
    """An objective whose trials are networks trained on the splits of an image data set.

    Attributes:
        data: name of the data set.
        split: "standard" or "book".
        folds: number of folds of a cross-validation; None: one split.
        train_rows: images that are trained on, the first of the training set; None: all.
        fixed_batch_size: the batch size where it is not a hyperparameter.
        gpu_kernels: the GPU kernels that compute exactly this network; None: there are none.
    """

    @property
    def data(self) -> str: ...
    @property
    def split(self) -> str: ...
    @property
    def folds(self) -> int | None: ...
    @property
    def train_rows(self) -> int | None: ...
    @property
    def fixed_batch_size(self) -> int | None: ...
    @property
    def gpu_kernels(self) -> GpuKernels | None: ...
    @property
    def space(self) -> Space: ...
    @property
    def default(self) -> Config | None: ...
    @property
    def chance_error(self) -> float: ...

    def arithmetic(self, machine: Machine, *, stacked: bool) -> str: ...
    def learning_rate(self, config: Config) -> float: ...
    def batch_size(self, config: Config) -> int: ...
    def network(self, config: Config, split: Split) -> nn.Module: ...
    def network_shape(self, config: Config) -> NetworkShape: ...
    def start(self, config: Config, split: Split, key: Key, device: str) -> nn.Module: ...
    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]: ...
    def __hash__(self) -> int: ...
