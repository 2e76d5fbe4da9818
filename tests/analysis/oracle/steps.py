"""The anytime curve of a run, a step function, and what is made of the curves of a cell."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

from tests.analysis.oracle.exact import iqm, mean, quantile, root, std
from tests.analysis.oracle.reading import AXES, on

ERRORS = ("valid", "test")


def incumbent(evaluations):
    """The evaluation of the least validation error, the earliest of ties; None if none came to anything."""
    best = None
    for evaluation in evaluations:
        error = evaluation["valid_error"]
        if error is not None and error < math.inf and (best is None or error < best["valid_error"]):
            best = evaluation
    return best


def last_event(run, axis):
    """Where the last evaluation within the budget lies; None without any."""
    return max((on(axis, evaluation) for evaluation in run.counted), default=None)


def incumbent_at(run, axis, t):
    """The incumbent among what was completed at or before t; a run that failed has none after its last event."""
    last = last_event(run, axis)
    if last is None or (run.state == "failed" and t > last):
        return None
    return incumbent([evaluation for evaluation in run.counted if on(axis, evaluation) <= t])


def error_at(run, axis, t, error):
    """The incumbent's error at a time, None where there is no incumbent."""
    best = incumbent_at(run, axis, t)
    return None if best is None else best[f"{error}_error"]


def events(runs, axis):
    """All times of events of some runs, ascending, each once."""
    return sorted({on(axis, evaluation) for run in runs for evaluation in run.counted})


def over_runs(runs, axis, t, error):
    """The errors of all runs at a time; None unless every run is defined there."""
    errors = [error_at(run, axis, t, error) for run in runs]
    return None if None in errors or not errors else errors


def trajectory(suite):
    """Mean and standard deviation over the finished runs of a cell at every event."""
    for objective, algorithm, planned in suite.cells():
        runs = [run for run in planned if run.finished]
        for axis in AXES:
            for t in events(runs, axis):
                row = {"objective": objective, "algorithm": algorithm, "axis": axis, "t": t, "n_runs": len(runs)}
                row["n_defined"] = sum(incumbent_at(run, axis, t) is not None for run in runs)
                row["n_active"] = sum(run.counted != [] and last_event(run, axis) >= t for run in runs)
                for error in ERRORS:
                    errors = over_runs(runs, axis, t, error) or []
                    row |= {f"{error}_mean": mean(errors), f"{error}_std": std(errors)}
                yield row


def band_at(runs, axis, t, error, student):
    """What the table of bands says at a time; `student(df)` is the 97.5 % quantile of Student's t."""
    errors = over_runs(runs, axis, t, error) or []
    row = {"n": sum(error_at(run, axis, t, error) is not None for run in runs), "n_runs": len(runs)}
    row |= {"mean": mean(errors), "std": std(errors), "iqm": iqm(errors) if errors else None}
    row |= {f"q{percent}": quantile(errors, Fraction(percent, 100)) for percent in (10, 25, 50, 75, 90)}
    row |= {"lo": None, "hi": None}
    if len(errors) > 1:
        half = root(Fraction(student(len(errors) - 1)) ** 2 * row["std"] ** 2 / len(errors))
        row |= {"lo": row["mean"] - half, "hi": row["mean"] + half}
    return row


def score(run, axis, horizon, best, chance):
    """The area over the curve of the validation error, as a share of the horizon: 1 at the best error, 0 at chance.

    What is undefined is worth nothing.
    """
    times = [Fraction(0), *(t for t in events([run], axis) if 0 < t < horizon), horizon]
    area = Fraction(0)
    for begin, end in pairwise(times):
        stopped = run.state == "failed" and (not run.counted or begin >= last_event(run, axis))
        error = None if stopped else error_at(run, axis, begin, "valid")
        if error is not None:
            area += min(max(1 - (error - best) / (chance - best), Fraction(0)), Fraction(1)) * (end - begin)
    return area / horizon
