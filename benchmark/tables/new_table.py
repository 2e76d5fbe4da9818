"""A table that is to be written: its space, its values, and where they come from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from objectives.metric import Metric
from objectives.space import Config, Space


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NewTable:
    """C configurations x S seeds x E epochs of trainings.

    Attributes:
        space: of the configurations; of a grid every hyperparameter is `Ordinal` or `Categorical`.
        configs: the configurations in the order of the rows, all different; None: all combinations of levels, the
            last hyperparameter's level changing fastest from row to row.
        metrics: what the trainings come to; the first one is what algorithms minimise.
        values: validation values by metric, (C, S, E) float64 in the metric's own direction, NaN where unknown.
        test_values: likewise of the test set, of those metrics that have any.
        seconds: (C, S, E) float64, those of every epoch; None: an epoch is declared to take one second.
        reached: (C, S) int64, the epochs that are known, from the first one on; 0: that cell was not trained.
        diverged: (C, S) bool, whether the last of them ended the training; its values do not count.
        seeds: name of each seed; a repetition meets one of them.
        source: package or file that the values come from.
        version: of that.
        license: of that.
        source_digest: SHA-256 of that, in hexadecimal digits.
        reported: (C, S, E) float64 seconds that a harvested objective reports beside those measured.
        unmeasured: whether the first metric may be NaN below `reached`: each cell was trained to its own end.
        harvest: of a harvested table what its trials depend on: suite_seed, objective, data, environment, repetitions.
    """

    space: Space
    configs: Sequence[Config] | None
    metrics: tuple[Metric, ...]
    values: Mapping[str, np.ndarray]
    test_values: Mapping[str, np.ndarray]
    seconds: np.ndarray | None
    reached: np.ndarray
    diverged: np.ndarray
    seeds: tuple[str, ...]
    source: str
    version: str
    license: str
    source_digest: str
    reported: np.ndarray | None = None
    unmeasured: bool = False
    harvest: Mapping[str, Any] | None = None
