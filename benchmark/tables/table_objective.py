"""An objective that looks its trainings up in a table, one epoch after the other, exactly as the table holds them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np

from benchmark.tables.front import known_front
from benchmark.tables.names import TESTS
from benchmark.tables.seed_views import as_met
from benchmark.tables.table import Table
from objectives.epoch import Epoch
from objectives.finite.finite_space import FiniteSpace
from objectives.metric import Metric, is_classic
from objectives.objective import Machine, Objective
from objectives.space import Config
from objectives.task import Constraint

NOMINAL_SECONDS = 1.0
"""Of an epoch, where a table knows no seconds."""


class TableObjective(Objective):
    """Answers from a table; repetition r meets the seed r modulo the number of seeds.

    Args:
        table: of the second format, which knows its space.
        name: what the suite calls the table.
        test: where test values come from: "test" values of the table itself, "other_seeds" the mean of the same
            configuration under the other seeds, "none"; None: the first of these that the table allows.

    Raises:
        ValueError: the table does not allow it.
    """

    TIMES_ITSELF = True

    def __init__(self, table: Table, name: str, test: str | None = None) -> None:
        if table.space is None:
            raise ValueError("its file is of the first format, which does not name a space; harvest it anew")
        self.name, self.test = name, choose_test(table, test)
        self.table = as_met(table, self.test)

    @property
    def label(self) -> str:
        return self.name

    @property
    def space(self) -> FiniteSpace:
        assert self.table.space is not None
        return self.table.space

    @property
    def default(self) -> Config | None:
        return None

    @property
    def max_epochs(self) -> int:
        return self.table.max_epochs

    @cached_property
    def metrics(self) -> tuple[Metric, ...]:
        """All of the table; only the first one is optimised until a suite chooses others by name."""
        first, *others = self.table.metrics
        return (first, *(replace(metric, reference=None) for metric in others))

    @property
    def offered_metrics(self) -> tuple[Metric, ...]:
        """Those that are optimised besides once a suite chooses them: the table knows a reference."""
        return tuple(metric for metric in self.table.metrics[1:] if metric.reference is not None)

    def front_of(self, metrics: tuple[Metric, ...], constraints: tuple[Constraint, ...]) -> np.ndarray | None:
        return known_front(self.table, metrics, constraints)

    @property
    def chance_error(self) -> float | None:
        return self.table.metrics[0].chance_error

    @property
    def best_error(self) -> float | None:
        return self.table.metrics[0].best_error

    @property
    def tabulated(self) -> bool:
        return True

    @property
    def nominal_seconds(self) -> float | None:
        return None if self.table.timed else NOMINAL_SECONDS

    @property
    def typical_seconds(self) -> float | None:
        return self.table.typical_seconds

    @property
    def pausable(self) -> bool:
        return not self.table.unmeasured

    def until(self, epochs: int) -> Objective:
        return _UntilEnd(self, epochs) if self.table.unmeasured else self

    def column(self, repetition: int) -> int:
        """Return the column of the seed that a repetition meets."""
        return repetition % len(self.table.seeds)

    def repetition_data(self, repetition: int) -> dict[str, str]:
        return {"seed": self.table.seeds[self.column(repetition)]}

    @property
    def origin(self) -> Mapping[str, Any]:
        return {"table": self.name, "seeds": len(self.table.seeds), "test": self.test, **self.table.origin}

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        return self.epochs(config, getattr(seed, "repetition", 0))

    def epochs(self, config: Config, repetition: int, end: int | None = None) -> Iterator[Epoch]:
        """Yield the epochs of a training in a repetition, of one that was trained to an end nothing before that.

        Raises:
            ValueError: the table does not hold it.
        """
        table, row = self.table, self.space.row(config)
        if row is None:
            raise ValueError(f"{config}: the table {self.name} does not hold it, need one of its configurations")
        cell = row, self.column(repetition)
        known = int(table.reached[cell])
        for number in range(known):
            diverged = bool(table.diverged[cell]) and number == known - 1
            if end is not None and number < end - 1 and not diverged:
                yield Epoch(skipped=True)
            else:
                yield self._epoch((*cell, number), diverged=diverged)
        raise ValueError(f"{config}: the table {self.name} holds {known} epochs of it, need more")

    def _epoch(self, cell: tuple[int, int, int], *, diverged: bool) -> Epoch:
        table = self.table
        seconds = table.seconds[cell].item()
        values = {name: _known(array[cell].item()) for name, array in table.values.items()}
        tests = {name: array[cell].item() for name, array in table.test_values.items()}
        known = {name: value for name, value in tests.items() if not math.isnan(value)}
        if not diverged and is_classic(table.metrics):
            error, test = table.valid[cell].item(), _known(table.test[cell].item())
            return Epoch(valid_error=error, test_error=test, seconds=seconds, reported_seconds=seconds)
        return Epoch(
            metrics=None if diverged else values,
            test_metrics=known,
            seconds=seconds,
            reported_seconds=seconds,
            diverged=diverged,
        )

    def prepare(self, machine: Machine) -> dict[str, str]:
        return {"table": self.table.digest}


class _UntilEnd(TableObjective):
    """The objective as it trains a trial that ends after so many epochs."""

    def __init__(self, whole: TableObjective, end: int) -> None:
        self.name, self.test, self.table, self.end = whole.name, whole.test, whole.table, end

    def train(self, config: Config, seed: np.random.SeedSequence, machine: Machine) -> Iterator[Epoch]:
        return self.epochs(config, getattr(seed, "repetition", 0), self.end)


def choose_test(table: Table, test: str | None) -> str:
    """Return where test values come from; without a choice the first of the ways that the table allows.

    Raises:
        ValueError: the table does not allow what was chosen.
    """
    own, several = table.metrics[0].name in table.test_values, len(table.seeds) > 1
    allowed = [name for name, there in zip(TESTS, (own, several, True), strict=True) if there]
    if test is None:
        return allowed[0]
    if test not in allowed:
        why = "it has no test values" if test == TESTS[0] else "it has one seed"
        raise ValueError(f"test = {test!r}: {why}, allowed are {', '.join(allowed)}")
    return test


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
