"""A toy objective with two metrics, an accuracy and a size, of which the test set knows the first."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from objectives.epoch import Epoch
from objectives.metric import Metric
from objectives.objective import Machine
from objectives.space import Config
from tests.benchmark.fakes.unit_interval import UnitInterval


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricToy(UnitInterval):
    """Reaches the accuracy x over two epochs with 1000 x parameters, counted in the second one only."""

    @property
    def metrics(self) -> tuple[Metric, ...]:
        accuracy = Metric("accuracy", goal="max", unit="%", best=100, chance=10)
        return accuracy, Metric("parameters", reference=2000.0)

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        for epoch in (1, 2):
            accuracy = 100 * config["x"] * epoch / 2
            values = {"accuracy": accuracy, "parameters": 1000 * config["x"] if epoch == 2 else None}
            yield Epoch(metrics=values, test_metrics={"accuracy": accuracy - 1}, seconds=float(epoch))
