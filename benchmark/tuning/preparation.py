"""Prepares an objective: loads its data and warms it up, so that no trial is charged for it."""

from __future__ import annotations

from benchmark.errors import BadInput, one_line
from benchmark.reproducibility.environment import deterministic_arithmetic
from objectives.objective import Machine, Objective
from objectives.training.data import DataError


def prepare_objective(label: str, objective: Objective, machine: Machine) -> dict[str, str]:
    """Prepare an objective; return its data's checksums by name.

    Raises:
        DataError: a data set that cannot be found, fetched or trusted.
        BadInput: anything else that the objective raises.
    """
    try:
        with deterministic_arithmetic(machine.device):
            return objective.prepare(machine)
    except DataError:
        raise
    except Exception as error:  # A third-party objective may raise anything.
        raise BadInput(f"objectives.{label}: cannot be prepared ({one_line(error)})") from error
