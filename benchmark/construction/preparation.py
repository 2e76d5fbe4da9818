"""Checks an objective's description and prepares it: loads its data and warms it up, so that no trial is charged."""

from __future__ import annotations

import math

from benchmark.errors import BadInput, one_line, require_int, short_repr
from benchmark.reproducibility.environment import deterministic_arithmetic
from objectives.metric import check_metrics
from objectives.objective import Machine, Objective, checked_default
from objectives.space import Space
from objectives.task import Task
from objectives.training.data_error import DataError


def prepare_objective(label: str, objective: Objective, machine: Machine) -> dict[str, str]:
    """Prepare an objective; return its data's checksums by name.

    Raises:
        DataError: a data set that cannot be found, fetched or trusted.
        BadInput: anything else that the objective raises.
    """
    if objective.tabulated:
        return objective.prepare(machine)
    try:
        with deterministic_arithmetic(machine.device):
            return objective.prepare(machine)
    except DataError:
        raise
    except Exception as error:  # A third-party objective may raise anything.
        raise BadInput(f"objectives.{label}: cannot be prepared ({one_line(error)})") from error


def check_description(field: str, objective: Objective) -> None:
    """Refuse an objective whose own description makes no sense."""
    space: object = objective.space
    if not isinstance(space, Space):
        raise BadInput(f"{field}: space = {short_repr(space)}: need an objectives.space.Space")
    require_int(f"{field}: max_epochs", objective.max_epochs, 1, 10**9)
    _check_scale(field, objective)
    try:
        Task(check_metrics(objective.metrics), tuple(objective.constraints))
    except ValueError as error:
        raise BadInput(f"{field}: {error}") from error
    checked_default(objective)


def _check_scale(field: str, objective: Objective) -> None:
    """Refuse a scale of errors that is none; an objective may declare half of it, or nothing."""
    chance, best = objective.chance_error, objective.best_error
    if chance is not None and not math.isfinite(chance):
        raise BadInput(f"{field}: chance_error = {chance}: need a finite number")
    if best is not None and not -math.inf < best < (math.inf if chance is None else chance):
        raise BadInput(f"{field}: best_error = {best}: need a finite number below chance_error")
