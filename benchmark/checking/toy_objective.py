"""An objective that is never trained, on small spaces of every kind of hyperparameter."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import stats

from benchmark.checking.toy_tasks import CHANCE_ERROR, TASKS, toy_error
from objectives.epoch import Epoch
from objectives.finite.finite_space import FiniteSpace
from objectives.metric import Metric
from objectives.objective import Machine, Objective
from objectives.space import Categorical, Condition, Config, Integer, Ordinal, Space
from objectives.task import Constraint

MAX_EPOCHS = 9
SPACES: Mapping[str, tuple[Space, Config]] = {
    "one": (Space({"rate": stats.loguniform(1e-4, 1)}), {"rate": 0.1}),
    "mixed": (
        Space(
            {
                "optimizer.lr": stats.loguniform(1e-200, 1e200),
                "net/width": Integer(8, 64, log=True),
                "activation": Categorical(["relu", "tanh", None]),
                "batch-size": Ordinal([16, 32, 64, 128]),
                "bias": stats.norm(0, 1),
            }
        ),
        {"optimizer.lr": 0.1, "net/width": 32, "activation": None, "batch-size": 64, "bias": 0.25},
    ),
    "conditional": (
        Space(
            {
                "rate": stats.loguniform(1e-4, 1),
                "layers": stats.randint(1, 4),
                "width_2": stats.randint(8, 65),
                "width_3": stats.randint(8, 65),
                "nesterov": Categorical([True, False]),
            },
            {
                "width_2": Condition(parent="layers", values=(2, 3)),
                "width_3": Condition(parent="layers", values=(3,)),
            },
        ),
        {"rate": 0.1, "layers": 2, "width_2": 32, "nesterov": False},
    ),
    "constant": (
        Space({"width": stats.randint(3, 4), "activation": Categorical(["relu"])}),
        {"width": 3, "activation": "relu"},
    ),
}
"""Spaces with a default configuration each."""
_POOL = np.array([[rate, width] for rate in (0.1, 0.5, 0.7, 0.9) for width in (8.0, 32.0, 60.0)])
FINITE: Mapping[str, tuple[Space, Config]] = {
    "grid": (
        FiniteSpace(
            {
                "rate": Ordinal([0.001, 0.01, 0.1, 1.0]),
                "width": Ordinal([8, 16, 32]),
                "relu": Categorical([True, False]),
            }
        ),
        {"rate": 0.01, "width": 16, "relu": True},
    ),
    "pool": (
        FiniteSpace({"rate": stats.uniform(0, 1), "width": stats.randint(8, 65)}, codes=_POOL),
        {"rate": 0.5, "width": 32},
    ),
}
"""Likewise spaces that are all that a table holds."""
ALL_SPACES = {**SPACES, **FINITE}


@dataclass(frozen=True, slots=True, kw_only=True)
class Toy(Objective):
    """An objective that offers algorithms a space, a default, a length and a task."""

    on: str = "mixed"
    kind: str = "one"

    @property
    def space(self) -> Space:
        return ALL_SPACES[self.on][0]

    @property
    def default(self) -> Config:
        return dict(ALL_SPACES[self.on][1])

    @property
    def max_epochs(self) -> int:
        return MAX_EPOCHS

    @property
    def chance_error(self) -> float:
        return CHANCE_ERROR

    @property
    def metrics(self) -> tuple[Metric, ...]:
        return TASKS[self.kind].metrics

    @property
    def constraints(self) -> tuple[Constraint, ...]:
        return TASKS[self.kind].constraints

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        yield Epoch(valid_error=toy_error(config), test_error=0.0, seconds=0.0)

    def prepare(self, machine: Machine) -> dict[str, str]:
        return {}
