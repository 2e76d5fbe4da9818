"""Settings that override a suite's: `--set key.key=value`."""

from __future__ import annotations

import tomllib
from typing import Any

from benchmark.errors import BadInput, short_repr


def override(table: dict[str, Any], setting: str) -> None:
    """Apply one `key.key=value`; a value that is no TOML is taken as a text.

    Raises:
        BadInput: no such form, or a key in something that is no table.
    """
    dotted, sign, text = setting.partition("=")
    keys = dotted.strip().split(".")
    if not sign or not all(keys):
        raise BadInput(f"--set {short_repr(setting)}: need key=value, with dots between nested keys")
    for key in keys[:-1]:
        inner = table.setdefault(key, {})
        if isinstance(inner, str) and key in ("scheduler", "searcher"):  # Short for a table with a name.
            inner = table[key] = {"name": inner}
        if not isinstance(inner, dict):
            raise BadInput(f"--set {short_repr(setting)}: {short_repr(key)} is not a table")
        table = inner
    table[keys[-1]] = _value(text)


def _value(text: str) -> Any:
    """A TOML value, or the text itself when it is none."""
    try:
        table = tomllib.loads(f"value = {text}")
    except (RecursionError, ValueError):
        return text.strip()
    return table["value"] if len(table) == 1 else text.strip()
