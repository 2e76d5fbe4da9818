"""Reads TaskSet's curves: one JSON file a task, 1,000 configurations of Adam with eight hyperparameters, 51 steps.

`beta1` and `beta2` were drawn as 1 - x with x spread evenly on a logarithmic scale, so their axes are x:
`one_minus_beta1` and `one_minus_beta2`. A loss that is NaN ends its curve: the training diverged there and is worth the
median loss of all configurations after their first step, which is what a network without training is worth.

Source: Metz et al., Using a Thousand Optimization Tasks to Learn Hyperparameter Search Strategies, 2020; Apache-2.0.
"""

from __future__ import annotations

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmark.errors import BadInput, one_line, short_repr
from benchmark.storage.untrusted_files import read_limited
from benchmark.tables.new_table import NewTable
from benchmark.tables.table_ends import metrics_with_ends
from objectives.metric import Metric
from objectives.space import Config, Space

VERSION = "2020"
LICENSE = "Apache-2.0"
LARGEST_FILE = 50_000_000
PREFIX = "FixedTextRNNClassification_"
"""What the names of these tasks begin with; left out in the names of tables."""

SPACE = Space(
    {
        "learning_rate": stats.loguniform(1e-8, 1e1),
        "one_minus_beta1": stats.loguniform(1e-4, 1.0),
        "one_minus_beta2": stats.loguniform(1e-6, 1.0),
        "epsilon": stats.loguniform(1e-10, 1e3),
        "l1": stats.loguniform(1e-8, 1e1),
        "l2": stats.loguniform(1e-8, 1e1),
        "linear_decay": stats.loguniform(1e-7, 1e-4),
        "exponential_decay": stats.loguniform(1e-6, 1e-3),
    }
)
"""The ranges that the configurations were drawn from."""

COMPLEMENTS = {"one_minus_beta1": "beta1", "one_minus_beta2": "beta2"}
PARTS = ("train", "valid", "test")


def table_name(path: Path) -> str:
    """The name of the table that a file of TaskSet becomes."""
    return path.stem.removeprefix(PREFIX)


def read_table(path: Path) -> NewTable:
    """Read a task.

    Raises:
        BadInput: no such file, or not curves of TaskSet; the message names the configuration.
    """
    data = read_limited(path, LARGEST_FILE)
    try:
        records = json.loads(data, parse_constant=_parse_constant)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{path}: not JSON ({one_line(error)})") from error
    if not isinstance(records, list) or not records:
        raise BadInput(f"{path}: need a list of configurations with their curves")
    configs = [_config(record, f"{path}: configuration {row}") for row, record in enumerate(records)]
    curves = {part: _curves(records, part, path) for part in PARTS}
    reached, diverged = _find_ends(curves, path)
    chance = float(np.nanmedian(curves["valid"][:, 0]))
    values, test_values = (_cut(curves[part], reached, diverged, chance) for part in ("valid", "test"))
    return NewTable(
        space=SPACE,
        configs=configs,
        metrics=metrics_with_ends((Metric("loss", chance=chance),), {"loss": values}, {"loss": test_values}, reached),
        values={"loss": values},
        test_values={"loss": test_values},
        seconds=None,
        reached=reached,
        diverged=diverged,
        seeds=("0",),
        source=f"TaskSet: {path.name}",
        version=VERSION,
        license=LICENSE,
        source_digest=hashlib.sha256(data).hexdigest(),
    )


def _parse_constant(constant: str) -> float:
    if constant == "NaN":
        return math.nan
    raise BadInput(f"it holds {constant}; of what is no number only NaN is allowed, where a training diverged")


def _config(record: Any, field: str) -> Config:
    """A record's configuration in the table's space."""
    if not isinstance(record, dict) or set(record) != {"hp", *PARTS} or not isinstance(record["hp"], dict):
        raise BadInput(f"{field}: need hp, {', '.join(PARTS)}")
    given = dict(record["hp"])
    for name, complement in COMPLEMENTS.items():
        value = given.pop(complement, None)
        if type(value) is not float:
            raise BadInput(f"{field}: hp.{complement} = {short_repr(value)}: need a number")
        given[name] = 1.0 - value
    try:
        return SPACE.check(given)
    except ValueError as error:
        raise BadInput(f"{field}: hp: {error}") from error


def _curves(records: list[Any], part: str, path: Path) -> np.ndarray:
    """The losses of one part of the data, (C, E)."""
    rows: list[list[float]] = []
    for row, record in enumerate(records):
        curve = record[part].get("loss") if isinstance(record[part], dict) else None
        length = len(rows[0]) if rows else 0
        numbers = isinstance(curve, list) and all(type(value) in (int, float) for value in curve)
        if not numbers or not curve or (rows and len(curve) != length):
            need = f"{length} numbers" if rows else "numbers"
            raise BadInput(f"{path}: configuration {row}: {part}.loss = {short_repr(curve)}: need a list of {need}")
        rows.append(curve)
    return np.array(rows, np.float64)


def _find_ends(curves: dict[str, np.ndarray], path: Path) -> tuple[np.ndarray, np.ndarray]:
    """How many steps are known of each training, and whether it diverged at the last; (C, 1) both."""
    absent = np.isnan(curves["valid"])
    for part, values in curves.items():
        if values.shape != absent.shape or (np.isnan(values) != absent).any():
            raise BadInput(f"{path}: {part}.loss: need NaN exactly where valid.loss has it")
    if (absent[:, :-1] & ~absent[:, 1:]).any():
        row = int(np.nonzero((absent[:, :-1] & ~absent[:, 1:]).any(axis=1))[0][0])
        raise BadInput(
            f"{path}: configuration {row}: valid.loss: a number after NaN, need none: a diverged training has ended"
        )
    diverged = absent.any(axis=1, keepdims=True)
    known = (~absent).sum(axis=1, keepdims=True)
    return np.where(diverged, known + 1, known).astype(np.int64), diverged


def _cut(curves: np.ndarray, reached: np.ndarray, diverged: np.ndarray, chance: float) -> np.ndarray:
    """Curves (C, 1, E) whose last step is chance where the training diverged."""
    cut = curves[:, None, :].copy()
    rows, columns = np.nonzero(diverged)
    cut[rows, columns, reached[rows, columns] - 1] = chance
    return cut
