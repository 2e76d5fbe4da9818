"""Reads and encodes ledgers: lines of JSON records, each with a checksum (`record_checksum.py`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import shell_command
from benchmark.reproducibility import canonical_json
from benchmark.storage.record_checksum import add_checksum, remove_checksum

FORMAT = 1
LARGEST_RECORD = 1_000_000
REPAIR = f"keep what is whole of it by `{shell_command('benchmark', 'repair', 'SUITE')}`"

Record = dict[str, Any]


class LedgerError(Exception):
    """A ledger that cannot be read, written or continued; the message names file and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The contents of a ledger: whole records, their last checksum, where they end, and the torn bytes after them."""

    records: list[Record]
    crc: int
    good: int
    torn: bytes


def encode_record(record: Record, previous_crc: int) -> tuple[bytes, int]:
    """Return the record's line, newline included, and its checksum.

    Raises:
        LedgerError: a record of more than a megabyte, or one that JSON cannot hold (a NaN).
    """
    try:
        body = canonical_json.encode(record)
    except (ValueError, TypeError, RecursionError) as error:
        raise LedgerError(f"record cannot be written as JSON ({error})") from error
    if len(body) > LARGEST_RECORD:
        raise LedgerError(f"record of {len(body)} bytes: at most {LARGEST_RECORD} are allowed")
    return add_checksum(body, previous_crc)


def decode_record(line: bytes, previous_crc: int) -> tuple[Record, int] | None:
    """Return the record of a line without its newline and the line's checksum, or None when damaged.

    A line with a right checksum and no record in it, which only a forger writes, is damaged too.
    """
    checked = remove_checksum(line, previous_crc)
    if checked is None:
        return None
    body, crc = checked
    try:
        return decode_body(body), crc
    except (ValueError, RecursionError):
        return None


def decode_body(body: bytes) -> Record:
    """Return the record in a line's JSON.

    Raises:
        ValueError, RecursionError: it is no JSON, or holds no record.
    """
    record = canonical_json.decode(body)
    if not isinstance(record, dict):
        raise ValueError("it holds no record")
    return record


def parse_ledger(path: Path, data: bytes) -> Contents:
    """Read a ledger's bytes; what follows the last newline is torn, not yet a record.

    Raises:
        LedgerError: a damaged line, or a format that this version does not know.
    """
    contents = whole_records(data)
    records = contents.records
    if b"\n" in contents.torn:
        line = f"line {len(records) + 1} (byte {contents.good})"
        raise LedgerError(f"{path}: {line} is damaged; restore the file, or {REPAIR}")
    if records and (records[0].get("kind") != "header" or records[0].get("format") != FORMAT):
        raise LedgerError(f"{path}: format {records[0].get('format')!r} is not {FORMAT}, which this version reads")
    return contents


def whole_records(data: bytes) -> Contents:
    """Return the whole records at the beginning of a ledger's bytes; all is torn from the first damaged line on.

    So is what follows the end of the run.
    """
    records: list[Record] = []
    crc = good = 0
    while (end := data.find(b"\n", good)) >= 0:
        decoded = decode_record(data[good:end], crc)
        if decoded is None or "kind" not in decoded[0] or has_ended(records):
            break
        record, crc = decoded
        records.append(record)
        good = end + 1
    return Contents(records=records, crc=crc, good=good, torn=data[good:])


def read_ledger(path: Path) -> Contents:
    """Read a ledger file. A complete file must end with its end record.

    Raises:
        LedgerError: as `parse_ledger`, a file that cannot be opened, or a complete one that does not end so.
    """
    try:
        contents = parse_ledger(path, path.read_bytes())
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read ({error.strerror})") from error
    if path.suffix == ".jsonl" and (contents.torn or not has_ended(contents.records)):
        raise LedgerError(f"{path}: cut short at byte {contents.good}; restore the file, or {REPAIR}")
    return contents


def read_header(path: Path) -> Record | None:
    """Read the first record of a ledger that another shard may be writing; None where there is none yet."""
    try:
        with path.open("rb") as file:
            line = file.readline(LARGEST_RECORD + 100)
    except FileNotFoundError:
        return None
    decoded = decode_record(line[:-1], 0) if line.endswith(b"\n") else None
    return None if decoded is None else decoded[0]


def count_evaluations(path: Path) -> int:
    """Count the evaluations that an unfinished run has on disk; it may begin with those of a complete ledger."""
    for candidate in (partial_path(path), path):
        try:
            return len(evaluations_of(parse_ledger(candidate, candidate.read_bytes()).records))
        except (OSError, LedgerError):
            continue
    return 0


def has_ended(records: Sequence[Record]) -> bool:
    """Return whether these are all records of a run that is complete."""
    return bool(records) and records[-1]["kind"] == "end"


def evaluations_of(records: Sequence[Record]) -> list[Record]:
    """Return the evaluations among a run's records."""
    return [record for record in records if record["kind"] == "evaluation"]


def partial_path(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def failed_path(path: Path) -> Path:
    return path.with_name(path.name + ".failed")
