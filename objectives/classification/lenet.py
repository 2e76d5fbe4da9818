"""LeNet: the book's convolutional HPO objective, two hyperparameters.

On digits (1 197 training images) the book's sigmoid network stays at chance for all of its 10 epochs
at any learning rate of the space, so there the activation is the hyperbolic tangent of the original
LeNet-5 and kernels are 3x3; see docs/decisions/0004-digits-objectives.md.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from scipy import stats
from torch import nn

from objectives.classification.base import ImageClassification, Setting
from objectives.space import Config, Space
from objectives.stacks.network_objective import GpuKernels
from objectives.training.data import Split
from objectives.training.network_cost import NetworkShape
from objectives.training.networks import Tanh, lenet, small_lenet

SPACE = Space({"learning_rate": stats.loguniform(1e-2, 1), "batch_size": stats.randint(32, 256)})
DEFAULT: Config = {"learning_rate": 0.1, "batch_size": 128}
SETTINGS: Mapping[str, Setting] = {
    "fashion_mnist": Setting(space=SPACE, default=DEFAULT, epochs=10),
    "digits": Setting(space=SPACE, default=DEFAULT, epochs=6),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class LeNet(ImageClassification):
    """LeNet: learning rate and batch size (2-d); sigmoid on Fashion-MNIST, tanh and 8x8 on digits."""

    @property
    def setting(self) -> Setting:
        return SETTINGS[self.data]

    @property
    def xavier(self) -> bool:
        return True

    @property
    def gpu_kernels(self) -> GpuKernels | None:
        """This network's kernels; a subclass has none, since it may have changed the network."""
        return "lenet" if type(self) is LeNet else None

    def network(self, config: Config, split: Split) -> nn.Module:
        return small_lenet(Tanh) if self.data == "digits" else lenet(nn.Sigmoid)

    def network_shape(self, config: Config) -> NetworkShape:
        return _shape(self)


@cache
def _shape(objective: LeNet) -> NetworkShape:
    """Count the network once: it is the same for every configuration."""
    return ImageClassification.network_shape(objective, {})
