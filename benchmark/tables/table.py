"""A table in memory: every training of an objective's configurations, by row, seed and epoch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np

from objectives.finite.finite_space import FiniteSpace
from objectives.metric import Metric
from objectives.space import Config


class Members(Protocol):
    """The configurations of a table, by row."""

    @property
    def size(self) -> int: ...
    def member(self, row: int) -> Config: ...
    def row(self, config: Mapping[str, Any]) -> int | None: ...


class ListedMembers:
    """Configurations of a table whose file does not say of which space they are."""

    def __init__(self, configs: tuple[Config, ...]) -> None:
        self.configs = configs
        self.rows = {tuple(config.items()): row for row, config in enumerate(configs)}

    @property
    def size(self) -> int:
        """The number of configurations."""
        return len(self.configs)

    def member(self, row: int) -> Config:
        """Return the configuration of a row."""
        return dict(self.configs[row])

    def row(self, config: Mapping[str, Any]) -> int | None:
        """Return the row of a configuration; None where it is not there."""
        return self.rows.get(tuple(config.items()))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Every known training: C configurations, S seeds, E epochs.

    Attributes:
        digest: SHA-256 of the file, for the record.
        members: the configurations.
        seeds: name of each seed.
        metrics: what the trainings come to; of a file of the first format without goals and units, () where only an
            error is recorded.
        declared: whether records hold the metrics beside the error.
        valid: (C, S, E) float64, the first metric as an error, NaN where it is not known.
        test: likewise of the test set.
        values: validation values by metric, (C, S, E) float64 in the metric's own direction.
        test_values: likewise of the test set, as far as there are any.
        seconds: (C, S, E) float64, of every epoch.
        reported: likewise what a harvested objective reports, or None.
        reached: (C, S) int64, epochs known; 0: not trained.
        diverged: (C, S) bool, whether the last of them ended the training.
        unmeasured: whether each cell was trained to its own end, with nothing measured before.
        timed: whether the seconds are those of trainings; otherwise an epoch is declared to take one.
        typical_seconds: of a full training, the median over all that reached the last epoch; None: none did.
        origin: source, version, license and source_digest.
        harvest: what harvested trials depend on: suite_seed, objective, data, environment; None of another table.
        repetitions: (S,) int64, of a harvested table, the repetition of each seed.
        answers: what was looked up before, for whoever looks it up; algorithms share many trials of a repetition.
    """

    digest: str
    members: Members
    seeds: tuple[str, ...]
    metrics: tuple[Metric, ...]
    declared: bool
    valid: np.ndarray
    test: np.ndarray
    values: Mapping[str, np.ndarray]
    test_values: Mapping[str, np.ndarray]
    seconds: np.ndarray
    reported: np.ndarray | None
    reached: np.ndarray
    diverged: np.ndarray
    unmeasured: bool
    timed: bool
    typical_seconds: float | None
    origin: Mapping[str, str]
    harvest: Mapping[str, Any] | None
    repetitions: np.ndarray
    answers: dict[Any, Any] = field(default_factory=dict)

    @property
    def max_epochs(self) -> int:
        """The number of epochs of a full training."""
        return int(self.valid.shape[2])

    @property
    def space(self) -> FiniteSpace | None:
        """The space of the configurations; None of a file of the first format."""
        return self.members if isinstance(self.members, FiniteSpace) else None

    def column(self, repetition: int, *, recycle: bool) -> int | None:
        """Return the column of a repetition; `recycle` lets those that are there stand for further ones, in turn."""
        columns = np.flatnonzero(self.repetitions == repetition)
        if columns.size:
            return int(columns[0])
        return repetition % len(self.repetitions) if recycle else None


def typical_seconds(seconds: np.ndarray, reached: np.ndarray, diverged: np.ndarray) -> float | None:
    """Return the median seconds of trainings that reached the last epoch; None where none did.

    Args:
        seconds: (C, S, E), of every epoch.
        reached: (C, S), epochs known.
        diverged: (C, S), whether the last of them ended the training.
    """
    whole = (reached == seconds.shape[2]) & ~diverged
    return float(np.median(seconds[whole].sum(axis=1))) if whole.any() else None
