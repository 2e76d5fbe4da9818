"""Tells before the start what a suite's functions are, and which metric that it asks for no trial will have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from benchmark.suite.model import ObjectiveEntry, Suite
from benchmark.tables.names import making_command
from benchmark.tuning.clock import build_clock
from objectives.metric import INFERENCE_SECONDS
from objectives.objective import Objective

MOST_NAMED = 8
"""Hyperparameters that a line names."""


def function_notes(suite: Suite, objectives: Mapping[str, Objective]) -> Iterator[str]:
    """Describe every objective of a suite that is a function, in a line each."""
    for entry in suite.objectives:
        if entry.function is not None:
            yield _describe(entry, objectives[entry.label])


def left_out_notes(suite: Suite) -> Iterator[str]:
    """Name the optional objectives that are left out because their tables are not here."""
    if suite.left_out:
        left_out = ", ".join(suite.left_out)
        yield f"left out, for their tables are not here (`{making_command()}` makes them): {left_out}"


def unpriced_notes(suite: Suite, objectives: Mapping[str, Objective]) -> Iterator[str]:
    """Say of which objectives the modelled seconds of a prediction are asked for, and no calibration gives them."""
    if suite.clock != "modelled":
        return
    runs = {run.objective.label: run for run in suite.runs()}
    for label, objective in objectives.items():
        if INFERENCE_SECONDS not in {metric.name for metric in objective.metrics}:
            continue
        config = objective.default or objective.space.sample(np.random.default_rng(0))
        if build_clock(runs[label], objective).price_of_prediction(config) is None:
            yield (
                f"warning: {label}: {INFERENCE_SECONDS} will not be measured in any trial, because the calibration "
                'gives a prediction no price; say clock = "measured", or leave the metric out'
            )


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
