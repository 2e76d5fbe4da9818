"""Writes the known fronts of a suite's objectives beside its plan, a CSV file each, for indicators that need them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from benchmark.errors import BadInput, one_line
from benchmark.storage.atomic_write import write_if_changed
from objectives.objective import Objective

FOLDER = "fronts"
MOST_POINTS = 1000


def encode_fronts(objectives: Mapping[str, Objective]) -> dict[str, bytes]:
    """Encode the fronts of the multi-objective objectives that know theirs, by label.

    A column for each optimised metric, in its own direction and unit.

    Raises:
        BadInput: one of them is no front of the objective's metrics.
    """
    fronts = {}
    for label, objective in objectives.items():
        points = _front_of(label, objective)
        if points is not None:
            rows = [[metric.name for metric in objective.task.optimised], *(map(repr, row) for row in points.tolist())]
            fronts[label] = "".join(f"{','.join(row)}\n" for row in rows).encode()
    return fronts


def write_fronts(folder: Path, fronts: Mapping[str, bytes]) -> None:
    """Write fronts below a suite's folder; an unchanged file is left alone."""
    for label, data in fronts.items():
        path = folder / FOLDER / f"{label}.csv"
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_if_changed(path, data)
        except OSError as error:
            raise BadInput(f"front {path}: cannot be written ({error.strerror})") from error


def _front_of(label: str, objective: Objective) -> np.ndarray | None:
    """Return the known front, (n, m) float64; None where there is none or only one metric is optimised."""
    task = objective.task
    if not task.is_multi_objective:
        return None
    field = f"objectives.{label}: front"
    try:
        front = objective.front()
        points = None if front is None else np.asarray(front, np.float64)
    except Exception as error:  # A third-party objective may raise anything.
        raise BadInput(f"{field}: {one_line(error)}") from error
    if points is None:
        return None
    columns = len(task.optimised)
    if points.ndim != 2 or points.shape[1] != columns or not 1 <= len(points) <= MOST_POINTS:
        names = ", ".join(metric.name for metric in task.optimised)
        need = f"need 1 to {MOST_POINTS} rows of {columns} numbers: {names}"
        raise BadInput(f"{field} of shape {points.shape}: {need}")
    if not np.isfinite(points).all():
        raise BadInput(f"{field}: it holds numbers that are not finite")
    return points
