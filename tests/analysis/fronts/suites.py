"""Plants suites of several metrics: what trials measured is given by metric, in its own direction."""

from __future__ import annotations

import numpy as np

from analysis.loading.results import load
from analysis.study import Study
from tests.analysis.conftest import evaluation

ERROR = {"name": "error", "goal": "min", "unit": "", "best": 0.0, "chance": 1.0, "reference": None}
ACCURACY = {"name": "accuracy", "goal": "max", "unit": "%", "best": 1.0, "chance": None, "reference": 0.0}
SIZE = {"name": "size", "goal": "min", "unit": "MB", "best": None, "chance": None, "reference": None}


def declare(suite, metrics, constraints=(), *, label="bowl", **plan):
    """Declare what an objective measures, and what it must meet."""
    entry = next(entry for entry in suite.plan["objectives"] if entry["label"] == label)
    entry["metrics"] = list(metrics)
    if constraints:
        entry["constraints"] = list(constraints)
    suite.set(**plan)


def measured(index, metrics, valid, end, test=None, **changes):
    """An evaluation record of values in the order of the metrics; None is not measured, and no values a crash."""
    if valid is None:
        return evaluation(index, None, None, end, **changes)
    first = metrics[0]
    sign = -1.0 if first["goal"] == "max" else 1.0
    names = [metric["name"] for metric in metrics]
    fields = {"valid_metrics": {name: [value] for name, value in zip(names, valid, strict=True)}}
    if test is not None:
        fields["test_metrics"] = {name: [value] for name, value in zip(names, test, strict=True)}
    tested = None if test is None or test[0] is None else sign * test[0]
    return evaluation(index, sign * valid[0], tested, end, **fields, **changes)


def study(suite):
    """The study of a planted suite."""
    return Study(load(suite.folder), suite.folder)


def write_random(suite, *, seed=0, repetitions=6, trials=8, algorithms=2, goals=("min", "max", "min"), shuffle=False):
    """A suite of random trials, some crashed, duplicate, beyond the reference or not feasible.

    With other goals the same trials are written with the other sign. Metrics are multiples of 1/16 in 0..1.25 where
    they are minimised, the constrained one, which is the last, is recorded only.
    """
    names = ("first", "second", "third")
    metrics = [_metric(name, goal, last=name == names[-1]) for name, goal in zip(names, goals, strict=True)]
    bound = {"lower": -0.75, "upper": None} if goals[-1] == "max" else {"lower": None, "upper": 0.75}
    suite.plan["algorithms"] = []
    for place in range(algorithms):
        suite.algorithm(f"algorithm{place}")
    declare(suite, metrics, [{"metric": "third", **bound}], repetitions=repetitions, budget={"trials": trials},
            control="algorithm0")  # fmt: skip
    signs = np.array([-1.0 if goal == "max" else 1.0 for goal in goals])
    for place in range(algorithms):
        for repetition in range(repetitions):
            rng = np.random.default_rng([seed, place, repetition])
            records = _records(rng, metrics, signs, trials)
            if shuffle:
                records = [records[index] for index in rng.permutation(len(records))]
            state = "failed" if (place, repetition) == (0, 1) else "done"
            suite.run(records, repetition, algorithm=f"algorithm{place}", state=state)


def _metric(name, goal, *, last):
    sign = -1.0 if goal == "max" else 1.0
    scale = {"best": None, "reference": None} if last else {"best": 0.0 * sign, "reference": sign}
    return {"name": name, "goal": goal, "unit": "", "chance": None, **scale}


def _records(rng, metrics, signs, trials):
    records, end, values = [], 0.0, np.zeros((2, len(signs)))
    for index in range(trials):
        end += rng.integers(0, 3) / 2
        if index % 5 < 4:  # The fifth is like the fourth.
            values = rng.integers(0, 21, (2, len(signs))) / 16
        if rng.random() < 0.1:
            records.append(measured(index, metrics, None, end))
        else:
            valid, test = (signs * values + 0.0).tolist()
            records.append(measured(index, metrics, valid, end, test))
    return records
