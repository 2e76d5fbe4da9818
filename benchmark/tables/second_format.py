"""The second format of tables, which says all of itself: its header and arrays, and the checks that refuse others.

Nothing of a file is converted or believed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from benchmark.errors import short_repr
from benchmark.tables.new_table import NewTable
from benchmark.tables.table import Table, typical_seconds
from objectives.external.wire_space import read_described_space, read_metrics
from objectives.finite.finite_space import LARGEST_EXACT, FiniteSpace, encode_members
from objectives.metric import Metric, check_metrics, is_classic

FORMAT = 2
KINDS = {"values": np.float64, "reached": np.int64, "diverged": np.bool_}
OPTIONAL = ("test_values", "seconds", "reported", "codes")
"""Arrays of float64 that not every table has: test values, seconds, and the configurations of a pool.

`values` and `test_values` have an axis of metrics before those of configurations, seeds and epochs.
"""

ORIGIN = ("source", "version", "license", "source_digest")
HEADER = ("format", "space", "metrics", "test_metrics", "seeds", "typical_seconds", "unmeasured", *ORIGIN)
HARVEST = {"suite_seed": int, "objective": dict, "data": dict, "environment": dict, "repetitions": list}
DIGEST = re.compile(r"[0-9a-f]{64}")
LONGEST_TEXT = 300


def describe_table(new: NewTable) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Return header and arrays of a new table.

    Raises:
        ValueError: configurations that the space does not hold, or values that are not there by every metric.
    """
    metrics = check_metrics(new.metrics)
    names = [metric.name for metric in metrics]
    tested = [name for name in names if name in new.test_values]
    unknown = [name for name in (*new.values, *new.test_values) if name not in names]
    if unknown or set(new.values) != set(names):
        raise ValueError(f"values of {[*new.values, *new.test_values]}: need those of the metrics {names}")
    space, codes = _space_of(new)
    arrays: dict[str, np.ndarray] = {"values": np.stack([np.asarray(new.values[name], np.float64) for name in names])}
    arrays |= {"reached": np.asarray(new.reached, np.int64), "diverged": np.asarray(new.diverged, np.bool_)}
    if tested:
        arrays["test_values"] = np.stack([np.asarray(new.test_values[name], np.float64) for name in tested])
    optional = {"seconds": new.seconds, "reported": new.reported, "codes": codes}
    arrays |= {name: np.asarray(array, np.float64) for name, array in optional.items() if array is not None}
    header = {
        "format": FORMAT,
        "space": space,
        "metrics": [metric.describe() for metric in metrics],
        "test_metrics": tested,
        "seeds": list(new.seeds),
        "typical_seconds": _typical(arrays, unmeasured=new.unmeasured),
        "unmeasured": new.unmeasured,
        **{name: getattr(new, name) for name in ORIGIN},
        **({} if new.harvest is None else {"harvest": dict(new.harvest)}),
    }
    return header, arrays


def _space_of(new: NewTable) -> tuple[dict[str, Any], np.ndarray | None]:
    """The description of a table's space, and the codes of a pool."""
    if new.configs is None:
        FiniteSpace({name: new.space[name] for name in new.space}, new.space.conditions)  # Refuses what is no grid.
        return new.space.describe(), None
    configs = [new.space.check(config) for config in new.configs]
    for name, axis in new.space.axes.items():
        if axis.kind == "int" and any(abs(config.get(name, 0)) > LARGEST_EXACT for config in configs):
            raise ValueError(f"configs hold a value of {name} beyond 2**53, which no table holds")
    return new.space.describe(), encode_members(new.space, configs)


def _typical(arrays: Mapping[str, np.ndarray], *, unmeasured: bool) -> float | None:
    epochs = arrays["values"].shape[3] if arrays["values"].ndim == 4 else 1
    charged = arrays.get("reported", arrays.get("seconds"))
    if charged is None:
        return float(epochs)
    fits = charged.ndim == 3 and charged.shape[:2] == arrays["reached"].shape == arrays["diverged"].shape
    if not fits:
        return None
    if unmeasured:  # What stands in an epoch is the cost of a training of its own that ends there.
        charged = np.where(np.arange(epochs) == epochs - 1, charged, 0.0)
    return typical_seconds(charged, arrays["reached"], arrays["diverged"])


