"""A user's own objective: a space, a network, and what it looks like on the data set."""

from dataclasses import dataclass

from scipy import stats
from torch import nn

from objectives.classification import ImageClassification, Setting
from objectives.space import Space


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnNetwork(ImageClassification):
    """A dense network with a normalised hidden layer and dropout."""

    @property
    def setting(self):
        space = {"learning_rate": stats.loguniform(0.01, 1), "batch_size": stats.randint(16, 129)}
        dropout = {"dropout": stats.uniform(0, 0.8)}
        return Setting(space=Space(space | dropout), default=None, epochs=5)

    def network(self, config, split):
        return nn.Sequential(
            nn.Flatten(), nn.Linear(split.train.x[0].numel(), 48), nn.LayerNorm(48), nn.GELU(),
            nn.Dropout(config["dropout"]), nn.Linear(48, 10),
        )  # fmt: skip
