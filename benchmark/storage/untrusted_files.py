"""Reads files that others wrote: up to a size, and JSON without its loopholes.

Python's own JSON takes `NaN`, turns `1e400` into infinity and lets the last of two equal keys win.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any, NoReturn

from benchmark.errors import BadInput


class _NotStrict(ValueError):
    """What JSON has not, or has with no one meaning."""


def read_limited(path: Path, largest: int) -> bytes:
    """The bytes of a file of at most `largest` bytes.

    Raises:
        BadInput: no regular file, too large a one, or one that cannot be read.
    """
    try:
        if not path.is_file():
            raise BadInput(f"{path}: {'not a regular file' if path.exists() else 'there is no such file'}")
        with path.open("rb") as file:
            data = file.read(largest + 1)
    except OSError as error:
        raise BadInput(f"{path}: cannot be read ({error.strerror})") from error
    if len(data) > largest:
        raise BadInput(f"{path}: larger than {largest} bytes")
    return data


def parse_strict_json(text: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises:
        ValueError: no JSON, NaN, an infinity by any spelling, a key twice, or nested too deep to read.
    """
    try:
        value = json.loads(text.decode(), parse_constant=_refuse, parse_float=_finite, object_pairs_hook=_distinct)
    except RecursionError:
        raise _NotStrict("nested too deep") from None
    if b"\\u" in text:  # Half a pair of surrogates is no character, and cannot be written again.
        json.dumps(value, ensure_ascii=False).encode()
    return value


def _refuse(constant: str) -> NoReturn:
    raise _NotStrict(f"it holds {constant}")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise _NotStrict(f"it holds {text[:40]}, which no double holds")
    return value


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise _NotStrict(f"the key {twice[:60]!r} is there twice")
    return table
