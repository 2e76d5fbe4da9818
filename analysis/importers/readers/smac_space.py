"""Reads the spaces of ConfigSpace from their JSON files, which are alike in all versions."""

from __future__ import annotations

import math
from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from analysis.importers.studies.foreign_files import read_json, require_field, require_object
from benchmark.errors import BadInput

FORBIDDEN = "The space forbids some of its configurations, which is not shown."
UNBOUNDED = "The space is unknown: {name} has no bounds."


def read_space(path: Path) -> tuple[dict[str, dict[str, Any]] | None, tuple[str, ...]]:
    """The axes of a space as `suite.json` writes them, parents first, and sentences on what is not known of it.

    Raises:
        BadInput: no such file, or a damaged one.
    """
    table = require_object(path, read_json(path))
    axes: dict[str, dict[str, Any]] = {}
    for number, entry in enumerate(require_field(path, table, "hyperparameters", list)):
        source = f"{path}: hyperparameters[{number}]"
        name = require_field(source, require_object(source, entry), "name", str)
        axis = _axis(entry)
        if axis is None:
            return None, (UNBOUNDED.format(name=name),)
        axes[name] = axis
    conditions = table.get("conditions") or []
    for condition in conditions:
        _add_condition(path, axes, condition)
    return _parents_first(path, axes), (FORBIDDEN,) if table.get("forbiddens") else ()


def _axis(entry: Mapping[str, Any]) -> dict[str, Any] | None:
    """A hyperparameter as an axis; None for one without bounds."""
    kind = str(entry.get("type"))
    if kind == "constant":
        return {"kind": "categorical", "choices": [entry.get("value")]}
    if kind == "categorical":
        return {"kind": "categorical", "choices": entry.get("choices")}
    if kind == "ordinal":
        choices = entry.get("sequence") or []
        numbers = all(type(choice) in (int, float) for choice in choices)
        return {"kind": "ordinal" if numbers else "categorical", "choices": choices}
    low, high = entry.get("lower"), entry.get("upper")
    if not all(isinstance(bound, int | float) and math.isfinite(bound) for bound in (low, high)):
        return None
    return {"kind": "int" if kind.endswith("int") else "float", "low": low, "high": high, "log": bool(entry.get("log"))}


def _add_condition(path: Path, axes: Mapping[str, dict[str, Any]], condition: Any) -> None:
    """Say when an axis counts: with values of a parent, or else only that it may be absent."""
    child = require_field(f"{path}: conditions", require_object(f"{path}: conditions", condition), "child", str)
    if child not in axes:
        raise BadInput(f"{path}: conditions: {child!r} is no hyperparameter of the space")
    values = {"EQ": [condition.get("value")], "IN": condition.get("values")}.get(str(condition.get("type")))
    parent = condition.get("parent")
    if values is None or parent not in axes or "when" in axes[child] or "optional" in axes[child]:
        axes[child].pop("when", None)
        axes[child]["optional"] = True
    else:
        axes[child]["when"] = {"parent": parent, "values": list(values)}


def _parents_first(path: Path, axes: Mapping[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    parents = {name: {axis["when"]["parent"]} if "when" in axis else set[str]() for name, axis in axes.items()}
    try:
        return {name: axes[name] for name in TopologicalSorter(parents).static_order()}
    except CycleError as error:
        raise BadInput(f"{path}: conditions: {error.args[1]} must not depend on each other in a circle") from error
