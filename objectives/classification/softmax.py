"""Softmax regression: the book's first HPO objective, one hyperparameter."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from scipy import stats
from torch import nn

from objectives.classification.base import ImageClassification, Setting
from objectives.space import Config, Space
from objectives.stacks.network_objective import GpuKernels
from objectives.training.data import Split
from objectives.training.network_cost import NetworkShape
from objectives.training.networks import softmax_regression

SETTING = Setting(space=Space({"learning_rate": stats.loguniform(1e-4, 1)}), default=None, epochs=8)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftmaxRegression(ImageClassification):
    """Softmax regression, batches of 16: the learning rate (1-d), on digits or Fashion-MNIST."""

    @property
    def setting(self) -> Setting:
        return SETTING

    @property
    def fixed_batch_size(self) -> int:
        return 16

    @property
    def gpu_kernels(self) -> GpuKernels | None:
        """This network's kernels; a subclass has none, since it may have changed the network."""
        return "softmax" if type(self) is SoftmaxRegression else None

    def network(self, config: Config, split: Split) -> nn.Module:
        return softmax_regression(split.train.x[0].numel())

    def network_shape(self, config: Config) -> NetworkShape:
        return _shape(self)


@cache
def _shape(objective: SoftmaxRegression) -> NetworkShape:
    """Count the network once: it is the same for every configuration."""
    return ImageClassification.network_shape(objective, {})
