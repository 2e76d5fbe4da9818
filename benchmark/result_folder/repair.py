"""Repairs damaged ledgers: the whole records before the damage are kept, and no file is destroyed."""

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
    Record,
    evaluations_of,
    failed_path,
    has_ended,
    partial_path,
    read_ledger,
    whole_records,
)
from benchmark.storage.resume_check import RunRefused
from benchmark.suite.model import Suite

RECHECK = "recheck"
"""The folder of a suite's recheck, which is a suite of its own, in the suite's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepairedLedger:
    """The outcome of repairing a damaged ledger.

    Attributes:
        problem: what was wrong, as its reader reports it.
        kept: whole records, which the run goes on from.
        moved_to: path of the file as it was found.
    """

    problem: str
    kept: int
    moved_to: Path


def repair_suite(suite: Suite, folder: Path, command: str) -> Iterator[str]:
    """Repair the ledgers of a suite and of its recheck, and yield a line on each.

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
            for path in [*(folder / run.path for run in suite.runs()), *_ledgers_of_recheck(folder)]:
                while (repaired := repair_ledger(path)) is not None:  # It may have two ledgers.
                    count += 1
                    problem = repaired.problem.partition(";")[0]
                    yield f"{problem}: {repaired.kept} records kept, the file is now {repaired.moved_to}"
    except (LedgerError, RunRefused) as error:
        raise BadInput(str(error)) from error
    ledgers = "1 ledger" if count == 1 else f"{count} ledgers"
    yield f"{ledgers} repaired; to train what is lacking: {command}" if count else "no ledger is damaged"


def _ledgers_of_recheck(folder: Path) -> list[Path]:
    """List the names of the complete ledgers of a suite's recheck, whatever state they are in."""
    forms = (folder / RECHECK / "runs").glob("*/*/*.jsonl*")
    return sorted({path.with_name(f"{path.name.partition('.')[0]}.jsonl") for path in forms})


def repair_ledger(path: Path) -> RepairedLedger | None:
    """Keep a copy of a run's first damaged ledger, if it has one, and begin it again with its whole records.

    Where another ledger of the run holds as many evaluations, that one stays and the damaged one is only set aside.

    Whenever this is interrupted, the damaged file or its copy is there, and doing it again ends the same.

    Args:
        path: name of the complete file.

    Raises:
        LedgerError: a file that this version cannot read for another reason, or a disk that fails.
    """
    for ledger in _existing(path):
        try:
            read_ledger(ledger)
        except LedgerError as error:
            return _replace_damaged(path, ledger, str(error))
    return None


def _existing(path: Path) -> list[Path]:
    return [name for name in (path, partial_path(path), failed_path(path)) if name.exists()]


def _replace_damaged(path: Path, ledger: Path, problem: str) -> RepairedLedger:
    try:
        data = ledger.read_bytes()
        kept = whole_records(data)
        if kept.records and kept.records[0].get("format") != FORMAT:
            raise LedgerError(problem)  # No damage: written by another version.
        ended = has_ended(kept.records)  # What is damaged came after the end.
        target = path if ended else partial_path(path)
        moved_to = _keep_copy(ledger)
        longest = _longest_other(path, ledger)
        if not ended and longest and len(evaluations_of(longest)) >= len(evaluations_of(kept.records)):
            ledger.unlink()
            sync_folder(path.parent)
            return RepairedLedger(problem=problem, kept=len(longest), moved_to=moved_to)
        if ledger != target and target.exists():
            _keep_copy(target)
        if kept.records:
            write_atomically(target, data[: kept.good], durable=True)
        if ledger != target or not kept.records:
            ledger.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise LedgerError(f"{ledger}: cannot be repaired ({error.strerror}); make room and do it again") from error
    return RepairedLedger(problem=problem, kept=len(kept.records), moved_to=moved_to)


def _longest_other(path: Path, ledger: Path) -> list[Record]:
    """Return the whole records of the longest of a run's other ledgers; none where it has no other."""
    others = (whole_records(other.read_bytes()).records for other in _existing(path) if other != ledger)
    return max(others, key=len, default=[])


def _keep_copy(ledger: Path) -> Path:
    """Link a file to a further name, which no reader takes for a ledger."""
    number = 1
    while (copy := ledger.with_name(f"{ledger.name}.damaged-{number}")).exists():
        number += 1
    os.link(ledger, copy)
    sync_folder(ledger.parent)
    return copy
