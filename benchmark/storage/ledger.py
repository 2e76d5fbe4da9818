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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any
from uuid import uuid4

from benchmark.storage.atomic_write import sync_folder
from benchmark.storage.budget_change import budget_of, lines_under_budget
from benchmark.storage.ledger_format import (
    Contents,
    LedgerError,
    Record,
    encode_record,
    failed_path,
    has_ended,
    parse_ledger,
    partial_path,
    read_ledger,
)

LOCK_PAUSES = (0.05, 0.1, 0.2, 0.4)
"""Seconds between tries to lock a file: the worker of a killed driver holds it until it notices."""


class Ledger:
    """Writes the file of one run, as its only writer.

    Opening takes an exclusive lock that dies with the process, cuts a torn tail (its bytes are kept
    beside the file) and reads what is there. `append` returns once the record is on the disk.

    Args:
        path: name of the complete file; until then `.part` is appended.
        durable: False keeps records in memory until the last one and does not wait for the disk: for what
            is computed again faster than that. An unfinished ledger stays empty; one that a power
            failure has cut is refused like any damaged one.
        reopen: go on with a run that is complete, under a larger budget; its file stays until the longer one
            is complete and replaces it.

    Raises:
        LedgerError: the file is locked by another process, damaged, or cannot be written.
    """

    def __init__(self, path: Path, *, durable: bool = True, reopen: bool = False) -> None:
        self.path, self.part, self.durable = path, partial_path(path), durable
        self._unwritten: list[bytes] = []
        self.records: list[Record]
        self._crc: int
        self._good: int
        if path.exists() and not reopen:
            raise LedgerError(f"{path}: complete already, nothing is appended to it; delete it to train that run again")
        with _os_errors_as_ledger_errors(self.part):
            path.parent.mkdir(parents=True, exist_ok=True)
            if failed_path(path).exists():
                failed_path(path).rename(self.part)
            elif path.exists() and not self.part.exists():
                self._begin_with_copy()
            self._file = os.open(self.part, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                self._lock()
                contents = self._recover()
            except BaseException:
                os.close(self._file)
                raise
        self._take_contents(contents)

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
            line, crc = encode_record(record, self._crc)
        except LedgerError as error:
            raise LedgerError(f"{self.part}: {error}") from error
        self._unwritten.append(line)
        if self.durable:
            self._write()
        self._crc = crc
        self.records.append(record)

    def _write(self) -> None:
        """Write the lines that are not on the disk yet."""
        lines = b"".join(self._unwritten)
        self._broken = True  # Until they are there: an interrupt may come in between.
        with _os_errors_as_ledger_errors(self.part):
            try:
                _write_all(self._file, lines)
                if self.durable:
                    os.fsync(self._file)
            except OSError:
                self._cut_back()
                raise
        self._broken = False
        self._good += len(lines)
        self._unwritten.clear()

    @property
    def ended(self) -> bool:
        """Return whether the end record is there; a run may have been killed between it and the file's final name."""
        return has_ended(self.records)

    def change_budget(self, budget: Mapping[str, Any]) -> None:
        """Write the file anew with another budget in its header, if it has another, and take back the end it had set.

        Raises:
            LedgerError: the disk is full or fails. The file is then as it was.
        """
        if not self.records or budget_of(self.records[0]) == budget:
            return
        with _os_errors_as_ledger_errors(self.part):
            data = lines_under_budget(self.part.read_bytes(), budget)
            with self._draft(data) as (draft, file):
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # Before others can find it under its name.
                draft.replace(self.part)
                os.close(self._file)
                self._file = os.dup(file)  # It shares the lock, which the draft's own descriptor gives up.
            if self.durable:
                sync_folder(self.part.parent)
        self._take_contents(parse_ledger(self.part, data))

    def complete(self, record: Record) -> None:
        """Append the end record and give the file its final name."""
        self._end(record, self.path)

    def rename_complete(self) -> None:
        """Give the file of a run that has ended its final name, which it lacks if it was killed before."""
        self._rename(self.path)

    def fail(self, record: Record) -> None:
        """Append why the run cannot go on and set the file aside; the next start tries it again."""
        self._end(record, failed_path(self.path))

    def _take_contents(self, contents: Contents) -> None:
        self.records = contents.records
        self._crc, self._good, self._broken = contents.crc, contents.good, False

    def _begin_with_copy(self) -> None:
        """Begin the unfinished file with what the complete one holds, unless another process has just done so."""
        read_ledger(self.path)  # What is damaged is not copied.
        with self._draft(self.path.read_bytes()) as (draft, _), suppress(FileExistsError):
            os.link(draft, self.part)

    @contextmanager
    def _draft(self, data: bytes) -> Iterator[tuple[Path, int]]:
        """Write a further file beside the ledger, whole, for a block that gives it its name; yields its path and it."""
        draft = self.part.with_name(f".{uuid4().hex}.tmp")
        file = os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_APPEND, 0o644)
        try:
            _write_all(file, data)
            if self.durable:
                os.fsync(file)
            yield draft, file
        finally:
            os.close(file)
            draft.unlink(missing_ok=True)

    def _lock(self) -> None:
        pauses = iter(LOCK_PAUSES)
        while True:
            try:
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                pause = next(pauses, None)
                if pause is None:
                    raise LedgerError(f"{self.part}: another process is writing it; wait for it or stop it") from error
                time.sleep(pause)
        if not os.path.samestat(os.fstat(self._file), self.part.stat()):
            raise LedgerError(f"{self.part}: another process has renamed it meanwhile; start again")

    def _recover(self) -> Contents:
        contents = parse_ledger(self.part, self.part.read_bytes())
        if contents.torn:
            _save_torn_tail(self.part, contents.torn)
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
        if self._unwritten:
            self._write()
        self._rename(target)

    def _rename(self, target: Path) -> None:
        self._broken = True  # Nothing follows the last record.
        with _os_errors_as_ledger_errors(self.part):
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


def _save_torn_tail(part: Path, torn: bytes) -> None:
    number = 1
    while (path := part.with_name(f"{part.name}.torn-{number}")).exists():
        number += 1
    path.write_bytes(torn)


@contextmanager
def _os_errors_as_ledger_errors(path: Path) -> Iterator[None]:
    """Turn errors of the disk into one that names the file and the free space."""
    try:
        yield
    except OSError as error:
        raise LedgerError(f"{path}: cannot be written ({error}); {_describe_free_space(path)}") from error


def _describe_free_space(path: Path) -> str:
    try:
        free = shutil.disk_usage(path.parent).free // 2**20
    except OSError:
        return "its folder is gone"
    return f"{free} MiB are free there; make room and run the same command"
