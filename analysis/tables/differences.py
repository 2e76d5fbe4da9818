"""The tables of differences and claims: who is ahead of whom, and from when to when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import pandas as pd

from analysis.loading.plan import Plan
from analysis.loading.results import AXES, Results
from analysis.statistics.anytime import Curve
from analysis.statistics.bands import ERRORS, thinned
from analysis.statistics.bootstrap import LEVEL
from analysis.statistics.difference import OF_HYPERVOLUMES, Difference, claims, difference
from analysis.statistics.unpaired import unpaired_difference

DIFFERENCES = ("objective", "axis", "error", "a", "b", "t", "n", "n_pairs", "mean", "lo", "hi")
"""Columns of `differences.csv`: mean of the error of a less that of b over the repetitions in which both are complete
or failed (n_pairs; n: both defined at t); negative where a is ahead. lo and hi are a 95 % band for all t at once.
Rows: see `analysis.statistics.bands.thinned`."""

CLAIMS = ("objective", "axis", "error", "a", "b", "better", "start", "end")
"""Columns of `claims.csv`: the stretches over which the band excludes 0, from start until before end (the last event
where the band ends); better is the label of a or b."""

ALL_PAIRS = 6
"""Up to this many algorithms each is compared with each, with more only with the control."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """The difference of two algorithms on an objective, an axis and an error.

    Attributes:
        n: repetitions in which the runs of both are complete or failed; where these are no pairs, the runs of that of
            the two that has fewer.
    """

    objective: str
    axis: str
    error: str
    a: str
    b: str
    n: int
    curve: Difference


def pairs(plan: Plan) -> list[tuple[str, str]]:
    """Whom to compare with whom, in the order of the plan; the control always comes second."""
    both = combinations(plan.algorithms, 2)
    turned = [(b, a) if a == plan.control else (a, b) for a, b in both]
    return [pair for pair in turned if len(plan.algorithms) <= ALL_PAIRS or plan.control in pair]


def compared(results: Results) -> list[Pair]:
    """All differences of a suite: what both tables are made of."""
    level = OF_HYPERVOLUMES if results.so_far else LEVEL
    make = difference if results.plan.paired else unpaired_difference
    return [
        Pair(
            objective=objective,
            axis=axis,
            error=error,
            a=a,
            b=b,
            n=min(len(ours), len(theirs)),
            curve=make(ours, theirs, error, level),
        )
        for objective, axis, a, b, ours, theirs in paired(results)
        for error in ERRORS
    ]


def paired(results: Results) -> Iterator[tuple[str, str, str, str, list[Curve], list[Curve]]]:
    """Every (objective, axis, a, b) with the curves of both in the repetitions that they have in common.

    Where repetitions are no pairs these are the curves of all runs that are complete or failed.
    """
    runs = {(objective, algorithm): runs for objective, algorithm, runs in results.cells()}
    for objective in results.plan.objectives:
        for axis in AXES:
            for a, b in pairs(results.plan):
                sides = runs[objective.label, a], runs[objective.label, b]
                there = [[run for run in side if run.aggregated] for side in sides]
                if results.plan.paired:
                    both = [run.repetition for run in there[0]]
                    there[1] = [run for run in there[1] if run.repetition in both]
                    both = [run.repetition for run in there[1]]
                    there[0] = [run for run in there[0] if run.repetition in both]
                if not all(there):
                    there = [[], []]  # Nothing to compare: no curve of either.
                ours, theirs = (results.curves(side, axis) for side in there)
                yield objective.label, axis, a, b, ours, theirs


def differences_table(found: Sequence[Pair]) -> pd.DataFrame:
    """The difference curves with their bands, one row a time; no row for pairs that are never both defined."""
    parts = [_rows(pair) for pair in found]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=list(DIFFERENCES))


def claims_table(found: Sequence[Pair]) -> pd.DataFrame:
    """Who is better from when to when, one row a stretch."""
    rows = [
        (pair.objective, pair.axis, pair.error, pair.a, pair.b, getattr(pair, claim.better), claim.start, claim.end)
        for pair in found
        for claim in claims(pair.curve)
    ]
    return pd.DataFrame(rows, columns=list(CLAIMS))


def _rows(pair: Pair) -> pd.DataFrame:
    places = thinned(pair.curve.t)
    numbers = {name: getattr(pair.curve, name)[places] for name in ("t", "n", "mean", "lo", "hi")}
    names = {name: getattr(pair, name) for name in ("objective", "axis", "error", "a", "b")}
    return pd.DataFrame(numbers).assign(**names, n_pairs=pair.n)[list(DIFFERENCES)]
