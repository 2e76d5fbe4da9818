"""Shards of a suite, brought together in one folder: every run once, whatever is given, in whatever order.

Of all ledgers of a run one is taken: a complete one before a failed or unfinished one, of those the one with
most evaluations, of equal ones the one begun first. That is a maximum, so neither the order of the folders
nor how often one is given matters, and merging again changes nothing. What two ledgers of a run both hold
has to be the same, but for what is measured: a run that came out twice otherwise is no duplicate but a finding.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, one_line
from benchmark.result_folder.folder_lock import folder_lock
from benchmark.result_folder.recorded_plan import (
    HeaderChecker,
    PlannedRun,
    RecordedSuite,
    find_suite_folder,
    read_recorded_suite,
)
from benchmark.result_folder.suite_json_writer import SUITE_JSON
from benchmark.storage.ledger_format import LedgerError, Record, failed_path, has_ended, parse_ledger, partial_path
from benchmark.storage.resume_check import RunRefused, first_difference

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "problem")
"""What of an evaluation may differ when it is repeated; a problem's text may hold addresses of memory."""

TIMES = ("start", "end")
"""Likewise, on the measured clock."""

UNFINISHED = ".merging"
"""Ending of a file that a merge was stopped at; the next merge writes it anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCandidate:
    """A ledger of a run.

    Attributes:
        state: "done", "failed" or "partial".
        data: its whole records, as bytes.
        results: what of them another execution has to repeat, in order.
    """

    path: Path
    state: str
    data: bytes
    header: Record
    results: tuple[Any, ...]

    @property
    def rank(self) -> tuple[Any, ...]:
        """The least is taken; ledgers of one rank are the same bytes."""
        digest = hashlib.sha256(self.data).hexdigest()
        states = ("done", "failed", "partial")
        return self.state != "done", -len(self.results), states.index(self.state), str(self.header["created"]), digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenLedger:
    """Where the ledger that is taken for a run lies, and its first `size` bytes' checksum."""

    run: PlannedRun
    state: str
    path: Path
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeResult:
    """What a merge came to.

    Attributes:
        folder: the suite's, with everything in it.
        sources: how many folders were given.
        choices: every planned run, and its ledger; None where there is none.
        written: runs of which there was less before, or nothing.
        exchanged: complete runs that had been there, for equal ones begun earlier.
    """

    plan: RecordedSuite
    folder: Path
    sources: int
    choices: Mapping[PlannedRun, ChosenLedger | None]
    written: int
    exchanged: int

    @property
    def unfinished(self) -> list[tuple[Path, str]]:
        """Runs that are not complete, and what there is of them instead."""
        states = [(run.path, "missing" if choice is None else choice.state) for run, choice in self.choices.items()]
        return [(path, state) for path, state in states if state != "done"]


def merge(out: Path, sources: Sequence[Path], *, allow_mixed: bool = False) -> MergeResult:
    """Bring the ledgers of several folders of one suite together; the folders stay as they are.

    Args:
        out: results folder, or the suite's folder in it; may hold a part of the runs already.
        sources: likewise, each with what one shard has recorded.
        allow_mixed: take runs of different machines and library versions together.

    Raises:
        BadInput: a folder without a suite, or one that cannot be read or written.
        RunRefused: another suite, other data, another machine, or a run that came out differently twice.
        LedgerError: a damaged ledger. Nothing has been written by then.
    """
    folders = _distinct([find_suite_folder("SHARD_DIR", source) for source in sources])
    plan = read_recorded_suite(folders[0])
    folder = out if out.name == plan.name else out / plan.name
    begun = (folder / SUITE_JSON).exists()
    folders = _distinct([folder, *folders])  # Of equal ledgers the one that is there already stays.
    for other in folders if begun else folders[1:]:
        plan.check_same(read_recorded_suite(other))
    with ExitStack() as held:
        if begun:
            held.enter_context(folder_lock(folder))
        witness = HeaderChecker(plan, allow_mixed=allow_mixed)
        choices = {run: _choose(run, folders, witness) for run in plan.runs()}
        if not begun:
            held.enter_context(folder_lock(folder))
            if (folder / SUITE_JSON).exists():
                raise RunRefused(f"{folder}: another process has begun there meanwhile; merge again")
        _place(folder / SUITE_JSON, plan.data)
        taken = Counter(_take(choice, folder) for choice in choices.values() if choice is not None)
    return MergeResult(
        plan=plan,
        folder=folder,
        sources=len(sources),
        choices=choices,
        written=taken["written"],
        exchanged=taken["exchanged"],
    )


