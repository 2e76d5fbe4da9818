"""`suite.json`, the plan that lies in a suite's folder: its format, and the checks that all its readers share."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, one_line, require_choice, require_int, short_repr
from benchmark.storage.untrusted_files import parse_strict_json, read_limited

SUITE_JSON = "suite.json"
"""Name of the file in a suite's folder."""
FOLDER_LOCK = ".lock"
"""Name of the file beside it that a process locks while it works on the suite."""

FORMAT = 1
LARGEST_FILE = 2**26
MOST_REPETITIONS = 1000

NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")
NAME_RULE = "1 to 64 lower-case letters, digits, '-' and '_', a letter or digit first"
"""Names of suites, and of their folders."""
LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
LABEL_RULE = "1 to 64 letters without accents, digits, '-' and '_', a letter or digit first"
"""Labels become the names of folders: nothing else may be in them."""
LONGEST_NAME = 64
NAME_TO_DISPLAY_RULE = (
    f"1 to {LONGEST_NAME} printable characters, no space at either end, and none of = + - @ first, "
    "with which formulas of spreadsheets begin"
)

CLOCKS = ("measured", "modelled", "tabulated")
RECORDED = "recorded"
"""The clock of studies that were imported from other tools: whatever each of these recorded."""
IMPORTED = "imported"
"""The section that such a `suite.json`, and the header of each of its ledgers, has besides."""
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


def is_imported(declared: Mapping[str, Any]) -> bool:
    """Return whether a `suite.json`, or the header of a ledger, is of studies that another tool recorded."""
    return isinstance(declared.get(IMPORTED), dict)


def refuse_imported(folder: Path, verb: str) -> None:
    """Refuse to train, replay or price again what another tool recorded.

    Args:
        folder: of a suite's results, which need not be there.
        verb: what was asked for.

    Raises:
        BadInput: the folder holds imported studies.
    """
    try:
        there = (folder / SUITE_JSON).is_file()
    except OSError:  # A name that is too long, a folder that nobody may open: refused where the folder is checked.
        return
    if there and is_imported(read_suite_json(folder)[1]):
        raise BadInput(
            f"{folder}: its runs were imported from another tool, and nothing here can train them: there is no {verb} "
            "of them; give another suite, or another --results"
        )


def check_labels(field: str, labels: Collection[str]) -> None:
    """Refuse labels that are the same, or the same folder where a file system does not tell case apart."""
    first: dict[str, str] = {}
    for label in labels:
        other = first.setdefault(label.lower(), label)
        if other != label:
            raise BadInput(f"{field}: labels {other!r} and {label!r} differ in case alone: use names of two folders")
    twice = next((label for label in labels if list(labels).count(label) > 1), None)
    if twice is not None:
        raise BadInput(f"{field}: label {twice!r} is there twice")


def check_display_name(field: str, value: object) -> str:
    """A name that is shown instead of a label.

    Raises:
        BadInput: no such text, one that could not be seen, or a formula.
    """
    fits = isinstance(value, str) and 1 <= len(value) <= LONGEST_NAME and value.isprintable() and value == value.strip()
    if not isinstance(value, str) or not fits or value[0] in "=+-@":
        raise BadInput(f"{field} = {short_repr(value)}: need {NAME_TO_DISPLAY_RULE}")
    return value


def check_distinct_names(field: str, names: Mapping[str, str]) -> None:
    """Refuse two labels that are shown by one name, be it the other's label."""
    first: dict[str, str] = {}
    for label, name in names.items():
        other = first.setdefault(name, label)
        if other != label:
            raise BadInput(f"{field}.{label}.label = {name!r}: {field}.{other} is shown by this name too, use another")


def display_names(field: str, entries: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """The names by which the entries of a `suite.json` are shown: their labels where none is declared.

    Raises:
        BadInput: a name that is not allowed, or one of two entries.
    """
    names = {
        label: check_display_name(f"{field}.{label}.display_name", entry["display_name"])
        if entry.get("display_name") is not None
        else label
        for label, entry in entries.items()
    }
    check_distinct_names(field, names)
    return names


def entries_by_label(declared: Mapping[str, Any], field: str) -> dict[str, dict[str, Any]]:
    """The objectives or algorithms of a checked `suite.json` by their labels, in its order."""
    return {entry["label"]: entry for entry in declared[field]}


def _check(declared: Mapping[str, Any]) -> None:
    name = declared.get("name")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise BadInput(f"name = {short_repr(name)}: need {NAME_RULE}")
    require_int("repetitions", declared.get("repetitions"), 1, MOST_REPETITIONS)
    require_choice("clock", declared.get("clock"), (*CLOCKS, *([RECORDED] if is_imported(declared) else [])))
    for field in ("objectives", "algorithms"):
        check_labels(field, list(_labels(field, declared.get(field))))


def _labels(field: str, entries: object) -> Iterator[str]:
    if not isinstance(entries, list) or not entries:
        raise BadInput(f"{field} = {short_repr(entries)}: need a list of tables, at least one")
    for entry in entries:
        yield _check_label(f"{field}: label", entry.get("label") if isinstance(entry, dict) else None)


def _check_label(field: str, value: object) -> str:
    if not isinstance(value, str) or not LABEL.fullmatch(value):
        raise BadInput(f"{field} {short_repr(value)}: need {LABEL_RULE}")
    return value
