"""The one space that holds the configurations of many trials, each of which had its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Axis = Mapping[str, Any]
Space = Mapping[str, Axis]


def joined_space(spaces: Sequence[Space]) -> dict[str, Axis] | None:
    """Join spaces into the least one that holds them all; None where that is none of ours.

    Bounds become the widest ones, choices those of all. An axis that some space lacks is optional: under which
    condition it counts is not known. None without any axis, and where an axis is of numbers in one space and of
    choices in another.

    Args:
        spaces: an axis by hyperparameter each, as `suite.json` writes it.
    """
    joined: dict[str, Axis] = {}
    times: dict[str, int] = {}
    for space in spaces:
        for name, axis in space.items():
            times[name] = times.get(name, 0) + 1
            both = axis if name not in joined else _joined_axis(joined[name], axis)
            if both is None:
                return None
            joined[name] = both
    optional = {name for name, count in times.items() if count < len(spaces)}
    return {name: _optional(axis) if name in optional else axis for name, axis in joined.items()} or None


def _optional(axis: Axis) -> Axis:
    return {key: value for key, value in axis.items() if key != "when"} | {"optional": True}


def _joined_axis(one: Axis, other: Axis) -> Axis | None:
    if one == other:
        return one
    optional = {"optional": True} if one != other and {"when", "optional"} & {*one, *other} else {}
    if "choices" in one and "choices" in other:
        choices = [*one["choices"], *(choice for choice in other["choices"] if not _holds(one["choices"], choice))]
        numbers = all(type(choice) in (int, float) for choice in choices)
        kind = "ordinal" if one["kind"] == other["kind"] == "ordinal" and numbers else "categorical"
        return {"kind": kind, "choices": sorted(choices) if kind == "ordinal" else choices, **optional}
    if "choices" in one or "choices" in other:
        return None
    return {
        "kind": "int" if one["kind"] == other["kind"] == "int" else "float",
        "low": min(one["low"], other["low"]),
        "high": max(one["high"], other["high"]),
        "log": one.get("log") is True and other.get("log") is True,
        **optional,
    }


def _holds(choices: Sequence[Any], choice: Any) -> bool:
    """Whether a choice is there; 1, 1.0 and true are three."""
    return any(type(other) is type(choice) and other == choice for other in choices)
