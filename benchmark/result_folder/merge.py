"""Merges shards of a suite into one folder: every run once, whatever is given, in whatever order.

Of all ledgers of a run one is taken: a complete one before a failed or unfinished one, of those the one with
most evaluations, of equal ones the one begun first. That is a maximum, so neither the order of the folders
nor how often one is given matters, and merging again changes nothing. What two ledgers of a run both hold
has to be the same, except what is measured: a run with two different results is reported, not merged.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, one_line
from benchmark.result_folder.folder_lock import folder_lock
from benchmark.result_folder.front_files import FOLDER, write_fronts
from benchmark.result_folder.recorded_plan import (
    HeaderChecker,
    PlannedRun,
    RecordedSuite,
    find_suite_folder,
    read_recorded_suite,
)
from benchmark.storage.atomic_write import write_atomically
from benchmark.storage.budget_change import budget_of, lower_limit
from benchmark.storage.ledger_format import LedgerError, Record, failed_path, has_ended, parse_ledger, partial_path
from benchmark.storage.resume_check import RunRefused, first_difference
from benchmark.storage.run_files import has_ended_under
from benchmark.storage.suite_json import SUITE_JSON
from benchmark.storage.untrusted_files import read_limited

MEASURED = (
    *("train_seconds", "reported_seconds", "paid_seconds", "decide_seconds", "problem", "test_problem"),
    *("valid_metrics", "test_metrics"),
)
"""Fields of an evaluation that may differ when it is repeated: a problem's text may hold addresses of memory, and
metrics may be measured; the first one is compared as the error."""

LARGEST_FRONT = 10**6

TIMES = ("start", "end")
"""Likewise, on the measured clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerCandidate:
    """A ledger of a run.

    Attributes:
        state: "done", "failed" or "partial", as is one that has ended under a smaller budget than the suite's.
        data: its whole records, as bytes.
        results: what another execution has to repeat of them, in order.
    """

    path: Path
    state: str
    data: bytes
    header: Record
    results: tuple[Any, ...]

    @property
    def rank(self) -> tuple[Any, ...]:
        """Order by which the least ledger is taken; ledgers of one rank are the same bytes."""
        digest = hashlib.sha256(self.data).hexdigest()
        states = ("done", "failed", "partial")
        return self.state != "done", -len(self.results), states.index(self.state), str(self.header["created"]), digest


@dataclass(frozen=True, slots=True, kw_only=True)
class ChosenLedger:
    """The ledger that is taken for a run: its path, and the checksum of its first `size` bytes."""

    run: PlannedRun
    state: str
    path: Path
    size: int
    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeResult:
    """The outcome of a merge.

    Attributes:
        suite: that was merged.
        folder: the suite's, with everything in it.
        sources: how many folders were given.
        choices: every planned run, and its ledger; None where there is none.
        written: runs of which there was less before, or nothing.
        exchanged: complete runs that had been there, for equal ones begun earlier.
    """

    suite: RecordedSuite
    folder: Path
    sources: int
    choices: Mapping[PlannedRun, ChosenLedger | None]
    written: int
    exchanged: int

    @property
    def unfinished(self) -> list[tuple[Path, str]]:
        """Paths and states of the runs that are not complete."""
        states = [(run.path, "missing" if choice is None else choice.state) for run, choice in self.choices.items()]
        return [(path, state) for path, state in states if state != "done"]


def merge(out: Path, sources: Sequence[Path], *, allow_mixed: bool = False) -> MergeResult:
    """Merge the ledgers of several folders of one suite; the folders stay as they are.

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
    suite = read_recorded_suite(folders[0])
    folder = out if out.name == suite.name else out / suite.name
    exists = (folder / SUITE_JSON).exists()
    folders = _distinct([folder, *folders])  # Of equal ledgers the one that is there already stays.
    for other in folders if exists else folders[1:]:
        suite.check_same(read_recorded_suite(other))
    with ExitStack() as locks:
        if exists:
            locks.enter_context(folder_lock(folder))
        headers = HeaderChecker(suite, allow_mixed=allow_mixed)
        choices = {run: _choose_ledger(run, folders, headers, suite.budget) for run in suite.runs()}
        if not exists:
            locks.enter_context(folder_lock(folder))
            if (folder / SUITE_JSON).exists():
                raise RunRefused(f"{folder}: another process has begun there meanwhile; merge again")
        _write_if_changed(folder / SUITE_JSON, suite.data)
        write_fronts(folder, _known_fronts(folders))
        chosen = [choice for choice in choices.values() if choice is not None]
        counts = Counter(_copy_ledger(choice, folder, suite.budget) for choice in chosen)
    return MergeResult(
        suite=suite,
        folder=folder,
        sources=len(sources),
        choices=choices,
        written=counts["written"],
        exchanged=counts["exchanged"],
    )


def _known_fronts(folders: Sequence[Path]) -> dict[str, bytes]:
    """Read the known fronts that any of the folders holds, by objective; the first folder's come first."""
    paths = [path for folder in reversed(folders) for path in sorted((folder / FOLDER).glob("*.csv"))]
    return {path.stem: read_limited(path, LARGEST_FRONT) for path in paths}


