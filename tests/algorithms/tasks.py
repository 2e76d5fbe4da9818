"""Toy tasks of every kind that a registry's `tasks` names, and outcomes of trials on them."""

import math
from dataclasses import replace

from objectives.metric import Metric
from objectives.task import Constraint, Task
from tests.algorithms.driving import toy_error

LOSS, GAIN = Metric("loss", reference=1.0, chance=0.9), Metric("gain", goal="max", reference=-1.0, chance=-0.9)
LATENCY = Metric("latency")
FAST = (Constraint("latency", upper=0.5),)
TASKS = {
    "one": Task((Metric("error"),)),
    "several": Task((LOSS, GAIN, LATENCY)),
    "constrained": Task((replace(LOSS, reference=None), LATENCY), FAST),
    "several constrained": Task((LOSS, GAIN, LATENCY), FAST),
}


def toy_values(config):
    """Values in their own direction that depend on every hyperparameter, the fidelity included."""
    return {
        "loss": toy_error(config),
        "gain": -toy_error({**config, "": "gain"}),
        "latency": toy_error({**config, "": "latency"}),
    }


def error_in(task, values):
    """The error that comes with values: the first metric's, or that of a training that failed."""
    value = None if values is None else values[task.metrics[0].name]
    return math.inf if value is None else task.metrics[0].to_error(value)


def information(values, epochs=9, state="ok", seconds=1.0):
    """What an algorithm is told of a result besides its error."""
    told = {"epochs": epochs, "state": state if values is not None else "crashed", "seconds": seconds}
    return told if values is None else {**told, "metrics": dict(values)}


def flipped(task):
    """The same task with every metric declared in the other direction."""

    def negated(value):
        return None if value is None else 0.0 - value

    turned = tuple(
        replace(
            metric,
            goal="min" if metric.goal == "max" else "max",
            **{name: negated(getattr(metric, name)) for name in ("best", "chance", "reference")},
        )
        for metric in task.metrics
    )
    bounds = tuple(
        Constraint(each.metric, lower=negated(each.upper), upper=negated(each.lower)) for each in task.constraints
    )
    return Task(turned, bounds)


def flipped_values(values):
    """Values of the flipped task."""
    return None if values is None else {name: None if value is None else 0.0 - value for name, value in values.items()}


TASKS["three"] = Task((LOSS, GAIN, replace(LATENCY, reference=1.0)))
TASKS |= {f"flipped {kind}": flipped(task) for kind, task in TASKS.items()}


def search(algorithm, task, values_of, count, outstanding=1):
    """What a searcher or scheduler proposes when told results a few proposals late."""
    ask = algorithm.suggest if hasattr(algorithm, "suggest") else algorithm.sample_configuration
    proposed, waiting = [], []
    for _ in range(count):
        config = ask()
        proposed.append(None if config is None else dict(config))
        if config is not None:
            waiting.append(proposed[-1])
        while waiting and (len(waiting) >= outstanding or config is None):
            finished = waiting.pop(len(waiting) // 2)
            values = values_of(finished)
            epochs = finished.get("max_epochs", 9)
            algorithm.update(dict(finished), error_in(task, values), information(values, epochs))
            config = finished
    return proposed
