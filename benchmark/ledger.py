"""The ledger: one append-only JSONL file per run, one writer, every line checksummed and fsynced.

A line is a JSON object whose last key `crc` is the CRC-32 of the line before that key, continued from
the line before it, so that a changed, lost or exchanged line is found. `<name>.jsonl` is complete;
`<name>.jsonl.part` is not yet; `<name>.jsonl.failed` belongs to an algorithm that raised.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from benchmark import notation

FORMAT = 1
LARGEST_RECORD = 1_000_000

REPAIR = "keep what is whole of it by `python -m benchmark repair SUITE`"

Record = dict[str, Any]

LOCK_PAUSES = (0.05, 0.1, 0.2, 0.4)
"""Seconds between tries to lock a file: the worker of a killed driver holds it until it notices."""


class LedgerError(Exception):
    """A ledger that cannot be read, written or continued; the message names file and remedy."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """What a ledger file holds: whole records, the last checksum, where the good bytes end, and what follows."""

    records: list[Record]
    crc: int
    good: int
    torn: bytes


def encode(record: Record, previous_crc: int) -> tuple[bytes, int]:
    """The record's line, newline included, and its checksum.

    Raises:
        LedgerError: a record of more than a megabyte, or one that JSON cannot hold (a NaN).
    """
    try:
        body = notation.encode(record)
    except (ValueError, TypeError, RecursionError) as error:
        raise LedgerError(f"record cannot be written as JSON ({error})") from error
    if len(body) > LARGEST_RECORD:
        raise LedgerError(f"record of {len(body)} bytes: at most {LARGEST_RECORD} are allowed")
    crc = zlib.crc32(body, previous_crc)
    return body[:-1] + b',"crc":"%08x"}\n' % crc, crc


def decode(line: bytes, previous_crc: int) -> tuple[Record, int] | None:
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
        record = notation.decode(head + b"}")
    except (ValueError, RecursionError):
        return None
    return (record, crc) if isinstance(record, dict) else None


def parse(path: Path, data: bytes) -> Contents:
    """Read a ledger's bytes; what follows the last newline is torn, not yet a record.

    Raises:
        LedgerError: a damaged line, or a format that this version does not know.
    """
    contents = intact(data)
    records = contents.records
    if b"\n" in contents.torn:
        place = f"line {len(records) + 1} (byte {contents.good})"
        raise LedgerError(f"{path}: {place} is damaged; restore the file, or {REPAIR}")
    if records and (records[0].get("kind") != "header" or records[0].get("format") != FORMAT):
        raise LedgerError(f"{path}: format {records[0].get('format')!r} is not {FORMAT}, which this version reads")
    return contents


def intact(data: bytes) -> Contents:
    """The whole records at the beginning of a ledger's bytes; from the first line on that is none, all is torn.

    So is what follows the end of the run.
    """
    records: list[Record] = []
    crc = good = 0
    while (end := data.find(b"\n", good)) >= 0:
        decoded = decode(data[good:end], crc)
        if decoded is None or "kind" not in decoded[0] or ends(records):
            break
        record, crc = decoded
        records.append(record)
        good = end + 1
    return Contents(records=records, crc=crc, good=good, torn=data[good:])


def read(path: Path) -> Contents:
    """Read a ledger file. A complete file must end with its end record.

    Raises:
        LedgerError: as `parse`, a file that cannot be opened, or a complete one that does not end so.
    """
    try:
        contents = parse(path, path.read_bytes())
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read ({error.strerror})") from error
    if path.suffix == ".jsonl" and (contents.torn or not ends(contents.records)):
        raise LedgerError(f"{path}: cut short at byte {contents.good}; restore the file, or {REPAIR}")
    return contents


def ends(records: Sequence[Record]) -> bool:
    """Whether these are all records of a run that is complete."""
    return bool(records) and records[-1]["kind"] == "end"


def evaluations_of(records: Sequence[Record]) -> list[Record]:
    """The evaluations among a run's records."""
    return [record for record in records if record["kind"] == "evaluation"]