def _choose(run: PlannedRun, folders: list[Path], witness: HeaderChecker) -> ChosenLedger | None:
    """The best ledger of a run, all of them held against it."""
    candidates = []
    for where in folders:
        for found in _candidates(run, where):
            witness.check(run, found.header, found.path)
            candidates.append(found)
    if not candidates:
        return None
    best, *others = sorted(candidates, key=lambda candidate: candidate.rank)
    for other in others:
        _check_repeated(best, other)
    digest = hashlib.sha256(best.data).hexdigest()
    return ChosenLedger(run=run, state=best.state, path=best.path, size=len(best.data), digest=digest)


def _candidates(run: PlannedRun, folder: Path) -> list[LedgerCandidate]:
    """The ledgers of a run in a folder, where a shard may be at work: a part may become complete meanwhile."""
    path = folder / run.path
    found = []
    for state, form in (("partial", partial_path(path)), ("failed", failed_path(path)), ("done", path)):
        candidate = _read(form, state)
        if candidate is not None:
            found.append(candidate)
    return found


def _read(path: Path, state: str) -> LedgerCandidate | None:
    """A ledger, or None where there is none or nothing in it yet."""
    if not os.path.lexists(path):
        return None
    try:
        data = path.read_bytes()
        contents = parse_ledger(path, data)
        if state == "done" and (contents.torn or not has_ended(contents.records)):
            raise LedgerError(f"{path}: cut short at byte {contents.good}; leave it out to train that run again")
        if not contents.records:
            return None
        header = contents.records[0]
        results = _results(contents.records, measured=header["run"]["clock"] == "measured")
        missing = [name for name in ("created", "data", "environment") if name not in header]
        if missing:
            raise ValueError(f"its header lacks {', '.join(missing)}")
    except FileNotFoundError:  # Complete since we looked; that name is tried last.
        return None
    except OSError as error:
        raise LedgerError(f"{path}: cannot be read ({error.strerror})") from error
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise LedgerError(f"{path}: no ledger of this harness ({one_line(error)}); leave it out") from error
    return LedgerCandidate(path=path, state=state, data=data[: contents.good], header=header, results=results)


def _results(records: list[Record], *, measured: bool) -> tuple[Any, ...]:
    left_out = (*MEASURED, *(TIMES if measured else ()))
    kept = [record for record in records if record["kind"] in ("evaluation", "end")]
    return tuple({name: value for name, value in record.items() if name not in left_out} for record in kept)


def _check_repeated(best: LedgerCandidate, other: LedgerCandidate) -> None:
    """Refuse two ledgers of one run that disagree on what both hold."""
    for number, (one, two) in enumerate(zip(best.results, other.results, strict=False)):
        difference = first_difference(one, two)
        if difference:
            raise RunRefused(
                f"{best.path} and {other.path}: one run, recorded twice with other results: result {number}: "
                f"{difference}; its training does not repeat itself or its code has changed: leave one folder out"
            )


def _take(choice: ChosenLedger, folder: Path) -> str:
    """Put a chosen ledger into the folder; returns "kept", "exchanged" or "written"."""
    path = folder / choice.run.path
    forms = {"done": path, "failed": failed_path(path), "partial": partial_path(path)}
    target = forms.pop(choice.state)
    before = "exchanged" if path.exists() else "written"
    placed = choice.path != target and _place(target, _chosen(choice))
    for worse in forms.values():  # Here only, never in a source; what is taken holds all that they hold.
        if worse != path:
            worse.unlink(missing_ok=True)
    return before if placed else "kept"


def _chosen(choice: ChosenLedger) -> bytes:
    """The bytes that were chosen; a shard at work may have added to them, or given the file its final name."""
    for path in (choice.path, choice.path.with_name(choice.run.path.name)):
        try:
            data = path.read_bytes()[: choice.size]
        except OSError:
            continue
        if hashlib.sha256(data).hexdigest() == choice.digest:
            return data
    raise RunRefused(f"{choice.path}: has changed while it was merged; merge again, it goes on where it stopped")


def _place(path: Path, data: bytes) -> bool:
    """Write a file in one step, unless it is there already."""
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + UNFINISHED)
        with fresh.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise BadInput(f"OUT {path}: cannot be written ({error.strerror}); merge again, it goes on there") from error
    return True


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _distinct(folders: list[Path]) -> list[Path]:
    """The folders, each once however it is called."""
    return list({os.path.realpath(folder): folder for folder in folders}.values())
