"""Reads a ledger's records: each line checksummed in a chain with the line before it, each value checked."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, is_finite
from benchmark.storage.ledger_format import FORMAT, REPAIR, Record, decode_body
from benchmark.storage.record_checksum import remove_checksum
from benchmark.storage.suite_json import is_imported

WORTHLESS = ("error", "crashed", "timeout")
PRUNED = "pruned"
"""State of an imported trial that its tool stopped and does not let be its best; what it reported is kept."""
STATES = ("ok", "diverged", *WORTHLESS, PRUNED)
"""States of an evaluation that came to nothing: its errors are null in the ledger, +inf here."""

RESTORE = "restore the file from a copy, or move it away and run the suite again"
"""The remedy for lines that are whole and say what cannot be, which a repair does not find."""

KEEP_WHOLE = f"restore the file, or {REPAIR}"
"""The remedy for damage, as the runner's commands name it."""

LARGEST_WHOLE = 2**63 - 1


def _whole(value: Any) -> bool:
    return type(value) is int and 0 <= value <= LARGEST_WHOLE


def _seconds(value: Any) -> bool:
    return is_finite(value) and value >= 0


def _error(value: Any) -> bool:
    return value is None or is_finite(value)


FIELDS: dict[str, Callable[[Any], bool]] = {
    "index": _whole,
    "trial": _whole,
    "config": lambda value: isinstance(value, dict),
    "start_epoch": _whole,
    "epochs": _whole,
    "state": lambda value: value in STATES,
    "valid_error": _error,
    "test_error": _error,
    "train_seconds": _seconds,
    "decide_seconds": _seconds,
    "start": is_finite,
    "end": is_finite,
}
"""What the analysis needs of an evaluation, and what each value must be; other keys are allowed."""

LATER_FIELDS: dict[str, Callable[[Any], bool]] = {
    "modelled_seconds": lambda value: value is None or _seconds(value),
    "paid_seconds": _seconds,
    "reported_seconds": lambda value: value is None or _seconds(value),
}
"""Likewise for what not every ledger has: the price, what was paid of a shared trial, what the objective reported."""

MAY_BE_UNKNOWN = ("start", "train_seconds", "decide_seconds", "paid_seconds")
"""What another tool need not have recorded: null in the ledgers of imported studies, NaN here."""


def read(path: Path, data: bytes, *, complete: bool) -> list[Record]:
    """The records of a ledger's bytes.

    Args:
        path: named in messages.
        data: the file.
        complete: the file must be whole; otherwise bytes after its last newline are not yet a record.

    Raises:
        BadInput: a damaged line, an unknown format, or a complete file without its header or end.
    """
    records: list[Record] = []
    seen: set[int] = set()
    for offset, record in _lines(path, data, complete=complete):
        problem = _problem(record, records, seen)
        if problem:
            raise damaged(path, len(records) + 1, offset, problem)
        records.append(record)
    if complete:
        _check_end(path, records, len(data))
    return records


def _lines(path: Path, data: bytes, *, complete: bool) -> Iterator[tuple[int, Record]]:
    """Byte offset and record of every whole line, each checked against its checksum."""
    crc = start = number = 0
    while (end := data.find(b"\n", start)) >= 0:
        number += 1
        checked = remove_checksum(data[start:end], crc)
        if checked is None:
            raise damaged(path, number, start, "its checksum does not match", KEEP_WHOLE)
        body, crc = checked
        try:
            yield start, decode_body(body)
        except (ValueError, RecursionError) as error:  # Also a whole number of more digits than Python converts.
            raise damaged(path, number, start, f"it is not JSON ({error})", KEEP_WHOLE) from error
        start = end + 1
    if complete and start < len(data):
        raise damaged(path, number + 1, start, "it is cut short", KEEP_WHOLE)


def _problem(record: Record, before: list[Record], seen: set[int]) -> str | None:
    """What is wrong with a record after the ones before it; None when nothing is."""
    kind = record.get("kind")
    if not before:
        if kind != "header":
            return "the header is missing"
        if record.get("format") != FORMAT:
            return f"format = {record.get('format')!r}, but this version reads {FORMAT} only"
        return None
    if before[-1]["kind"] == "end":
        return "it follows the end of the run"
    if kind == "evaluation":
        return _problem_with_evaluation(record, seen, imported=is_imported(before[0]))
    return None if kind in ("resumed", "failure", "end") else f"kind = {kind!r} is unknown in format {FORMAT}"


def _problem_with_evaluation(record: Record, seen: set[int], *, imported: bool) -> str | None:
    unknown = [name for name in MAY_BE_UNKNOWN if imported and name in record and record[name] is None]
    for name, allowed in FIELDS.items():
        if name not in record:
            return f"{name} is missing"
        if not allowed(record[name]) and name not in unknown:
            return f"{name} = {record[name]!r} is not allowed"
    for name, allowed in LATER_FIELDS.items():
        if name in record and not allowed(record[name]) and name not in unknown:
            return f"{name} = {record[name]!r} is not allowed"
    if record["index"] in seen:
        return f"index = {record['index']} is there twice"
    seen.add(record["index"])
    if record["epochs"] < record["start_epoch"]:
        return f"epochs = {record['epochs']} is less than start_epoch = {record['start_epoch']}"
    if not 0 <= (record["end"] if "start" in unknown else record["start"]) <= record["end"]:
        return f"start = {record['start']!r} and end = {record['end']!r} are out of order"
    if record["state"] == PRUNED:
        return None if imported else f"state = {PRUNED!r} is that of imported studies alone"
    worthless = record["state"] in WORTHLESS
    for name in ("valid_error", "test_error"):
        # Of a result the test error may be unknown: an objective need not have a test set.
        if record[name] is not None if worthless else record[name] is None and name == "valid_error":
            return f"{name} = {record[name]!r} does not go with state = {record['state']!r}"
    return None


def _check_end(path: Path, records: list[Record], size: int) -> None:
    number = len(records) + 1
    if not records:
        raise damaged(path, number, size, "the header is missing", KEEP_WHOLE)
    if records[-1]["kind"] != "end":
        raise damaged(path, number, size, "the end of the run is missing", KEEP_WHOLE)
    count = sum(record["kind"] == "evaluation" for record in records)
    if records[-1].get("evaluations") != count:
        told = f"the end tells of {records[-1].get('evaluations')!r} evaluations, but there are {count}"
        raise damaged(path, len(records), size, told)


def damaged(path: Path, line: int, offset: int, problem: str, remedy: str = RESTORE) -> BadInput:
    """Return the refusal of a ledger, with the place of what is wrong."""
    return BadInput(f"{path}: line {line} (byte {offset}): {problem}; {remedy}")
