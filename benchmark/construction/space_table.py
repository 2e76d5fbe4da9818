"""Spaces that are written in a suite: one table for each hyperparameter, with the name of its distribution."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from scipy import stats

from benchmark.errors import BadInput, nearest_match, reject_unknown_keys, short_repr
from objectives.space import Categorical, Condition, Integer, Ordinal, Space


def parse_space(field: str, table: Mapping[str, Any]) -> Space:
    """Parse a space such as `learning_rate = { loguniform = [1e-4, 1] }`.

    Raises:
        BadInput: naming the hyperparameter, its value and what is allowed.
    """
    conditions = {}
    distributions = {}
    for name, value in table.items():
        distributions[name] = _distribution(f"{field}.{name}", value)
        if isinstance(value, Mapping) and "when" in value:
            conditions[name] = _condition(f"{field}.{name}.when", value["when"])
    try:
        return Space(distributions, conditions)
    except ValueError as error:
        raise BadInput(f"{field}: {error}") from error


def _distribution(field: str, value: Any) -> Any:
    """A list is a choice; a table names a distribution and its arguments."""
    table = {"choice": value} if isinstance(value, list) else value
    if not isinstance(table, Mapping):
        raise BadInput(f"{field} = {short_repr(value)}: need a list of choices, or {_FORMS}")
    kinds = [key for key in table if key in _KINDS]
    if len(kinds) != 1:
        others = [key for key in table if key not in ("when", "log")]
        hint = nearest_match(others[0], _KINDS) if others and not kinds else ""
        raise BadInput(f"{field} = {short_repr(dict(table))}: need one of {', '.join(_KINDS)}{hint}, as {_FORMS}")
    kind = kinds[0]
    reject_unknown_keys(field, table, (kind, "when", *(("log",) if kind == "integer" else ())))
    if not isinstance(table.get("log", False), bool):
        raise BadInput(f"{field}.log = {short_repr(table['log'])}: need true or false")
    arguments = table[kind]
    if not isinstance(arguments, list) or (kind in _RANGES and not _is_range(arguments)):
        need = "two numbers, low and high" if kind in _RANGES else "a list of values"
        raise BadInput(f"{field}.{kind} = {short_repr(arguments)}: need {need}")
    try:
        return _KINDS[kind](arguments, bool(table.get("log")))
    except ValueError as error:
        raise BadInput(f"{field}: {error}") from error


def _condition(field: str, value: Any) -> Condition:
    if not isinstance(value, Mapping) or len(value) != 1 or not isinstance(next(iter(value.values())), list):
        raise BadInput(f"{field} = {short_repr(value)}: need {{ parent = [values for which it counts] }}")
    ((parent, values),) = value.items()
    return Condition(parent=parent, values=tuple(values))


def _is_range(arguments: list[Any]) -> bool:
    return len(arguments) == 2 and all(isinstance(x, int | float) and not isinstance(x, bool) for x in arguments)


def _uniform(bounds: list[Any], log: bool) -> Any:
    low, high = bounds
    if not low < high:
        raise ValueError(f"uniform = {bounds}: need low < high")
    return stats.uniform(low, high - low)


def _loguniform(bounds: list[Any], log: bool) -> Any:
    low, high = bounds
    if not 0 < low < high:
        raise ValueError(f"loguniform = {bounds}: a logarithmic scale needs 0 < low < high")
    return stats.loguniform(low, high)


_RANGES = ("uniform", "loguniform", "integer")
_KINDS: dict[str, Callable[[list[Any], bool], Any]] = {
    "uniform": _uniform,
    "loguniform": _loguniform,
    "integer": lambda bounds, log: Integer(*bounds, log=log),
    "choice": lambda values, log: Categorical(values),
    "ordinal": lambda values, log: Ordinal(values),
}
_FORMS = "{ uniform = [low, high] }, { integer = [low, high], log = true } or { choice = [...] }"
