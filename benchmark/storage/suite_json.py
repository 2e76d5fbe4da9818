"""`suite.json`, the plan that lies in a suite's folder: its format, and the checks that all its readers share."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, one_line, require_choice, require_int, short_repr
from benchmark.storage.untrusted_files import parse_strict_json, read_limited

SUITE_JSON = "suite.json"
"""Name of the file in a suite's folder."""

FORMAT = 1
LARGEST_FILE = 2**26
MOST_REPETITIONS = 1000

LABEL = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
LABEL_RULE = "1 to 64 lower-case letters, digits, '-' and '_', a letter or digit first"
"""Labels become the names of folders: nothing else may be in them."""

CLOCKS = ("measured", "modelled")
ENDPOINTS = ("test_error", "valid_error", "score")

RERUN = "run the suite again to write it anew"


def read_suite_json(folder: Path) -> tuple[bytes, dict[str, Any]]:
    """The bytes and the content of the `suite.json` in a folder.

    Name, number of repetitions, clock and labels are checked; everything else is as it stands there.

    Raises:
        BadInput: unreadable, no JSON, of another format, or with a value that is not allowed.
    """
    path = folder / SUITE_JSON
    data = read_limited(path, LARGEST_FILE)
    try:
        declared = parse_strict_json(data)
    except ValueError as error:
        raise BadInput(f"{path}: not valid JSON ({one_line(error)}); {RERUN}") from error
    if not isinstance(declared, dict):
        raise BadInput(f"{path}: need a JSON object, got {short_repr(declared)}; {RERUN}")
    if declared.get("format") != FORMAT:
        raise BadInput(f"{path}: format {short_repr(declared.get('format'))} is not {FORMAT}, which this version reads")
    try:
        _check(declared)
    except BadInput as error:
        raise BadInput(f"{path}: {error}; {RERUN}") from error
    return data, declared


def entries_by_label(declared: Mapping[str, Any], field: str) -> dict[str, dict[str, Any]]:
    """The objectives or algorithms of a checked `suite.json` by their labels, in its order."""
    return {entry["label"]: entry for entry in declared[field]}


def _check(declared: Mapping[str, Any]) -> None:
    _check_label("name =", declared.get("name"))
    require_int("repetitions", declared.get("repetitions"), 1, MOST_REPETITIONS)
    require_choice("clock", declared.get("clock"), CLOCKS)
    for field in ("objectives", "algorithms"):
        labels = list(_labels(field, declared.get(field)))
        twice = next((label for label in labels if labels.count(label) > 1), None)
        if twice is not None:
            raise BadInput(f"{field}: label {twice!r} is there twice")


def _labels(field: str, entries: object) -> Iterator[str]:
    if not isinstance(entries, list) or not entries:
        raise BadInput(f"{field} = {short_repr(entries)}: need a list of tables, at least one")
    for entry in entries:
        yield _check_label(f"{field}: label", entry.get("label") if isinstance(entry, dict) else None)


def _check_label(field: str, value: object) -> str:
    if not isinstance(value, str) or not LABEL.fullmatch(value):
        raise BadInput(f"{field} {short_repr(value)}: need {LABEL_RULE}")
    return value
