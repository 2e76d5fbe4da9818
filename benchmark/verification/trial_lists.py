"""Lists of configurations as a suite's algorithms, by which recorded configurations are trained again."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.suite.model import AlgorithmEntry, Part
from objectives.space import Config

TrialList = tuple[Config, ...]
"""Configurations, each with the epochs to train it for under `max_epochs`."""


def list_entry(number: int, trials: TrialList = ()) -> AlgorithmEntry:
    """Build the algorithm that proposes the configurations of a list in order."""
    options = {"trials": [dict(trial) for trial in trials]}
    return AlgorithmEntry(label=f"list-{number:03d}", scheduler=Part(name="listed", options=options), searcher=None)


def list_entries(lists_by_key: Sequence[Sequence[object]]) -> tuple[AlgorithmEntry, ...]:
    """Build empty entries for the largest number of lists; each run puts its own list in their place."""
    return tuple(list_entry(number) for number in range(max(map(len, lists_by_key))))
