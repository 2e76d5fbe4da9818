"""Tells before the start of schedulers that stop nothing early on an objective: they are plain search under a name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from algorithms import SCHEDULERS
from benchmark.suite.model import AlgorithmEntry, Suite
from objectives.objective import Objective

WITH_RUNGS = ("hyperband", "successive_halving", "asha")
"""Schedulers that stop trials at rungs, and have none to stop them at where an objective has too few epochs."""


def single_rung_notes(suite: Suite, objectives: Mapping[str, Objective]) -> Iterator[str]:
    """Describe every algorithm that trains all its trials equally long on an objective, since it has a single rung."""
    for entry in suite.objectives:
        for algorithm in suite.algorithms:
            if algorithm.scheduler.name in WITH_RUNGS:
                yield from _notes(entry.label, algorithm, objectives[entry.label].max_epochs)


def _notes(objective: str, algorithm: AlgorithmEntry, max_epochs: int) -> Iterator[str]:
    options = algorithm.scheduler.options
    scheduler: Any = SCHEDULERS[algorithm.scheduler.name](None, max_epochs=max_epochs, **options)
    rungs = set(scheduler.rung_epochs)
    if len(rungs) == 1:
        searcher = "its searcher" if algorithm.searcher is None else algorithm.searcher.name
        yield (
            f"note: {objective}/{algorithm.label}: {algorithm.scheduler.name} stops no trial early there: of at most "
            f"{max_epochs} epochs it makes a single rung, of {rungs.pop()}, so it is plain search by {searcher}"
        )
