"""DropoutMLP: the book's exercise, two hidden layers with dropout, six hyperparameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from scipy import stats
from torch import nn

from objectives.classification.base import ImageClassification, Setting
from objectives.space import Config, Space
from objectives.stacks.network_objective import GpuKernels
from objectives.training.counter_rng import DROPOUT_BITS, keep_threshold, padded
from objectives.training.data import CLASSES, Split
from objectives.training.network_cost import DATA_SIZES, NetworkShape, unaligned
from objectives.training.networks import dropout_mlp


def _setting(width: int, batch: int, first_width: int, first_batch: int, epochs: int) -> Setting:
    return Setting(
        space=Space(
            {
                "num_hiddens_1": stats.randint(8, width + 1),
                "num_hiddens_2": stats.randint(8, width + 1),
                "dropout_1": stats.uniform(0, 0.95),
                "dropout_2": stats.uniform(0, 0.95),
                "lr": stats.loguniform(1e-2, 1),
                "batch_size": stats.randint(16, batch + 1),
            }
        ),
        default={
            "num_hiddens_1": first_width,
            "num_hiddens_2": first_width,
            "dropout_1": 0.5,
            "dropout_2": 0.5,
            "lr": 0.1,
            "batch_size": first_batch,
        },
        epochs=epochs,
    )


SETTINGS: Mapping[str, Setting] = {
    "fashion_mnist": _setting(width=1024, batch=384, first_width=256, first_batch=256, epochs=50),
    # Widths up to 1024 cost 2 to 6 s a trial on digits and gain nothing over 128 (docs/decisions/0004).
    "digits": _setting(width=128, batch=256, first_width=64, first_batch=64, epochs=10),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class DropoutMLP(ImageClassification):
    """Two hidden layers with dropout: widths, dropout rates, learning rate, batch size (6-d)."""

    @property
    def setting(self) -> Setting:
        return SETTINGS[self.data]

    def learning_rate(self, config: Config) -> float:
        return float(config["lr"])

    @property
    def gpu_kernels(self) -> GpuKernels | None:
        """This network's kernels; a subclass has none, since it may have changed the network."""
        return "dropout_mlp" if type(self) is DropoutMLP else None

    def network(self, config: Config, split: Split) -> nn.Module:
        return dropout_mlp(
            split.train.x[0].numel(),
            (int(config["num_hiddens_1"]), int(config["num_hiddens_2"])),
            (float(config["dropout_1"]), float(config["dropout_2"])),
        )

    def network_shape(self, config: Config) -> NetworkShape:
        """Count by arithmetic, in a hundredth of the time of passing a row through the layers."""
        pixels = DATA_SIZES[self.data].side ** 2
        first, second = int(config["num_hiddens_1"]), int(config["num_hiddens_2"])
        inner = first * second + second * CLASSES
        rates = ((first, config["dropout_1"]), (second, config["dropout_2"]))
        return NetworkShape(
            parameters=pixels * first + inner + first + second + CLASSES,
            forward=pixels * first + inner,
            backward=pixels * first + 2 * inner,
            unaligned=unaligned(pixels, first) + unaligned(first, second) + unaligned(second, CLASSES),
            values=pixels + 3 * (first + second) + CLASSES,
            draws=sum(padded(width) for width, rate in rates if keep_threshold(float(rate)) < 2**DROPOUT_BITS),
        )
