"""Reads files that other tools wrote: JSON as Python's own writer makes it, lines of JSON, and folders of studies.

Python writes `NaN` and `Infinity` into its JSON, which metrics of failed trials are; so they are read here. Nothing is
ever unpickled: a pickle can run any code.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, one_line, short_repr
from benchmark.storage.untrusted_files import read_limited

LARGEST = 2**29
"""Bytes of the largest file that is read."""
PICKLE = b"\x80"
"""What every pickle of protocol 2 or above begins with."""
MOST_LOOKED_AT = 50


def read_text(path: Path) -> str:
    """The text of a file in UTF-8.

    Raises:
        BadInput: none that can be read, too large, a pickle, or not in UTF-8.
    """
    data = read_limited(path, LARGEST)
    if data.startswith(PICKLE):
        raise BadInput(f"{path}: a pickle, which is never read because it can run any code; give a file in JSON")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadInput(f"{path}: not a text in UTF-8 ({one_line(error)})") from error


def read_json(path: Path) -> Any:
    """The value of a JSON file.

    Raises:
        BadInput: no JSON, or no file that can be read.
    """
    return parse_json(read_text(path), str(path))


def parse_json(text: str, source: str) -> Any:
    """The value of a JSON text.

    Args:
        text: to parse.
        source: what it was read from, for messages.

    Raises:
        BadInput: no JSON.
    """
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadInput(f"{source}: damaged, or not JSON ({one_line(error)})") from error


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file of one JSON object a line, without a last line that is still being written.

    Raises:
        BadInput: another line that is no JSON object.
    """
    lines = read_text(path).split("\n")
    complete, rest = lines[:-1], lines[-1]
    rows = [_parse_line(path, number, line) for number, line in enumerate(complete, 1) if line.strip()]
    try:
        last = json.loads(rest) if rest.strip() else None
    except (ValueError, RecursionError):
        last = None
    return [*rows, last] if isinstance(last, dict) else rows


def _parse_line(path: Path, number: int, line: str) -> dict[str, Any]:
    row = parse_json(line, f"{path}, line {number}")
    if not isinstance(row, dict):
        raise BadInput(f"{path}, line {number}: need a JSON object, got {short_repr(row)}")
    return row


def require_object(source: object, value: Any) -> dict[str, Any]:
    """`value` when it is a JSON object.

    Raises:
        BadInput: it is not.
    """
    if not isinstance(value, dict):
        raise BadInput(f"{source}: need a JSON object, got {short_repr(value)}")
    return value


def require_field(source: object, table: Mapping[str, Any], field: str, kind: type | tuple[type, ...]) -> Any:
    """The value of a field, when it is of a kind.

    Raises:
        BadInput: the field is missing, or of another kind.
    """
    if field not in table:
        raise BadInput(f"{source}: lacks the field {field}")
    if not isinstance(table[field], kind) or (isinstance(table[field], bool) and kind is not bool):
        raise BadInput(f"{source}: {field} = {short_repr(table[field])}: not of the kind that this tool writes")
    return table[field]


def require_number(source: object, field: str, value: Any) -> float:
    """A metric's value as a float; NaN and infinities are allowed, null is NaN.

    Raises:
        BadInput: no number.
    """
    if value is None:
        return math.nan
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise BadInput(f"{source}: {field} = {short_repr(value)}: need a number")
    try:
        return float(value)
    except OverflowError as error:
        raise BadInput(f"{source}: {field}: an integer that no double holds") from error


def require_time(source: object, field: str, value: Any) -> float:
    """A reading of a clock, which is finite.

    Raises:
        BadInput: none, or no finite number.
    """
    number = require_number(source, field, value)
    if not math.isfinite(number):
        raise BadInput(f"{source}: {field} = {short_repr(value)}: need a finite number of seconds")
    return number


def studies_below(root: Path, folders: Iterator[Path]) -> list[tuple[str, Path]]:
    """Names and folders of studies, sorted, without those that lie inside of another study.

    Args:
        root: what the user named; a study's name is its path below it, or its own name where it is the study.
        folders: that look like studies.
    """
    kept: list[Path] = []
    for folder in sorted(set(folders), key=lambda folder: (len(folder.parts), folder)):
        if not any(parent in kept for parent in folder.parents):
            kept.append(folder)
    return sorted((study_name(root, folder), folder) for folder in kept)


def study_name(root: Path, path: Path) -> str:
    """The path of a study below the root, without a file's ending; its own name where it is the root."""
    if path == root:
        return path.resolve().stem if path.is_file() else path.resolve().name
    below = path.relative_to(root)
    return (below.with_suffix("") if path.is_file() else below).as_posix()


def files_below(root: Path, endings: tuple[str, ...]) -> list[Path]:
    """The root itself where it is a file, else the files below it whose names have one of the endings, sorted."""
    return sorted(_files_below(root, endings))


def first_files_below(root: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    """At most `MOST_LOOKED_AT` of the files that `files_below` lists, for a look at what a folder holds."""
    return islice(_files_below(root, endings), MOST_LOOKED_AT)


def _files_below(root: Path, endings: tuple[str, ...]) -> Iterator[Path]:
    if not root.is_dir():
        yield root
    for folder, names in folders_below(root):
        yield from (Path(folder, name) for name in names if name.endswith(endings))


def folders_below(root: Path) -> Iterator[tuple[str, list[str]]]:
    """A folder and all below it, each with the names of its files; experiments have ten thousands of them."""
    return ((folder, names) for folder, _, names in os.walk(root))


def refuse_pickle(path: Path, remedy: str) -> None:
    """Refuse a pickle, which can run any code when it is read.

    Args:
        path: of a file.
        remedy: how to write what can be read.

    Raises:
        BadInput: the file begins as pickles do.
    """
    with path.open("rb") as file:
        if file.read(1) == PICKLE:
            raise BadInput(f"{path}: a pickle, which is never read because it can run any code; {remedy}")
