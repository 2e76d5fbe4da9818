"""The first format of tables, which only harvested ones have; it is read, and no longer written."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmark.errors import short_repr
from benchmark.tables.table import ListedMembers, Table, typical_seconds
from objectives.metric import Metric

KINDS = {
    "valid": np.float64,
    "test": np.float64,
    "seconds": np.float64,
    "reached": np.int64,
    "diverged": np.bool_,
    "repetitions": np.int64,
}
"""Type of each array; anything else, or the other order of bytes, is refused: nothing is converted."""

ARRAYS = tuple(KINDS)
OF_METRICS = ("metrics", "test_metrics")
OPTIONAL = (*OF_METRICS, "reported")
"""Arrays of float64 that a file holds only where its objective has such values; those of metrics have an axis more."""

HEADER = {"suite_seed": int, "objective": dict, "data": dict, "environment": dict, "configs": list}


def describe_problem(header: Any, arrays: Mapping[str, np.ndarray]) -> str | None:
    """Return what is wrong with a file's parts, or None."""
    return (
        _problem_of_header(header)
        or _problem_of_arrays(len(header["configs"]), arrays)
        or _problem_of_values(arrays, unmeasured=header.get("unmeasured") is True)
        or _problem_of_metrics(header, arrays)
    )


def build_table(header: dict[str, Any], arrays: Mapping[str, np.ndarray], digest: str) -> Table:
    """Build the table of a checked file."""
    named = {name: number for number, name in enumerate(header.get("metrics", []))}
    metrics, tests = arrays.get("metrics"), arrays.get("test_metrics")
    held = {} if tests is None else {name: tests[..., i] for name, i in named.items()}
    return Table(
        digest=digest,
        members=ListedMembers(tuple(header["configs"])),
        seeds=tuple(map(str, arrays["repetitions"].tolist())),
        metrics=tuple(map(Metric, named)),
        declared=metrics is not None,
        valid=arrays["valid"],
        test=arrays["test"],
        values={} if metrics is None else {name: metrics[..., i] for name, i in named.items()},
        test_values={name: values for name, values in held.items() if not np.isnan(values).all()},
        seconds=arrays["seconds"],
        reported=arrays.get("reported"),
        reached=arrays["reached"],
        diverged=arrays["diverged"],
        unmeasured=header.get("unmeasured") is True,
        timed=True,
        typical_seconds=typical_seconds(arrays["seconds"], arrays["reached"], arrays["diverged"]),
        origin={},
        harvest={name: header[name] for name in ("suite_seed", "objective", "data", "environment")},
        repetitions=arrays["repetitions"],
    )


def _problem_of_header(header: Any) -> str | None:
    for name, kind in HEADER.items():
        if name not in header:
            return f"{name} is missing"
        if not isinstance(header[name], kind) or isinstance(header[name], bool):
            return f"{name} = {short_repr(header[name])}: need a value of type {kind.__name__}"
    if not isinstance(header["objective"].get("part"), dict):
        return f"objective = {short_repr(header['objective'])}: need a table with a part"
    for config in header["configs"]:
        if not isinstance(config, dict) or not all(
            isinstance(value, bool | int | float | str | None) for value in config.values()
        ):
            return f"configs hold {short_repr(config)}: need tables of numbers, texts, truth values and nulls"
    if len({tuple(config.items()) for config in header["configs"]}) != len(header["configs"]):
        return "configs hold one of them twice"
    return None


def _problem_of_arrays(configs: int, arrays: Mapping[str, np.ndarray]) -> str | None:
    wrong = [name for name, kind in KINDS.items() if arrays[name].dtype != kind]
    if wrong:
        return f"{wrong[0]} of type {arrays[wrong[0]].dtype}, need {np.dtype(KINDS[wrong[0]])}"
    valid = arrays["valid"]
    cell = (configs, arrays["repetitions"].size)
    if valid.ndim != 3 or valid.shape[:2] != cell or 0 in valid.shape:
        return f"errors of shape {valid.shape} for {cell[0]} configurations and {cell[1]} repetitions"
    shapes = {"test": valid.shape, "seconds": valid.shape, "reached": cell, "diverged": cell, "repetitions": cell[1:]}
    wrong = [name for name, shape in shapes.items() if arrays[name].shape != shape]
    if wrong:
        return f"{wrong[0]} of shape {arrays[wrong[0]].shape}, need {shapes[wrong[0]]}"
    return None


def _problem_of_metrics(header: Any, arrays: Mapping[str, np.ndarray]) -> str | None:
    """Return what is wrong with the arrays that not every table has, or None."""
    names = header.get("metrics", [])
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        return f"metrics = {short_repr(names)}: need a list of names"
    shapes = {name: arrays["valid"].shape + ((len(names),) if name in OF_METRICS else ()) for name in OPTIONAL}
    for name in OPTIONAL:
        if name in arrays and (arrays[name].dtype != np.float64 or arrays[name].shape != shapes[name]):
            found = f"{arrays[name].dtype} {arrays[name].shape}"
            return f"{name} of type and shape {found}, need float64 {shapes[name]}"
        if name in arrays and np.isinf(arrays[name]).any():
            return f"{name} holds values that are not finite"
    return None


def _problem_of_values(arrays: Mapping[str, np.ndarray], *, unmeasured: bool) -> str | None:
    reached, repetitions, epochs = arrays["reached"], arrays["repetitions"], arrays["valid"].shape[2]
    if reached.min() < 0 or reached.max() > epochs:
        return "it counts more epochs than it holds"
    if repetitions.min() < 0 or len(set(repetitions.tolist())) != repetitions.size:
        return f"repetitions = {short_repr(repetitions.tolist())}: need different numbers >= 0"
    known = np.arange(epochs) < reached[..., None]
    held = arrays["valid"][known]
    if np.isinf(arrays["test"][known]).any() or np.isinf(held).any() or (np.isnan(held).any() and not unmeasured):
        return "it holds errors that are not finite"
    seconds = arrays["seconds"][known]
    if not (np.isfinite(seconds) & (seconds >= 0)).all():
        return "it holds seconds that are not finite or less than 0"
    return None