def describe_problem(header: Any, arrays: Mapping[str, np.ndarray]) -> str | None:
    """Return what is wrong with a file's header and arrays, or None."""
    problem = _problem_of_header(header) or _problem_of_harvest(header)
    if problem:
        return problem
    try:
        metrics = check_metrics(read_metrics(header["metrics"]))
        space = _read_space(header["space"], arrays.get("codes"))
    except ValueError as error:
        return str(error)
    if not set(header["test_metrics"]) <= {metric.name for metric in metrics}:
        return f"test_metrics = {short_repr(header['test_metrics'])}: need names of metrics"
    return _problem_of_arrays(header, arrays, len(metrics), space.size) or _problem_of_values(header, arrays)


def _problem_of_header(header: Any) -> str | None:
    if not isinstance(header, dict):
        return f"header = {short_repr(header)}: need a table"
    if set(header) - {"harvest"} != set(HEADER):
        return f"header of {', '.join(map(str, sorted(header)))}: need {', '.join(HEADER)}"
    for name in ("seeds", "test_metrics"):
        texts = header[name]
        if not isinstance(texts, list) or not all(isinstance(x, str) for x in texts) or len(set(texts)) < len(texts):
            return f"{name} = {short_repr(texts)}: need a list of distinct texts"
    if not header["seeds"]:
        return "seeds = []: need one at least"
    typical = header["typical_seconds"]
    if typical is not None and (isinstance(typical, bool) or not isinstance(typical, int | float) or typical < 0):
        return f"typical_seconds = {short_repr(typical)}: need a number >= 0, or null"
    if not isinstance(header["unmeasured"], bool):
        return f"unmeasured = {short_repr(header['unmeasured'])}: need true or false"
    for name in ORIGIN:
        if not isinstance(header[name], str) or not header[name] or len(header[name]) > LONGEST_TEXT:
            return f"{name} = {short_repr(header[name])}: need a text of 1 to {LONGEST_TEXT} characters"
    if not DIGEST.fullmatch(header["source_digest"]):
        return f"source_digest = {short_repr(header['source_digest'])}: need 64 hexadecimal digits"
    return None


def _problem_of_harvest(header: Mapping[str, Any]) -> str | None:
    if "harvest" not in header:
        return None
    harvest = header["harvest"]
    if not isinstance(harvest, dict) or not set(HARVEST) <= set(harvest):
        return f"harvest = {short_repr(harvest)}: need a table of {', '.join(HARVEST)}"
    for name, kind in HARVEST.items():
        if not isinstance(harvest[name], kind) or isinstance(harvest[name], bool):
            return f"harvest.{name} = {short_repr(harvest[name])}: need a value of type {kind.__name__}"
    if not isinstance(harvest["objective"].get("part"), dict):
        return f"harvest.objective = {short_repr(harvest['objective'])}: need a table with a part"
    numbers = harvest["repetitions"]
    whole = all(isinstance(number, int) and not isinstance(number, bool) and 0 <= number < 2**31 for number in numbers)
    if not whole or len(set(numbers)) != len(header["seeds"]) or len(numbers) != len(header["seeds"]):
        return f"harvest.repetitions = {short_repr(numbers)}: need a number >= 0 for every seed, all different"
    return None