def part_of(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def failed_of(path: Path) -> Path:
    return path.with_name(path.name + ".failed")


class Ledger:
    """The one writer of one run's file.

    Opening takes an exclusive lock that dies with the process, cuts a torn tail (its bytes are kept
    beside the file) and reads what is there. `append` returns once the record is on the disk.

    Args:
        path: name of the complete file; until then `.part` is appended.
        durable: False keeps records in memory until the last one and does not wait for the disk: for what
            is computed again faster than that. An unfinished ledger stays empty; one that a power
            failure has cut is refused like any damaged one.

    Raises:
        LedgerError: the file is locked by another process, damaged, or cannot be written.
    """

    def __init__(self, path: Path, *, durable: bool = True) -> None:
        self.path, self.part, self.durable = path, part_of(path), durable
        self._held: list[bytes] = []
        if path.exists():
            raise LedgerError(f"{path}: complete already, nothing is appended to it; delete it to train that run again")
        with _refusing_os_errors(self.part):
            path.parent.mkdir(parents=True, exist_ok=True)
            if failed_of(path).exists():
                failed_of(path).rename(self.part)
            self._file = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                self._lock()
                contents = self._recover()
            except BaseException:
                os.close(self._file)
                raise
        self.records = contents.records
        self._crc, self._good, self._broken = contents.crc, contents.good, False

    def __enter__(self) -> Ledger:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def append(self, record: Record) -> None:
        """Write one record and wait until it is durable.

        Raises:
            LedgerError: the disk is full or fails. No half record stays, and nothing more is written.
        """
        if self._broken:
            raise LedgerError(f"{self.part}: an earlier write failed; start again to continue the run")
        try:
            line, crc = encode(record, self._crc)
        except LedgerError as error:
            raise LedgerError(f"{self.part}: {error}") from error
        self._held.append(line)
        if self.durable:
            self._write()
        self._crc = crc
        self.records.append(record)

    def _write(self) -> None:
        """Put the lines held on the disk."""
        lines = b"".join(self._held)
        self._broken = True  # Until they are there: an interrupt may come in between.
        with _refusing_os_errors(self.part):
            try:
                _write_all(self._file, lines)
                if self.durable:
                    os.fsync(self._file)
            except OSError:
                self._cut_back()
                raise
        self._broken = False
        self._good += len(lines)
        self._held.clear()

    @property
    def ended(self) -> bool:
        """Whether the end record is there; a run may have been killed between it and the file's final name."""
        return ends(self.records)

    def complete(self, record: Record) -> None:
        """Append the end record and give the file its final name."""
        self._end(record, self.path)

    def conclude(self) -> None:
        """Give the file of a run that has ended its final name."""
        self._rename(self.path)

    def fail(self, record: Record) -> None:
        """Append why the run cannot go on and set the file aside; the next start tries it again."""
        self._end(record, failed_of(self.path))

    def _lock(self) -> None:
        pauses = iter(LOCK_PAUSES)
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                pause = next(pauses, None)
                if pause is None:
                    told = f"{self.part}: another process is writing it; wait for it or stop it"
                    raise LedgerError(told) from error
                time.sleep(pause)
        if not os.path.samestat(os.fstat(self._file), self.part.stat()):
            raise LedgerError(f"{self.part}: another process has renamed it meanwhile; start again")

    def _recover(self) -> Contents:
        contents = parse(self.part, self.part.read_bytes())
        if contents.torn:
            _keep_aside(self.part, contents.torn)
            os.ftruncate(self._file, contents.good)
            os.fsync(self._file)
        if self.durable:
            sync_folder(self.part.parent)
        return contents

    def _cut_back(self) -> None:
        try:
            os.ftruncate(self._file, self._good)
        except OSError:
            return  # The next opening cuts the torn tail.

    def _end(self, record: Record, target: Path) -> None:
        self.append(record)
        if self._held:
            self._write()
        self._rename(target)

    def _rename(self, target: Path) -> None:
        self._broken = True  # Nothing follows the last record.
        with _refusing_os_errors(self.part):
            self.part.rename(target)
            if self.durable:
                sync_folder(target.parent)


def _write_all(file: int, line: bytes) -> None:
    """Write every byte; a disk that fills up takes a part of them without an error."""
    view = memoryview(line)
    while view:
        written = os.write(file, view)
        if written == 0:
            raise OSError("the disk took no bytes")
        view = view[written:]


def _keep_aside(part: Path, torn: bytes) -> None:
    number = 1
    while (aside := part.with_name(f"{part.name}.torn-{number}")).exists():
        number += 1
    aside.write_bytes(torn)


def sync_folder(folder: Path) -> None:
    """Make new, renamed and removed entries of a folder durable."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _refusing_os_errors(path: Path) -> Iterator[None]:
    """Turn what the disk refuses into an error that names the file and the free space."""
    try:
        yield
    except OSError as error:
        raise LedgerError(f"{path}: cannot be written ({error}); {_free(path)}") from error


def _free(path: Path) -> str:
    try:
        free = shutil.disk_usage(path.parent).free // 2**20
    except OSError:
        return "its folder is gone"
    return f"{free} MiB are free there; make room and run the same command"
