"""Spaces and metrics as other programs write them in JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from objectives.metric import Metric
from objectives.space import Categorical, Condition, Integer, Ordinal, Space

KEYS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "float": (("low", "high"), ("log",)),
    "int": (("low", "high"), ("log",)),
    "categorical": (("choices",), ()),
    "ordinal": (("choices",), ()),
}
"""Keys of a hyperparameter beside `name`, `kind` and `condition`, by its kind: needed ones, and others."""

METRIC_KEYS = ("goal", "unit", "best", "chance", "reference", "typical", "measured")


def read_space(axes: object) -> Space:
    """Build the space that a list of hyperparameters describes.

    Raises:
        ValueError: naming the hyperparameter and what is wrong with it.
    """
    if not isinstance(axes, list) or not axes:
        raise ValueError(f"space = {axes!r}: need a list of hyperparameters, at least one")
    distributions: dict[str, Any] = {}
    conditions: dict[str, Condition] = {}
    for axis in axes:
        name = _checked_name(axis)
        if name in distributions:
            raise ValueError(f"space: {name!r} is there twice")
        distributions[name] = _distribution(name, axis)
        if axis.get("condition") is not None:
            conditions[name] = _condition(name, axis["condition"])
    return Space(distributions, conditions)


def read_described_space(described: object) -> Space:
    """Build the space that `Space.describe` has described; of other distributions than uniform ones, the range.

    Raises:
        ValueError: naming the hyperparameter and what is wrong with it.
    """
    if not isinstance(described, dict) or not all(isinstance(axis, dict) for axis in described.values()):
        raise ValueError(f"space = {described!r}: need a table of tables, one for each hyperparameter")
    return read_space(
        [
            {"name": name, **{"condition" if key == "when" else key: value for key, value in axis.items()}}
            for name, axis in described.items()
        ]
    )


def read_metrics(described: object) -> tuple[Metric, ...]:
    """Build the metrics that a list describes.

    Raises:
        ValueError: naming the metric and what is wrong with it.
    """
    if not isinstance(described, list) or not described:
        raise ValueError(f"metrics = {described!r}: need a list of metrics, at least one")
    metrics = []
    for metric in described:
        name = _checked_name(metric, "metrics")
        _reject_unknown(f"metrics: {name}", metric, ("name", *METRIC_KEYS))
        metrics.append(Metric(name, **{key: metric[key] for key in METRIC_KEYS if key in metric}))
    return tuple(metrics)


def _checked_name(described: object, field: str = "space") -> str:
    name = described.get("name") if isinstance(described, dict) else None
    if not isinstance(name, str):
        raise ValueError(f"{field}: {described!r}: need an object with a name")
    return name


def _distribution(name: str, axis: Mapping[str, Any]) -> Any:
    kind = axis.get("kind")
    if not isinstance(kind, str) or kind not in KEYS:
        raise ValueError(f"space: {name}: kind = {kind!r}: need one of {', '.join(KEYS)}")
    needed, others = KEYS[kind]
    _reject_unknown(f"space: {name}", axis, ("name", "kind", "condition", *needed, *others))
    missing = [key for key in needed if key not in axis]
    if missing:
        raise ValueError(f"space: {name}: {', '.join(missing)} missing")
    if "choices" in needed:
        return (Categorical if kind == "categorical" else Ordinal)(axis["choices"])
    log = axis.get("log", False)
    if not isinstance(log, bool):
        raise ValueError(f"space: {name}: log = {log!r}: need true or false")
    if kind == "int":
        return Integer(axis["low"], axis["high"], log=log)
    return _float_range(name, axis["low"], axis["high"], log)


def _float_range(name: str, low: Any, high: Any, log: bool) -> Any:
    for bound in (low, high):
        if isinstance(bound, bool) or not isinstance(bound, int | float):
            raise ValueError(f"space: {name}: {bound!r}: need a number")
    if not low < high or (log and low <= 0):
        raise ValueError(f"space: {name}: low = {low!r}, high = {high!r}: need {'0 < ' if log else ''}low < high")
    from scipy import stats  # Lists and refusals import no more than they must.

    return stats.loguniform(low, high) if log else stats.uniform(low, high - low)


def _condition(name: str, condition: Any) -> Condition:
    if not isinstance(condition, dict) or sorted(condition) != ["parent", "values"]:
        raise ValueError(f"space: {name}: condition = {condition!r}: need an object with parent and values")
    if not isinstance(condition["values"], list):
        raise ValueError(f"space: {name}: values = {condition['values']!r}: need a list")
    return Condition(parent=condition["parent"], values=tuple(condition["values"]))


def _reject_unknown(field: str, table: Mapping[str, Any], allowed: tuple[str, ...]) -> None:
    unknown = [key for key in table if key not in allowed]
    if unknown:
        raise ValueError(f"{field}: {', '.join(map(str, unknown))}: unknown, allowed are {', '.join(allowed)}")
