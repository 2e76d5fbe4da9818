"""The keys of a suite that make an objective of a function."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmark.errors import BadInput, require_int, short_repr
from benchmark.suite.model import FunctionEntry
from benchmark.suite.part_import import split_dotted_path

KEYS = ("function", "space", "default", "max_epochs", "test")
MOST_EPOCHS = 10**9
NEED_PATH = 'need a dotted path "module:name"'


def split_function(field: str, entry: Mapping[str, Any]) -> tuple[str | None, FunctionEntry | None, dict[str, Any]]:
    """Split an objective's table into a function's name, what belongs to it, and options.

    Returns:
        None and None, and the whole table, where it names no function.

    Raises:
        BadInput: a value that is not allowed, or a function without a space.
    """
    if "function" not in entry:
        return None, None, dict(entry)
    if "name" in entry:
        raise BadInput(f"{field}: it has a name and a function; leave one of them out, {field}.label is what is shown")
    if "space" not in entry:
        need = 'a dotted path (space = "module:config_space"), or a table of distributions'
        raise BadInput(f"{field}.space: missing; say which hyperparameters the function has, by {need}")
    space, default = entry["space"], entry.get("default")
    if not isinstance(space, Mapping):
        _path(f"{field}.space", space)
    if default is not None and not isinstance(default, Mapping):
        _path(f"{field}.default", default)
    epochs = entry.get("max_epochs")
    function = FunctionEntry(
        space=space,
        default=default,
        max_epochs=None if epochs is None else require_int(f"{field}.max_epochs", epochs, 1, MOST_EPOCHS),
        test=None if entry.get("test") is None else _path(f"{field}.test", entry["test"]),
    )
    options = {key: value for key, value in entry.items() if key not in KEYS}
    return _path(f"{field}.function", entry["function"]), function, options


def _path(field: str, value: object) -> str:
    if not isinstance(value, str) or not all(split_dotted_path(value)) or len(value) > 300:
        raise BadInput(f"{field} = {short_repr(value)}: {NEED_PATH}")
    return value