def _problem_of_arrays(
    header: Mapping[str, Any], arrays: Mapping[str, np.ndarray], metrics: int, configs: int
) -> str | None:
    kinds = {**KINDS, **{name: np.float64 for name in OPTIONAL if name in arrays}}
    wrong = next((name for name, kind in kinds.items() if arrays[name].dtype != kind), None)
    if wrong is not None:
        return f"{wrong} of type {arrays[wrong].dtype}, need {np.dtype(kinds[wrong])}"
    values, cell = arrays["values"], (configs, len(header["seeds"]))
    if values.ndim != 4 or values.shape[:3] != (metrics, *cell) or 0 in values.shape:
        return f"values of shape {values.shape} for {metrics} metrics, {cell[0]} configurations and {cell[1]} seeds"
    tests = len(header["test_metrics"])
    if (tests > 0) != ("test_values" in arrays):
        return f"test_metrics = {header['test_metrics']}: need test_values of each of them, and of no other"
    curve = values.shape[1:]
    shapes = {"test_values": (tests, *curve), "seconds": curve, "reported": curve, "reached": cell, "diverged": cell}
    wrong = next((name for name, shape in shapes.items() if name in arrays and arrays[name].shape != shape), None)
    return None if wrong is None else f"{wrong} of shape {arrays[wrong].shape}, need {shapes[wrong]}"


def _problem_of_values(header: Mapping[str, Any], arrays: Mapping[str, np.ndarray]) -> str | None:
    reached, diverged, epochs = arrays["reached"], arrays["diverged"], arrays["values"].shape[3]
    if reached.min() < 0 or reached.max() > epochs:
        return "reached counts more epochs than it holds"
    if (diverged & (reached == 0)).any():
        return "diverged says so of a training that is not there"
    for name in ("values", "test_values"):
        if name in arrays and np.isinf(arrays[name]).any():
            return f"{name} hold some that are infinite; leave out by NaN what is unknown"
    last = np.arange(epochs) == reached[..., None] - 1
    needed = last if header["unmeasured"] else np.arange(epochs) < reached[..., None]
    if np.isnan(arrays["values"][0][needed & ~(last & diverged[..., None])]).any():
        return f"values of {header['metrics'][0]['name']} hold NaN in an epoch that is said to be reached"
    known = np.arange(epochs) < reached[..., None]
    for name in ("seconds", "reported"):
        if name in arrays and not (np.isfinite(arrays[name][known]) & (arrays[name][known] >= 0)).all():
            return f"{name} hold some that are not finite or less than 0"
    return None


def _read_space(described: object, codes: np.ndarray | None) -> FiniteSpace:
    space = read_described_space(described)
    if codes is not None and codes.dtype != np.float64:
        raise ValueError(f"codes of type {codes.dtype}, need float64")
    return FiniteSpace({name: space[name] for name in space}, space.conditions, codes)


def build_table(header: dict[str, Any], arrays: Mapping[str, np.ndarray], digest: str) -> Table:
    """Build the table of a checked file."""
    metrics = read_metrics(header["metrics"])
    names = [metric.name for metric in metrics]
    values = dict(zip(names, arrays["values"], strict=True))
    tests = dict(zip(header["test_metrics"], arrays.get("test_values", ()), strict=True))
    curve = arrays["values"].shape[1:]
    harvest = header.get("harvest")
    return Table(
        digest=digest,
        members=_read_space(header["space"], arrays.get("codes")),
        seeds=tuple(header["seeds"]),
        metrics=metrics,
        declared=not is_classic(metrics),
        valid=_errors(metrics[0], values[names[0]]),
        test=_errors(metrics[0], tests[names[0]]) if names[0] in tests else np.broadcast_to(np.nan, curve),
        values=values,
        test_values=tests,
        seconds=arrays["seconds"] if "seconds" in arrays else np.broadcast_to(1.0, curve),
        reported=arrays.get("reported"),
        reached=arrays["reached"],
        diverged=arrays["diverged"],
        unmeasured=header["unmeasured"],
        timed="seconds" in arrays,
        typical_seconds=header["typical_seconds"],
        origin={name: header[name] for name in ORIGIN},
        harvest=harvest,
        repetitions=np.array(harvest["repetitions"] if harvest else range(len(header["seeds"])), np.int64),
    )


def _errors(metric: Metric, values: np.ndarray) -> np.ndarray:
    return values if metric.goal == "min" else 0.0 - values
