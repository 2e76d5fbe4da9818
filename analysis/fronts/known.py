"""Fronts that are known exactly, as a suite's folder holds them: `fronts/OBJECTIVE.csv`, written when it is begun."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmark.errors import BadInput

FOLDER = "fronts"

Array = np.ndarray


def read_known_front(folder: Path, key: str, names: Sequence[str]) -> Array | None:
    """Read the known front of an objective; None where there is none.

    Args:
        folder: the suite's.
        key: the objective's label in the suite.
        names: of the optimised metrics, which the columns are.

    Returns:
        (points, metrics) in each metric's own direction and unit, columns in the order of the names.

    Raises:
        BadInput: no table of finite numbers with these columns.
    """
    path = folder / FOLDER / f"{key}.csv"
    if not path.is_file():
        return None
    remedy = "restore it, or delete it to have no distance to a known front"
    try:
        frame = pd.read_csv(path)
        front = frame[list(names)].to_numpy(dtype=np.float64)
    except (OSError, ValueError, KeyError, pd.errors.ParserError) as error:
        raise BadInput(
            f"{path}: need a table of numbers with the columns {', '.join(names)} ({error}); {remedy}"
        ) from error
    if not len(front) or not np.isfinite(front).all():
        raise BadInput(f"{path}: need one or more rows of finite numbers; {remedy}")
    return front
