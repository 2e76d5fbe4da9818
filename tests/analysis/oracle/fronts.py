"""Fronts and their hypervolumes: plain loops over the evaluations, volumes of boxes in fractions."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

from tests.analysis.oracle.exact import INF, mean, std
from tests.analysis.oracle.reading import AXES, WORTHLESS, on
from tests.analysis.oracle.steps import events, last_event


def optimised(entry):
    """The metrics of an objective's fronts: the first, with its chance for a reference, and those with one."""
    first, *others = entry["metrics"]
    reference = first["chance"] if first["reference"] is None else first["reference"]
    return [{**first, "reference": reference}, *(metric for metric in others if metric["reference"] is not None)]


def signed(metric, value):
    """A value as something to minimise."""
    return None if value is None else -Fraction(value) if metric["goal"] == "max" else Fraction(value)


def value_of(entry, metric, evaluation, data):
    """What an evaluation measured in the end, minimised; of a metric without test values that of validation."""
    if metric["name"] == entry["metrics"][0]["name"]:
        error = evaluation[f"{data}_error"]
        return None if error is None else Fraction(error)
    values = evaluation.get("valid_metrics", {})
    if data == "test":
        tested = evaluation.get("test_metrics")
        values = {**values, **tested} if tested else {name: [None] for name in values}
    return signed(metric, values[metric["name"]][-1])


def vector(entry, evaluation, data):
    """The optimised metrics of an evaluation, minimised."""
    return [value_of(entry, metric, evaluation, data) for metric in optimised(entry)]


def violation(entry, evaluation):
    """The sum of what lies beyond bounds; infinite where a constrained metric was not measured."""
    if evaluation["state"] in WORTHLESS:
        return INF
    total = Fraction(0)
    by_name = {metric["name"]: metric for metric in entry["metrics"]}
    for constraint in entry.get("constraints", ()):
        metric = by_name[constraint["metric"]]
        value = signed(metric, value_of(entry, metric, evaluation, "valid"))
        if value is None:
            return INF
        low, high = constraint["lower"], constraint["upper"]
        total += max(0, 0 if low is None else low - value, 0 if high is None else value - high)
    return total


def front(entry, evaluations):
    """The evaluations that count, are feasible, and are not dominated by others; of equal ones the first."""
    able = [one for one in evaluations if one["counted"] and violation(entry, one) == 0]
    able = [(one, vector(entry, one, "valid")) for one in able]
    able = [(one, point) for one, point in able if None not in point]
    return [
        one
        for place, (one, point) in enumerate(able)
        if not any(dominates(other, point) for _, other in able) and point not in [other for _, other in able[:place]]
    ]


def dominates(one, other):
    """Whether a point is as good in every metric, and better in one."""
    return one != other and all(a <= b for a, b in zip(one, other, strict=True))


def volume(points, reference):
    """The volume between points and the reference, slice by slice along the last metric."""
    points = [point for point in points if all(a < b for a, b in zip(point, reference, strict=True))]
    if not points:
        return Fraction(0)
    if len(reference) == 1:
        return reference[0] - min(point[0] for point in points)
    heights = [*sorted({point[-1] for point in points}), reference[-1]]
    return sum(
        (top - bottom) * volume([point[:-1] for point in points if point[-1] <= bottom], reference[:-1])
        for bottom, top in pairwise(heights)
    )


def hypervolume(entry, members, data):
    """That of a front, a share of the box where all metrics have a best value; None without members or their values."""
    points = [vector(entry, one, data) for one in members]
    if not points or any(None in point for point in points):
        return None
    metrics = optimised(entry)
    reference = [signed(metric, metric["reference"]) for metric in metrics]
    if any(metric["best"] is None for metric in metrics):
        return volume(points, reference)
    best = [signed(metric, metric["best"]) for metric in metrics]
    clipped = [[max(a, b) for a, b in zip(point, best, strict=True)] for point in points]
    return volume(clipped, reference) / math.prod(a - b for a, b in zip(reference, best, strict=True))


def at(suite, run, axis, t, data):
    """The hypervolume of what a run has completed at or before t; a run that failed has none after its last event."""
    last = last_event(run, axis)
    if last is None or (run.state == "failed" and t > last):
        return None
    entry = next(entry for entry in suite.objectives if entry["label"] == run.objective)
    return hypervolume(entry, front(entry, [one for one in run.counted if on(axis, one) <= t]), data)


def trajectory(suite):
    """Mean and standard deviation over the finished runs of a cell at every event."""
    for objective, algorithm, planned in suite.cells():
        runs = [run for run in planned if run.finished]
        for axis in AXES:
            for t in events(runs, axis):
                row = {"objective": objective, "algorithm": algorithm, "metric": "hypervolume", "axis": axis, "t": t}
                row |= {"n_runs": len(runs), "n_active": sum(last_event(run, axis) >= t for run in runs)}
                valid = [at(suite, run, axis, t, "valid") for run in runs]
                test = [at(suite, run, axis, t, "test") for run in runs]
                row["n_defined"] = sum(value is not None for value in valid)
                for data, values in (("valid", valid), ("test", test)):
                    known = [] if None in values else values
                    row |= {f"{data}_mean": mean(known), f"{data}_std": std(known)}
                yield row


def members(suite):
    """The index of every member of every run's final front, the best by the first metric first."""
    for run in suite.runs:
        entry = next(entry for entry in suite.objectives if entry["label"] == run.objective)
        for one in sorted(front(entry, run.counted), key=lambda one: vector(entry, one, "valid")):
            yield run.objective, run.algorithm, run.repetition, one["index"]


def violations(suite):
    """The violation of every evaluation."""
    for run in suite.runs:
        entry = next(entry for entry in suite.objectives if entry["label"] == run.objective)
        yield from (violation(entry, one) for one in run.evaluations)
