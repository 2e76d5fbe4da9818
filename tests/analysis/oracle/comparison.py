"""Holds a table of the project against rows of the oracle."""

from __future__ import annotations

import json
import math
from fractions import Fraction

import pandas as pd

from tests.analysis.oracle.exact import as_float


def assert_same_rows(frame, rows, *, told="", digits=9, size=0.0):
    """The same rows in the same order: texts and counts exactly, numbers to so many digits, undefined ones blank.

    Args:
        frame: the table.
        rows: what it has to hold.
        told: where, for the message.
        digits: of a number.
        size: of the errors of which these are differences, whose rounding is relative to it.
    """
    rows = list(rows)
    assert len(frame) == len(rows), told
    for column in frame.columns:
        wanted = [row.get(column) for row in rows]
        tolerance = 1e-13 * max((abs(number) for number in map(as_number, wanted) if math.isfinite(number)), default=0)
        tolerance = max(tolerance, 1e-15 * size)
        for place, (ours, theirs) in enumerate(zip(frame[column].tolist(), wanted, strict=True)):
            assert same(ours, theirs, 10.0**-digits, tolerance), (
                f"{told}, row {place}, {column}: {ours!r} is not {readable(theirs)}; {readable_row(rows[place])}"
            )
    unknown = {name for row in rows for name in row} - set(frame.columns)
    assert not unknown, f"{told}: no column {unknown}"


def same(ours, theirs, relative, tolerance):
    """Whether a cell holds what is wanted."""
    if theirs is None:
        return ours is None or ours is pd.NA or ours == "" or ours != ours
    if isinstance(theirs, dict):
        return json.loads(ours) == {
            name: as_float(value) if isinstance(value, Fraction) else value for name, value in theirs.items()
        }
    if isinstance(theirs, (str, bool)):
        return ours == theirs
    wanted = as_float(theirs)
    if isinstance(ours, str) or math.isinf(wanted) or math.isnan(float(ours)):
        return ours == wanted
    return math.isclose(ours, wanted, rel_tol=relative, abs_tol=tolerance)


def as_number(value):
    """A number, or NaN for what is none."""
    return as_float(value) if isinstance(value, (int, float, Fraction)) else math.nan


def readable(value):
    """A fraction as a double."""
    return repr(as_float(value)) if isinstance(value, Fraction) else repr(value)


def readable_row(row):
    """What tells which row it is."""
    return ", ".join(f"{name} = {readable(value)}" for name, value in list(row.items())[:8])