def _choose_ledger(
    run: PlannedRun, folders: list[Path], headers: HeaderChecker, budget: Mapping[str, Any]
) -> ChosenLedger | None:
    """Choose the best ledger of a run, after comparing all of them with it."""
    candidates = [candidate for folder in folders for candidate in _candidates(run, folder, budget)]
    if not candidates:
        return None
    for candidate in candidates:
        headers.check(run, candidate.header, candidate.path)
    best, *others = sorted(candidates, key=lambda candidate: candidate.rank)
    for other in others:
        _check_same_results(best, other)
    digest = hashlib.sha256(best.data).hexdigest()
    return ChosenLedger(run=run, state=best.state, path=best.path, size=len(best.data), digest=digest)


def _candidates(run: PlannedRun, folder: Path, budget: Mapping[str, Any]) -> Iterator[LedgerCandidate]:
    """Yield the ledgers of a run in a folder, where a shard may be at work and complete one meanwhile."""
    path = folder / run.path
    for state, form in (("partial", partial_path(path)), ("failed", failed_path(path)), ("done", path)):
        candidate = _read_candidate(form, state, budget)
        if candidate is not None:
            yield candidate


def _read_candidate(path: Path, state: str, budget: Mapping[str, Any]) -> LedgerCandidate | None:
    """Read a ledger; None where there is none or it is still empty."""
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
        results = _repeatable_results(contents.records, measured=header["run"]["clock"] == "measured")
        if lower_limit(budget_of(header), budget) is not None:  # Its end, if it has one, is no result of this suite.
            results = tuple(result for result in results if result["kind"] != "end")
            state = "partial" if state == "done" else state
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


def _repeatable_results(records: list[Record], *, measured: bool) -> tuple[Any, ...]:
    left_out = (*MEASURED, *(TIMES if measured else ()))
    return tuple(
        {name: value for name, value in record.items() if name not in left_out}
        for record in records
        if record["kind"] in ("evaluation", "end")
    )


def _check_same_results(best: LedgerCandidate, other: LedgerCandidate) -> None:
    """Refuse two ledgers of one run that disagree on what both hold."""
    for number, pair in enumerate(zip(best.results, other.results, strict=False)):
        difference = first_difference(*pair)
        if difference:
            raise RunRefused(
                f"{best.path} and {other.path}: one run, recorded twice with other results: result {number}: "
                f"{difference}; its training does not repeat itself or its code has changed: leave one folder out"
            )


def _copy_ledger(choice: ChosenLedger, folder: Path, budget: Mapping[str, Any]) -> str:
    """Copy a chosen ledger into the folder; return "kept", "exchanged" or "written"."""
    path = folder / choice.run.path
    target = path.with_name(choice.path.name)
    outcome = "exchanged" if path.exists() and has_ended_under(path, budget) else "written"
    copied = choice.path != target and _write_if_changed(target, _read_chosen(choice))
    for worse in (failed_path(path), partial_path(path)):  # Here only, never in a source.
        if worse != target:
            worse.unlink(missing_ok=True)  # What is taken holds all that they hold.
    return outcome if copied else "kept"


def _read_chosen(choice: ChosenLedger) -> bytes:
    """Read the bytes that were chosen; a shard at work may have added to them, or renamed the complete file."""
    for path in (choice.path, choice.path.with_name(choice.run.path.name)):
        try:
            data = path.read_bytes()[: choice.size]
        except OSError:
            continue
        if hashlib.sha256(data).hexdigest() == choice.digest:
            return data
    raise RunRefused(f"{choice.path}: has changed while it was merged; merge again, it goes on where it stopped")


def _write_if_changed(path: Path, data: bytes) -> bool:
    """Write a file of the merged folder unless it is there already; return whether it was written."""
    try:
        if path.is_file() and path.read_bytes() == data:
            return False
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data, durable=True)
    except OSError as error:
        raise BadInput(f"OUT {path}: cannot be written ({error.strerror}); merge again, it goes on there") from error
    return True


def _distinct(folders: list[Path]) -> list[Path]:
    """Return the folders, each once however it is named."""
    return list({os.path.realpath(folder): folder for folder in folders}.values())
