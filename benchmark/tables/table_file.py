"""The file of a table: one archive without pickles, written whole and read with suspicion."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.errors import BadInput, one_line, shell_command, short_repr
from benchmark.storage.atomic_write import write_atomically
from benchmark.storage.untrusted_files import parse_strict_json, read_limited
from benchmark.tables import first_format, second_format
from benchmark.tables.new_table import NewTable
from benchmark.tables.table import Table

DAMAGE = (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, zlib.error, RuntimeError, MemoryError)
"""What reading raises; RuntimeError of an archive that says it is encrypted, MemoryError of an endless array."""

LARGEST_FILE = 2_000_000_000
LARGEST_UNPACKED = 8_000_000_000
"""Bytes; a table of 10 000 configurations, 100 seeds and 100 epochs unpacks to 2.4 billion."""

MEMBERS = {
    1: (first_format.ARRAYS, first_format.OPTIONAL),
    2: (tuple(second_format.KINDS), second_format.OPTIONAL),
}
"""Arrays of a file by its format: those that must be there, and those that may."""

FORMATS = {1: first_format, 2: second_format}


def write_table(path: Path, new: NewTable) -> Table:
    """Write a table's file, atomically, and read it back; the same table gives the same bytes.

    Raises:
        BadInput: something of the table is wrong; nothing is written.
    """
    try:
        header, arrays = second_format.describe_table(new)
    except ValueError as error:
        raise BadInput(f"table {path}: {error}") from error
    problem = second_format.describe_problem(header, arrays)
    if problem:
        raise BadInput(f"table {path}: {problem}")
    buffer = io.BytesIO()
    text = json.dumps(header, separators=(",", ":"), allow_nan=False)
    held: dict[str, Any] = {"header": np.frombuffer(text.encode(), np.uint8), **arrays}
    np.savez_compressed(buffer, **held)
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, buffer.getvalue())
    return load_table(path)


def load_table(path: Path) -> Table:
    """Read a table; in a process the same file is read once.

    Raises:
        BadInput: no such file, or not a table.
    """
    try:
        status = path.stat()
    except OSError as error:
        raise BadInput(
            f"table {path}: cannot be read ({error.strerror}); "
            f"make it by `{shell_command('benchmark', 'harvest', 'SUITE')}`"
        ) from error
    return _load(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=16)
def _load(path: Path, modified: int, size: int) -> Table:
    try:
        data = read_limited(path, LARGEST_FILE)
        header, arrays = _unpack(data)
    except BadInput:
        raise
    except DAMAGE as error:
        raise BadInput(f"table {path}: not a table ({one_line(error)})") from error
    form = FORMATS[header["format"]]
    problem = form.describe_problem(header, arrays)
    if problem:
        raise BadInput(f"table {path}: {problem}")
    table: Table = form.build_table(header, arrays, hashlib.sha256(data).hexdigest())
    return table


def _unpack(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Unpack a table's file, if it is an archive of the expected members and not larger than it may be.

    Sizes are the archive's own word, and the reader stops there: a file that unpacks a thousandfold is
    refused before it is unpacked, and an array that claims to be larger than its member when it is read.
    """
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(member.file_size for member in archive.infolist())
        names = [member.filename for member in archive.infolist()]
    if unpacked > LARGEST_UNPACKED:
        raise ValueError(f"it unpacks to {unpacked} bytes, at most {LARGEST_UNPACKED} are read")
    if "header.npy" not in names:
        raise ValueError(f"it holds {', '.join(map(repr, sorted(names)[:8]))}, need header.npy")
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        header = parse_strict_json(file["header"].tobytes())
        number = header.get("format") if isinstance(header, dict) else None
        if isinstance(number, bool) or number not in FORMATS:
            raise ValueError(f"format = {short_repr(number)}, need {' or '.join(map(str, FORMATS))}")
        needed, optional = MEMBERS[number]
        expected = [f"{name}.npy" for name in ("header", *needed)]
        allowed = [f"{name}.npy" for name in optional]
        if sorted(name for name in names if name not in allowed) != sorted(expected):
            raise ValueError(f"it holds {', '.join(map(repr, sorted(names)[:8]))}, need {', '.join(expected)}")
        return header, {name: file[name] for name in (*needed, *optional) if name in file}
