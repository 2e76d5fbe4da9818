"""What objectives that are made of another one have in common: whatever they do not change is the other's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from objectives.cost import CostTerms, Probe
from objectives.epoch import Epoch
from objectives.metric import Metric
from objectives.objective import Machine, Objective
from objectives.space import Config, Space
from objectives.stack import Stack
from objectives.task import Constraint


@dataclass(frozen=True, kw_only=True)  # Not slotted: a property of a class below may be made once and kept.
class Derived(Objective):
    """An objective that asks another one for everything."""

    inner: Objective

    @property
    def label(self) -> str:
        return self.inner.label

    @property
    def space(self) -> Space:
        return self.inner.space

    @property
    def default(self) -> Config | None:
        return self.inner.default

    @property
    def max_epochs(self) -> int:
        return self.inner.max_epochs

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return self.inner.metrics

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        return self.inner.constraints

    def front(self) -> np.ndarray | None:
        return self.inner.front()

    def front_of(self, metrics: tuple[Metric, ...], constraints: tuple[Constraint, ...]) -> np.ndarray | None:
        return self.inner.front_of(metrics, constraints)

    @property
    def trained_metrics(self) -> tuple[Metric, ...]:
        return self.inner.trained_metrics

    @property
    def offered_metrics(self) -> tuple[Metric, ...]:
        return self.inner.offered_metrics

    def count_metrics(self, config: Config) -> Mapping[str, float]:
        return self.inner.count_metrics(config)

    def prediction_terms(self, config: Config) -> CostTerms | None:
        return self.inner.prediction_terms(config)

    def time_prediction(self, config: Config, machine: Machine) -> float | None:
        return self.inner.time_prediction(config, machine)

    @property
    def best_error(self) -> float | None:
        return self.inner.best_error

    @property
    def chance_error(self) -> float | None:
        return self.inner.chance_error

    @property
    def row_counts(self) -> tuple[int, int] | None:
        return self.inner.row_counts

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        return self.inner.train(config, seed, machine)

    @property
    def times_itself(self) -> bool:
        return self.inner.times_itself

    @property
    def pausable(self) -> bool:
        return self.inner.pausable

    def until(self, epochs: int) -> Objective:
        inner = self.inner.until(epochs)
        return self if inner is self.inner else replace(self, inner=inner)

    @property
    def varies_by_repetition(self) -> bool:
        return self.inner.varies_by_repetition

    @property
    def tabulated(self) -> bool:
        return self.inner.tabulated

    @property
    def typical_seconds(self) -> float | None:
        return self.inner.typical_seconds

    def repetition_data(self, repetition: int) -> Mapping[str, str]:
        return self.inner.repetition_data(repetition)

    @property
    def origin(self) -> Mapping[str, Any]:
        return self.inner.origin

    @property
    def tests_incumbents(self) -> bool:
        return self.inner.tests_incumbents

    def test_metrics(
        self, config: Config, seed: np.random.SeedSequence, machine: Machine, epochs: int
    ) -> Mapping[str, Any]:
        return self.inner.test_metrics(config, seed, machine, epochs)

    @property
    def stackable(self) -> bool:
        return self.inner.stackable

    def arithmetic(self, machine: Machine, *, stacked: bool) -> str:
        return self.inner.arithmetic(machine, stacked=stacked)

    def stack(self, machine: Machine, capacity: int | None = None) -> Stack | None:
        return self.inner.stack(machine, capacity)

    @property
    def nominal_seconds(self) -> float | None:
        return self.inner.nominal_seconds

    def cost_options(self, options: Mapping[str, Any]) -> Mapping[str, Any]:
        return self.inner.cost_options(options)

    def cost_terms(self, config: Config) -> CostTerms:
        return self.inner.cost_terms(config)

    def probe(self, config: Config, seed: np.random.SeedSequence, machine: Machine, rows: int) -> Probe:
        return self.inner.probe(config, seed, machine, rows)

    def prepare(self, machine: Machine) -> dict[str, str]:
        return self.inner.prepare(machine)
