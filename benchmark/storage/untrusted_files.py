"""Files that others wrote, taken in with care: regular ones of a sensible size, JSON without loopholes.

Reading a named pipe waits for ever, reading a device never ends, and Python's own JSON takes `NaN`, turns
`1e400` into infinity and lets the last of two equal keys win.
"""

from __future__ import annotations

import json
import math
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

from benchmark.errors import BadInput

DEEPEST = 10
"""Folders below a suite's own that are looked into: a ledger lies four deep, a recheck's five."""


class _NotStrict(ValueError):
    """What JSON has not, or has with no one meaning."""


def read_regular_file(field: str, path: Path, largest: int) -> bytes:
    """The bytes of a regular file.

    Args:
        field: what to call it in a message.
        path: opened without waiting, so that a named pipe is refused instead of read.
        largest: bytes that are read at most.

    Raises:
        BadInput: another kind of file, or too large a one.
        OSError: it cannot be read.
    """
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise BadInput(f"{field} {path}: not a regular file")
    if status.st_size > largest:
        raise BadInput(f"{field} {path}: of {status.st_size} bytes, at most {largest} are read")
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        return file.read(largest)


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


def reject_special_files(option: str, folder: Path) -> None:
    """Refuse a folder with pipes, devices or sockets in it, before any reader of ours waits for one.

    A directory's own entries tell their kind, so that 100 000 ledgers cost no call each.

    Raises:
        BadInput: naming the first of them.
    """
    seen: set[tuple[int, int]] = set()
    below = [(folder, 0)]
    while below:
        here, depth = below.pop()
        try:
            status, entries = here.stat(), sorted(os.scandir(here), key=lambda entry: entry.name)
        except OSError:  # Whoever reads it says so.
            continue
        if (status.st_dev, status.st_ino) in seen or depth > DEEPEST:
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in entries:
            kind = _kind(entry)
            if kind == "special":
                raise BadInput(f"{option}: {entry.path} is a pipe, a device or a socket, need regular files")
            if kind == "folder":
                below.append((Path(entry.path), depth + 1))


def _kind(entry: os.DirEntry[str]) -> str:
    """What an entry is, or leads to; a link that leads nowhere is left to whoever follows it."""
    try:
        if entry.is_file():
            return "file"
        if entry.is_dir():
            return "folder"
        return "special" if Path(entry.path).exists() else "nothing"
    except OSError:  # A circle of links.
        return "nothing"


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
