"""The format of ledgers: lines of JSON, each with a checksum that continues the line before it."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.reproducibility import canonical_json


def read_header(path: Path) -> Record | None:
    """The first record of a ledger that another shard may be writing; None where there is none yet."""
    try:
        with path.open("rb") as file:
            line = file.readline(LARGEST_RECORD + 100)
    except FileNotFoundError:
        return None
    decoded = decode_record(line[:-1], 0) if line.endswith(b"\n") else None
    return None if decoded is None else decoded[0]


def count_evaluations(path: Path) -> int:
    """How many evaluations an unfinished run has on disk."""
    try:
        records = parse_ledger(path, partial_path(path).read_bytes()).records
    except (OSError, LedgerError):
        return 0
    return len(evaluations_of(records))


FORMAT = 1


LARGEST_RECORD = 1_000_000


REPAIR = "keep what is whole of it by `python -m benchmark repair SUITE`"


Record = dict[str, Any]


class LedgerError(Exception):
    """A ledger that cannot be read, written or continued; the message names file and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a ledger file holds: whole records, the last checksum, where the good bytes end, and what follows."""

    records: list[Record]
    crc: int
    good: int
    torn: bytes


def encode_record(record: Record, previous_crc: int) -> tuple[bytes, int]:
    """The record's line, newline included, and its checksum.

    Raises:
        LedgerError: a record of more than a megabyte, or one that JSON cannot hold (a NaN).
    """
    try:
        body = canonical_json.encode(record)
    except (ValueError, TypeError, RecursionError) as error:
        raise LedgerError(f"record cannot be written as JSON ({error})") from error
    if len(body) > LARGEST_RECORD:
        raise LedgerError(f"record of {len(body)} bytes: at most {LARGEST_RECORD} are allowed")
    crc = zlib.crc32(body, previous_crc)
    return body[:-1] + b',"crc":"%08x"}\n' % crc, crc


def decode_record(line: bytes, previous_crc: int) -> tuple[Record, int] | None:
    """The record of a line without its newline and the line's checksum, or None when damaged.

    A line with a right checksum and no record in it, which only a forger writes, is damaged too.
    """
    head, mark, tail = line.rpartition(b',"crc":"')
    if not mark or len(tail) != 10 or not tail.endswith(b'"}'):
        return None
    crc = zlib.crc32(head + b"}", previous_crc)
    if tail[:8] != b"%08x" % crc:
        return None
    try:
        record = canonical_json.decode(head + b"}")
    except (ValueError, RecursionError):
        return None
    return (record, crc) if isinstance(record, dict) else None


def parse_ledger(path: Path, data: bytes) -> Contents:
    """Read a ledger's bytes; what follows the last newline is torn, not yet a record.

    Raises:
        LedgerError: a damaged line, or a format that this version does not know.
    """
    contents = whole_records(data)
    records = contents.records
    if b"\n" in contents.torn:
        place = f"line {len(records) + 1} (byte {contents.good})"
        raise LedgerError(f"{path}: {place} is damaged; restore the file, or {REPAIR}")
    if records and (records[0].get("kind") != "header" or records[0].get("format") != FORMAT):
        raise LedgerError(f"{path}: format {records[0].get('format')!r} is not {FORMAT}, which this version reads")
    return contents


def whole_records(data: bytes) -> Contents:
    """The whole records at the beginning of a ledger's bytes; from the first line on that is none, all is torn.

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
        LedgerError: as `parse`, a file that cannot be opened, or a complete one that does not end so.
    """
    try:
        contents = parse_ledger(path, path.read_bytes())
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read ({error.strerror})") from error
    if path.suffix == ".jsonl" and (contents.torn or not has_ended(contents.records)):
        raise LedgerError(f"{path}: cut short at byte {contents.good}; restore the file, or {REPAIR}")
    return contents


def has_ended(records: Sequence[Record]) -> bool:
    """Whether these are all records of a run that is complete."""
    return bool(records) and records[-1]["kind"] == "end"


def evaluations_of(records: Sequence[Record]) -> list[Record]:
    """The evaluations among a run's records."""
    return [record for record in records if record["kind"] == "evaluation"]


def partial_path(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def failed_path(path: Path) -> Path:
    return path.with_name(path.name + ".failed")
