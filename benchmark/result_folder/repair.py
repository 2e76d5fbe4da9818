"""Damaged ledgers: whole records before the damage are kept, what followed is trained again, nothing is destroyed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmark.errors import BadInput
from benchmark.result_folder.folder_lock import folder_lock
from benchmark.storage.atomic_write import sync_folder, write_atomically
from benchmark.storage.ledger_format import (
    FORMAT,
    LedgerError,
    failed_path,
    has_ended,
    partial_path,
    read_ledger,
    whole_records,
)
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Suite


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedLedger:
    """What became of a damaged ledger.

    Attributes:
        problem: what was wrong, as its readers say it.
        kept: whole records, which the run goes on from.
        aside: where the file is now, as it was found.
    """

    problem: str
    kept: int
    aside: Path


def repair_suite(suite: Suite, folder: Path, command: str) -> Iterator[str]:
    """Repair a suite's ledgers and tell of each in a line.

    Args:
        suite: whose runs are looked at.
        folder: its results.
        command: what trains the rest.

    Raises:
        BadInput: there is no such folder, a process works there, or a file cannot be read or written.
    """
    if not folder.is_dir():
        raise BadInput(f"results folder {folder}: there is none, so nothing to repair")
    count = 0
    try:
        with folder_lock(folder):
            for run in suite.runs():
                found = repair_ledger(folder / run.path)
                if found is not None:
                    count += 1
                    yield f"{found.problem.partition(';')[0]}: {found.kept} records kept, the file is now {found.aside}"
    except (LedgerError, RunRefused) as error:
        raise BadInput(str(error)) from error
    ledgers = "1 ledger" if count == 1 else f"{count} ledgers"
    yield f"{ledgers} repaired; to train what is lacking: {command}" if count else "no ledger is damaged"


def repair_ledger(path: Path) -> RepairedLedger | None:
    """Set one run's ledger aside if it is damaged, and begin it again with its whole records.

    Whenever this is interrupted, the damaged file or its copy is there, and doing it again ends the same.

    Args:
        path: name of the complete file.

    Raises:
        LedgerError: a file that this version cannot read for another reason, or a disk that fails.
    """
    ledger = next((name for name in (path, partial_path(path), failed_path(path)) if name.exists()), None)
    if ledger is None:
        return None
    try:
        read_ledger(ledger)
    except LedgerError as error:
        return _set_aside(path, ledger, str(error))
    return None


def _set_aside(path: Path, ledger: Path, problem: str) -> RepairedLedger:
    try:
        data = ledger.read_bytes()
        whole = whole_records(data)
        if whole.records and whole.records[0].get("format") != FORMAT:
            raise LedgerError(problem)  # No damage: written by another version.
        ended = has_ended(whole.records)  # What is damaged came after the end.
        target = path if ended else partial_path(path)
        aside = _linked(ledger)
        if ledger != target and target.exists():
            _linked(target)
        if whole.records:
            write_atomically(target, data[: whole.good], durable=True)
        if ledger != target or not whole.records:
            ledger.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise LedgerError(f"{ledger}: cannot be repaired ({error.strerror}); make room and do it again") from error
    return RepairedLedger(problem=problem, kept=len(whole.records), aside=aside)


def _linked(ledger: Path) -> Path:
    """A further name for a file, which no reader takes for a ledger."""
    number = 1
    while (aside := ledger.with_name(f"{ledger.name}.damaged-{number}")).exists():
        number += 1
    os.link(ledger, aside)
    sync_folder(ledger.parent)
    return aside
