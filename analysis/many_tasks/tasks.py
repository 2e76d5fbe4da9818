"""The tasks of a field: every run's improvements over time, and the fixed ends between which regrets lie."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from analysis.statistics.anytime import Array

IMPROVEMENTS = ("objective", "algorithm", "repetition", "runtime", "valid_error", "test_error")
"""Columns of a frame of improvements, in any order: one row for each new incumbent of a run.

Errors are in minimised form. runtime is on the axis of the budget, whatever its unit. A row whose valid_error is
infinite says that the run failed, and has no result after that time, nor at the horizon; one with NaN that it is not
finished. A run without any row has no result, and ranks last.
"""

ENDS = ("objective", "best", "typical", "horizon")
"""Columns of a frame of ends: one row a task, in the order of the tables. best and typical are in minimised form, NaN
where none is declared, and then there are no regrets. horizon is where the budget ends on the axis of the improvements.

It may have two more. typical_seconds: what a typical training costs on that axis; without it the task has no share in
data profiles. endpoint: "test_error" or "valid_error"; without it the test error where any is known.
"""

ENDPOINTS = ("test_error", "valid_error")


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One objective and all runs on it: A algorithms in R repetitions.

    Attributes:
        label: the objective's.
        algorithms: A labels, those of the whole field.
        repetitions: R numbers.
        best, typical: minimised errors with the regret 0 and 1, NaN where unknown.
        horizon: where the budget ends.
        typical_seconds: what a typical training costs on the axis of the budget, NaN where unknown.
        endpoint: the error that is compared, one of `ENDPOINTS`.
        runs: (n,) integers in ascending order: place of the algorithm times R + place of the repetition.
        times: (n,) when each improvement came, ascending within a run.
        errors: (n,) the endpoint of the incumbent from then on, +inf where it is not known.
        ended: (A, R) after when a failed run has no result any more, else +inf.
        finished: (A, R) booleans.
        paired: whether the same repetition of two algorithms is a pair.
    """

    label: str
    algorithms: tuple[str, ...]
    repetitions: tuple[int, ...]
    best: float
    typical: float
    horizon: float
    typical_seconds: float
    endpoint: str
    runs: Array
    times: Array
    errors: Array
    ended: Array
    finished: Array
    paired: bool = True

    @property
    def has_ends(self) -> bool:
        """Whether there are regrets."""
        return self.best < self.typical < math.inf

    def errors_at(self, time: float) -> Array:
        """(A, R) errors of the incumbents at a time: +inf without a result, NaN where the run is not finished."""
        size = self.finished.size
        counts = np.bincount(self.runs[self.times <= time], minlength=size)
        places = np.searchsorted(self.runs, np.arange(size)) + counts - 1
        known = np.append(self.errors, np.inf)[np.where(counts > 0, places, -1)].reshape(self.finished.shape)
        return np.where(self.finished, np.where(time > self.ended, np.inf, known), np.nan)

    def errors_after(self, fraction: float) -> Array:
        """(A, R) errors after a share of the budget, a multiple of 1/1000: 0.7 of 90 trials are 63, not 62.99999."""
        return self.errors_at(float(Fraction(fraction).limit_denominator(1000) * Fraction(self.horizon)))

    @property
    def finals(self) -> Array:
        """(A, R) errors at the horizon."""
        return self.errors_at(self.horizon)

    def regrets(self, errors: Array) -> Array:
        """Normalised regrets, (error - best) / (typical - best); NaN without ends.

        0 is the best there is, 1 what a typical configuration gives. Noise may bring a test error below the best.
        """
        if not self.has_ends:
            return np.full_like(errors, np.nan)
        with np.errstate(over="ignore"):
            return np.asarray((errors - self.best) / (self.typical - self.best))

    def reached(self, regret: float) -> Array:
        """(A, R) when runs first had an incumbent of this regret or less, +inf within the horizon never; NaN as above.

        Raises:
            ValueError: a task without ends.
        """
        if not self.has_ends:
            raise ValueError(f"{self.label} has no ends, and so no regret to reach")
        hits = (self.regrets(self.errors) <= regret) & (self.times <= self.horizon)
        hits &= self.times <= self.ended.ravel()[self.runs]
        first = np.full(self.finished.size, np.inf)
        np.minimum.at(first, self.runs[hits], self.times[hits])
        return np.where(self.finished, first.reshape(self.finished.shape), np.nan)


def read_tasks(
    improvements: pd.DataFrame, ends: pd.DataFrame, algorithms: Sequence[str] | None = None, *, paired: bool = True
) -> list[Task]:
    """Make the tasks of a field; an objective of the ends on which nobody has a row is none.

    The order of rows makes no difference, nor do rows that are no improvements.

    Args:
        improvements: columns `IMPROVEMENTS`.
        ends: columns `ENDS`.
        algorithms: the methods of the field in the order of the tables, also those without any row; None: those that
            have one, in the order of their column's categories, or of the alphabet.
        paired: whether the same repetition of two algorithms is a pair.

    Raises:
        ValueError: a column is missing, an objective is without ends or twice there, or an algorithm is not listed.
    """
    _check(improvements, ends)
    names = _names(improvements["algorithm"])
    algorithms = names if algorithms is None else tuple(algorithms)
    unlisted = [name for name in names if name not in algorithms]
    if unlisted:
        raise ValueError(f"improvements: algorithm {unlisted[0]!r} is not among {', '.join(algorithms)}")
    by_label = dict(iter(improvements.groupby(improvements["objective"].astype(object), sort=False)))
    return [
        replace(_task(by_label[end["objective"]], end, algorithms), paired=paired)
        for end in ends.to_dict("records")
        if end["objective"] in by_label
    ]


