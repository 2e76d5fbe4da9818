"""The keys of an objective that say what is to be optimised: its metrics and constraints."""

from __future__ import annotations

from typing import Any

from benchmark.errors import BadInput
from objectives.metric import as_metrics, as_overrides
from objectives.task import as_constraints


def declared_metrics(field: str, declared: Any, *, function: bool) -> Any:
    """Check the metrics that a suite declares for a function, or chooses of another objective's.

    Returns:
        What was declared, in JSON values.

    Raises:
        BadInput: naming the metric and what is allowed.
    """
    if declared is None:
        return None
    try:
        as_metrics(declared) if function else as_overrides(declared)
    except ValueError as error:
        raise BadInput(f"{field}.{error}") from error
    return declared


def declared_constraints(field: str, declared: Any) -> Any:
    """Check the constraints that a suite declares.

    Returns:
        What was declared, in JSON values; None where that is nothing.

    Raises:
        BadInput: naming the metric, its bounds and what is allowed.
    """
    if declared is None:
        return None
    try:
        return declared if as_constraints(declared) else None
    except ValueError as error:
        raise BadInput(f"{field}.{error}") from error
