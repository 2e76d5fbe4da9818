"""Toy tasks of every kind that a registry's `tasks` names, and outcomes of trials on them."""

from __future__ import annotations

import math
import zlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from objectives.metric import Metric
from objectives.space import Config
from objectives.task import Constraint, Task

Values = Mapping[str, float | None]
"""What a trial came to, by metric, in the metric's own direction."""

CHANCE_ERROR = 0.9
LOSS, GAIN = (
    Metric("loss", reference=1.0, chance=CHANCE_ERROR),
    Metric("gain", goal="max", reference=-1.0, chance=-CHANCE_ERROR),
)
LATENCY = Metric("latency")
FAST = (Constraint("latency", upper=0.5),)


def toy_error(config: Mapping[str, Any]) -> float:
    """An error in [0, 1) that depends on every value, the fidelity included."""
    return zlib.crc32(repr(sorted(config.items())).encode()) / 2**32


def toy_values(config: Mapping[str, Any]) -> dict[str, float | None]:
    """Values in their own direction that depend on every hyperparameter, the fidelity included."""
    return {
        "loss": toy_error(config),
        "gain": -toy_error({**config, "": "gain"}),
        "latency": toy_error({**config, "": "latency"}),
    }


def error_in(task: Task, values: Values | None) -> float:
    """The error that comes with values: the first metric's, or that of a training that failed."""
    value = None if values is None else values[task.metrics[0].name]
    return math.inf if value is None else task.metrics[0].to_error(value)


def information(values: Values | None, epochs: int = 9, state: str = "ok", seconds: float = 1.0) -> dict[str, Any]:
    """What an algorithm is told of a result besides its error."""
    known = {"epochs": epochs, "state": state if values is not None else "crashed", "seconds": seconds}
    return known if values is None else {**known, "metrics": dict(values)}


def flipped(task: Task) -> Task:
    """The same task with every metric declared in the other direction."""
    turned = tuple(
        replace(
            metric,
            goal="min" if metric.goal == "max" else "max",
            best=_negated(metric.best),
            chance=_negated(metric.chance),
            reference=_negated(metric.reference),
        )
        for metric in task.metrics
    )
    bounds = tuple(
        Constraint(each.metric, lower=_negated(each.upper), upper=_negated(each.lower)) for each in task.constraints
    )
    return Task(turned, bounds)


def flipped_values(values: Values | None) -> Config | None:
    """Values of the flipped task."""
    return None if values is None else {name: _negated(value) for name, value in values.items()}


def _negated(value: float | None) -> float | None:
    return None if value is None else 0.0 - value


TASKS: dict[str, Task] = {
    "one": Task((Metric("error", chance=CHANCE_ERROR),)),
    "several": Task((LOSS, GAIN, LATENCY)),
    "constrained": Task((replace(LOSS, reference=None), LATENCY), FAST),
    "several constrained": Task((LOSS, GAIN, LATENCY), FAST),
    "three": Task((LOSS, GAIN, replace(LATENCY, reference=1.0))),
}
TASKS |= {f"flipped {kind}": flipped(task) for kind, task in TASKS.items()}