def taking_part(tasks: Sequence[Task]) -> Array:
    """(A,) booleans: which algorithms have finished any run; ranks and profiles are of these."""
    return np.any([task.finished.any(axis=1) for task in tasks], axis=0) if tasks else np.empty(0, dtype=bool)


def _check(improvements: pd.DataFrame, ends: pd.DataFrame) -> None:
    for title, frame, columns in (("improvements", improvements, IMPROVEMENTS), ("ends", ends, ENDS)):
        missing = [name for name in columns if name not in frame]
        if missing:
            raise ValueError(f"{title}: no column {', '.join(missing)}: need {', '.join(columns)}")
    known = ends["objective"].tolist()
    if len(set(known)) < len(known):
        raise ValueError(f"ends: {max(known, key=known.count)!r} is there twice")
    endless = ends[~np.isfinite(ends["horizon"].to_numpy(dtype=np.float64))]
    if len(endless):
        raise ValueError(f"ends: horizon of {endless['objective'].iloc[0]!r}: need a finite number")
    unknown = sorted(set(improvements["objective"].astype(object)) - set(known))
    if unknown:
        raise ValueError(f"improvements: objective {unknown[0]!r} is not among the ends")


def _names(column: pd.Series) -> tuple[str, ...]:
    """The labels that occur, in the order of their categories or of the alphabet."""
    used = column.astype("category").cat.remove_unused_categories()
    return tuple(used.cat.categories)


def _task(rows: pd.DataFrame, end: Mapping[Hashable, Any], algorithms: Sequence[str]) -> Task:
    repetitions = np.unique(rows["repetition"].to_numpy())
    frame = _numbered(rows, algorithms, repetitions)
    finished, ended = _run_ends(frame, (len(algorithms), len(repetitions)), float(end["horizon"]))
    kept = _improving(frame[np.isfinite(frame["valid_error"])])
    endpoint = _endpoint(rows, end)
    errors = kept[endpoint].to_numpy()
    return Task(
        label=str(end["objective"]),
        algorithms=tuple(algorithms),
        repetitions=tuple(repetitions.tolist()),
        best=float(end["best"]),
        typical=float(end["typical"]),
        horizon=float(end["horizon"]),
        typical_seconds=float(end.get("typical_seconds", math.nan)),
        endpoint=endpoint,
        runs=kept["run"].to_numpy(),
        times=kept["runtime"].to_numpy(),
        errors=np.where(np.isnan(errors), np.inf, errors),
        ended=ended,
        finished=finished,
    )


def _numbered(rows: pd.DataFrame, algorithms: Sequence[str], repetitions: Array) -> pd.DataFrame:
    """The rows with the number of their run, sorted by it and by time; of equal times the best error comes last."""
    algorithm = pd.Categorical(rows["algorithm"].astype(object), categories=list(algorithms)).codes.astype(np.int64)
    frame = pd.DataFrame(
        {
            "run": algorithm * len(repetitions) + np.searchsorted(repetitions, rows["repetition"].to_numpy()),
            **{name: rows[name].to_numpy(dtype=np.float64) for name in ("runtime", "valid_error", "test_error")},
        }
    )
    return frame.sort_values(["run", "runtime", "valid_error", "test_error"], ascending=[True, True, False, True])


def _run_ends(frame: pd.DataFrame, shape: tuple[int, int], horizon: float) -> tuple[Any, Array]:
    """Whether each run has finished, and when it failed: before the horizon, or never."""
    finished, ended = np.ones(shape, dtype=bool), np.full(shape, np.inf)
    finished.ravel()[frame.loc[frame["valid_error"].isna(), "run"]] = False
    failures = frame[np.isposinf(frame["valid_error"])]
    failed_at = np.minimum(failures["runtime"].to_numpy(), np.nextafter(horizon, -np.inf))
    np.minimum.at(ended.ravel(), failures["run"].to_numpy(), failed_at)
    return finished, ended


def _endpoint(rows: pd.DataFrame, end: Mapping[Hashable, Any]) -> str:
    """The error that a task is judged by: declared, else the test error where there is one."""
    endpoint = end.get("endpoint") or ("test_error" if rows["test_error"].notna().any() else "valid_error")
    if endpoint not in ENDPOINTS:
        raise ValueError(f"ends: endpoint = {endpoint!r} of {end['objective']}: need one of {', '.join(ENDPOINTS)}")
    return str(endpoint)


def _improving(frame: pd.DataFrame) -> pd.DataFrame:
    """Those rows, in order, that improve on all earlier ones of their run."""
    best = frame.groupby("run")["valid_error"].cummin()
    earlier = best.groupby(frame["run"]).shift(fill_value=np.inf)
    return frame[frame["valid_error"] < earlier]
