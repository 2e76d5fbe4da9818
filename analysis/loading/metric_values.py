"""What evaluations measured besides the error: their metrics, and whether they meet the constraints."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.loading.plan import Plan
from analysis.loading.records import WORTHLESS
from analysis.statistics.anytime import Array
from benchmark.errors import BadInput, is_finite, short_repr
from benchmark.storage.ledger_format import Record

VALID, TEST = "valid:", "test:"
"""What the columns of a further metric begin with; a colon is in no metric's name that a column has already."""
FEASIBLE, VIOLATION, TEST_VIOLATION, SELECTION = "feasible", "violation", "test_violation", "selection_error"


def last_values(where: str, record: Mapping[str, Any], field: str) -> dict[str, float]:
    """The value of each metric after the last epoch of a record; NaN where it was not measured.

    Args:
        where: names the record in messages.
        record: of an evaluation.
        field: "valid_metrics" or "test_metrics".

    Raises:
        BadInput: metrics that are no lists of numbers.
    """
    given = record.get(field)
    if given is None:
        return {}
    lists = given.values() if isinstance(given, dict) else [None]
    if not all(isinstance(values, list) and all(v is None or is_finite(v) for v in values) for values in lists):
        raise BadInput(
            f"{where}: {field} = {short_repr(given)}: need a list of numbers and null by metric; run that run again"
        )
    return {name: math.nan if not values or values[-1] is None else float(values[-1]) for name, values in given.items()}


def metric_columns(where: str, ordered: Sequence[Record], names: Sequence[str]) -> dict[str, Array]:
    """The columns `valid:NAME` and `test:NAME` of some metrics, in their own direction and unit.

    Of an evaluation that was tested, a metric that is measured on validation alone, as the number of parameters is, is
    the same on the test set. A trial
    that was asked for again without another epoch has the values that it had.

    Args:
        where: names the ledger in messages.
        ordered: records of evaluations in the order of their completion.
        names: of the metrics.

    Returns:
        (n,) each, NaN where a metric was not measured.
    """
    made = {f"{data}{name}": np.full(len(ordered), np.nan) for data in (VALID, TEST) for name in names}
    values_by_trial: dict[int, dict[str, float]] = {}
    for place, record in enumerate(ordered if names else ()):
        if record["state"] in WORTHLESS:
            continue
        given = record.get("valid_metrics")
        if given and (not isinstance(given, dict) or any(given.values())):
            values_by_trial[record["trial"]] = _both(f"{where}, index {record['index']}", record)
        values = values_by_trial.get(record["trial"], {})
        for column, array in made.items():
            array[place] = values.get(column, math.nan)
    return made


def _both(where: str, record: Record) -> dict[str, float]:
    valid, test = (last_values(where, record, f"{data}_metrics") for data in ("valid", "test"))
    tested = {**valid, **test} if test else {}
    return {f"{VALID}{name}": value for name, value in valid.items()} | {
        f"{TEST}{name}": value for name, value in tested.items()
    }


def tracked_columns(names: Sequence[str], ledgers: Sequence[Mapping[str, Array]]) -> dict[str, Array]:
    """The columns of further metrics of all evaluations.

    Args:
        names: of the metrics.
        ledgers: columns of each run's evaluations; those of an objective that does not track a metric lack it.

    Returns:
        (n,) each, NaN where a metric is not tracked.
    """
    return {
        column: np.concatenate([ledger.get(column, np.full(len(ledger["end"]), np.nan)) for ledger in ledgers])
        for name in names
        for column in (f"{VALID}{name}", f"{TEST}{name}")
    }


def with_feasibility(frame: pd.DataFrame, plan: Plan) -> pd.DataFrame:
    """The evaluations with columns on the constraints, where some objective has any.

    violation: the sum of what lies beyond the bounds, each in its metric's unit; inf where a constrained metric was not
    measured, or nothing came of the evaluation. test_violation: likewise on the test set; NaN where that is not known.
    feasible: nothing lies beyond a bound. selection_error: incumbents are chosen by it, +inf of what is not feasible.
    """
    if not any(objective.constraints for objective in plan.objectives):
        return frame
    violation = np.where(frame["state"].isin(WORTHLESS), np.inf, 0.0)
    test_violation = violation.copy()
    for objective in plan.objectives:
        rows = (frame["objective"] == objective.label).to_numpy()
        for constraint in objective.constraints:
            first = constraint.metric == objective.metric.name
            columns = (
                ("valid_error", "test_error")
                if first
                else (f"{VALID}{constraint.metric}", f"{TEST}{constraint.metric}")
            )
            for total, column in zip((violation, test_violation), columns, strict=True):
                values = frame[column].to_numpy(dtype=np.float64)[rows]
                total[rows] += constraint.violations(objective.metric.own(values) if first else values)
    violation = np.where(np.isnan(violation), np.inf, violation)
    feasible = violation == 0.0
    selection = np.where(feasible, frame["valid_error"], np.inf)
    return frame.assign(
        violation=violation, test_violation=test_violation, feasible=feasible, selection_error=selection
    )


def shown_columns(frame: pd.DataFrame) -> list[str]:
    """The columns on further metrics and constraints that the table of trials shows; none in most suites."""
    return [name for name in map(str, frame) if name.startswith((VALID, TEST)) or name in (VIOLATION, FEASIBLE)]
