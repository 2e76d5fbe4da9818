"""Tells before the start what is optimised where a suite names a function: its space, and which way its metrics go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from benchmark.suite.model import ObjectiveEntry, Suite
from objectives.objective import Objective

MOST_NAMED = 8
"""Hyperparameters that a line names."""


def function_notes(suite: Suite, objectives: Mapping[str, Objective]) -> Iterator[str]:
    """Describe every objective of a suite that is a function, in a line each."""
    for entry in suite.objectives:
        if entry.function is not None:
            yield _describe(entry, objectives[entry.label])


def _describe(entry: ObjectiveEntry, objective: Objective) -> str:
    assert entry.function is not None, "only functions are described"
    names = list(objective.space)
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    where = f"read from {entry.function.space}" if isinstance(entry.function.space, str) else "of the suite's file"
    goals = ", ".join(f"{metric.name} ({metric.better})" for metric in objective.metrics)
    epochs = "" if objective.max_epochs == 1 else f", {objective.max_epochs} epochs"
    return (
        f"note: {entry.label}: {entry.part.name} over {', '.join(names[:MOST_NAMED])}{more} ({where}); {goals}{epochs}"
    )
