"""The tables of times to target: what it takes to get as good as the control, and how many times faster that is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd

from analysis.loading.results import Results
from analysis.statistics.anytime import mean_and_std
from analysis.statistics.bands import ERRORS, values
from analysis.statistics.targets import attempts, ert, kaplan_meier_median, par10, speed_up
from analysis.tables.bands import cells
from analysis.tables.differences import paired

TARGETS = (
    "objective", "algorithm", "axis", "error", "target", "source", "n", "n_success",
    "ert", "par10", "km_median", "km_lo", "km_hi",
)  # fmt: skip
"""Columns of `targets.csv`: n runs, complete or failed, of which n_success reached the target, on the axis; ert, par10
and km_* are times on the axis, inf where the target is not reached. error is the one that has to reach it: that of
validation, or the test error of the validation incumbent. source says where the target comes from."""

SPEEDUPS = ("objective", "axis", "error", "target", "source", "a", "b", "n", "ratio", "lo", "hi")
"""Columns of `speedups.csv`: how many times faster a is than b, the control, as the ratio of ERTs over the n
repetitions in which both are complete or failed: more than 1 where a is faster, 0 or inf where only one of them
reaches the target, empty where neither does."""


LARGEST_DENOMINATOR = 10**6
"""Of a mean of counts: 20 000 rows of data in 50 repetitions."""
ROUNDING = Fraction(1, 2**46)
"""How far a mean may be, relative to itself, from the ratio that it is but for rounding."""

SHARES = (0.25, 0.5, 0.75, 1.0)
"""Of the control's last event time: when to read off what it reaches."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """An error to reach, and where it comes from."""

    value: float
    source: str


def targets_table(results: Results) -> pd.DataFrame:
    """What reaching each target takes every cell, on the three axes and by both errors."""
    targets = {objective.label: targets_of(results, objective.label) for objective in results.plan.objectives}
    rows = []
    for objective, algorithm, axis, curves in cells(results):
        for error in ERRORS:
            for target in targets[objective][error]:
                runs = attempts(curves, target.value, error)
                median = kaplan_meier_median(runs)
                numbers = (ert(runs), par10(runs), median.value, median.lo, median.hi)
                names = (objective, algorithm, axis, error, target.value, target.source)
                rows.append((*names, len(curves), np.count_nonzero(runs.success), *numbers))
    return pd.DataFrame(rows, columns=list(TARGETS))


def speedups_table(results: Results) -> pd.DataFrame:
    """How many times faster every algorithm is than the control; no row where repetitions are no pairs."""
    targets = {objective.label: targets_of(results, objective.label) for objective in results.plan.objectives}
    rows = []
    for objective, axis, a, b, ours, theirs in paired(results) if results.plan.paired else ():
        for error in ERRORS if b == results.plan.control else ():
            wanted = targets[objective][error]
            ratios = speed_up(*([attempts(side, target.value, error) for target in wanted] for side in (ours, theirs)))
            for target, ratio in zip(wanted, ratios, strict=True):
                names = (objective, axis, error, target.value, target.source, a, b)
                rows.append((*names, len(ours), ratio.value, ratio.lo, ratio.hi))
    return pd.DataFrame(rows, columns=list(SPEEDUPS))


def targets_of(results: Results, objective: str) -> dict[str, list[Target]]:
    """The targets on an objective by error: what the control reaches on average, and the suite's own.

    The control's mean trajectory of the same error is read on the axis of the suite's horizon at `SHARES` of
    its last event time; the errors read (`rounded_once`) are the targets on all axes, so that times, trials and epochs
    to the same target stand side by side. Where the mean is undefined there is no target.
    """
    declared = [Target(value=float(value), source="suite") for value in results.plan.targets.get(objective, ())]
    return {error: [*_reached(results, objective, error), *declared] for error in ERRORS}


def _reached(results: Results, objective: str, error: str) -> Iterator[Target]:
    axis = results.plan.axis
    control = results.plan.control
    runs = next(runs for label, name, runs in results.cells() if (label, name) == (objective, control))
    curves = results.curves([run for run in runs if run.aggregated], axis)
    end = max((float(one.t[-1]) for one in curves if len(one.t)), default=math.nan)
    errors = values(curves, np.multiply(SHARES, end), error)
    means, _ = mean_and_std(errors)
    for share, mean, reached in zip(SHARES, means, errors.T, strict=True):
        if not math.isnan(mean):
            yield Target(value=rounded_once(float(mean), reached.tolist()), source=f"{control} at {share:.0%}")


def rounded_once(mean: float, errors: Sequence[float]) -> float:
    """The mean of errors without what rounding their sum has added: one of them, or a ratio of whole numbers.

    A mean of 50 errors k/300 is such a ratio too, and often one that runs reach exactly. Sums of rounded errors miss it
    by a digit or two, and whether those runs have reached it would be decided by rounding.
    """
    nearest = min(errors, key=lambda error: abs(error - mean))
    if abs(nearest - mean) <= ROUNDING * abs(Fraction(mean)):
        return nearest
    ratio = Fraction(mean).limit_denominator(LARGEST_DENOMINATOR)
    return float(ratio) if abs(ratio - Fraction(mean)) <= ROUNDING * abs(Fraction(mean)) else mean
