"""Follows the ledgers of a suite while others write them."""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from analysis.live.followed_run import FollowedRun, Name
from analysis.loading.ledgers import SUFFIXES, read_run
from analysis.loading.plan import Objective, read_plan
from benchmark.errors import BadInput
from benchmark.storage.ledger_format import Record, partial_path
from benchmark.storage.run_files import find_run_file

NEWEST = 20
"""Trials that are remembered."""
PATIENCE = 60.0
"""Seconds without a record, beyond twice the longest wait so far, before a run is stalled: as the driver warns."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """An evaluation, and when it was seen in seconds since 1970."""

    run: Name
    record: Mapping[str, Any]
    seen: float


def further_metrics(objective: Objective) -> list[str]:
    """The metrics of an objective behind the first one."""
    return [metric.name for metric in objective.metrics[1:]]


class Follower:
    """Knows what is recorded of every planned run, as of the last look.

    Args:
        folder: the suite's.

    Attributes:
        runs: every planned run, in the order of the plan.
        newest: the last trials, the newest last.
        longest_wait: the longest time in seconds between two records of a run that was seen or is recorded.

    Raises:
        BadInput: an unreadable plan.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.plan = folder, read_plan(folder)
        self.runs = [
            FollowedRun(
                Name(objective=objective.label, algorithm=algorithm, repetition=repetition), further_metrics(objective)
            )
            for objective, algorithm in self.plan.cells()
            for repetition in range(self.plan.repetitions)
        ]
        self.newest: deque[Trial] = deque(maxlen=NEWEST)
        self.longest_wait = 0.0

    def look(self, locked: Iterable[int] = ()) -> None:
        """Read what is new.

        Args:
            locked: numbers of the files that processes of this machine have locked.
        """
        now, files, found = time.monotonic(), set(locked), []
        entries: dict[str, os.DirEntry[str]] = {}
        cell: Path | None = None
        for run in self.runs:
            path = self.folder / run.name.path
            if path.parent != cell:
                cell, entries = path.parent, _entries(path.parent)
            names = {suffix: f"{run.name.repetition:03d}{suffix}" for suffix in SUFFIXES}
            there = {suffix: entries[name] for suffix, name in names.items() if name in entries}
            found += self._follow(run, there, now)
            part = there.get(".jsonl.part")
            run.locked = part is not None and part.inode() in files
        self.newest.extend(sorted(found, key=lambda trial: trial.seen))

    def display_name(self, run: Name) -> str:
        """How the page calls a run's objective and algorithm."""
        return f"{self.plan.objective(run.objective).display_name}, {self.plan.display_names[run.algorithm]}"

    def wait(self, run: FollowedRun, now: float) -> float:
        """Seconds for which a run has recorded nothing."""
        return now - run.grown

    def is_stalled(self, run: FollowedRun, now: float) -> bool:
        """Whether an unfinished run has recorded nothing for unusually long."""
        return run.state == "partial" and self.wait(run, now) > 2 * self.longest_wait + PATIENCE

    def _follow(self, run: FollowedRun, there: Mapping[str, os.DirEntry[str]], now: float) -> list[Trial]:
        """Read what is new of one run; returns its last new trials."""
        files = tuple((suffix, entry.inode()) for suffix, entry in there.items())
        known = run.evaluations
        try:
            if files != run.files:
                known = known if run.state == "partial" else 0
                records = self._begin(run, files)[known:]
            elif run.part is not None and run.state == "partial":
                if there[".jsonl.part"].stat().st_size <= run.size():
                    return []
                records = run.read_on(run.part)
            else:
                return []
        except BadInput as error:
            run.state, run.problem = "damaged", str(error)
            return []
        except OSError:  # It was renamed while we looked, or its file server is away: the next look sees it.
            run.files = ()
            return []
        return self._note(run, records, now)

    def _begin(self, run: FollowedRun, files: tuple[tuple[str, int], ...]) -> list[Record]:
        """Read a run whose files are others than before; returns all of its evaluations."""
        run.clear()
        run.files = files
        path = self.folder / run.name.path
        file = find_run_file(path, self.plan.budget)
        if file is None:
            return []
        if file.path == partial_path(path):
            return run.read_on(file.path)
        path, records, state = read_run(self.folder, *run.name.place, self.plan.budget)
        return run.take(path, records, state)

    def _note(self, run: FollowedRun, records: list[Record], now: float) -> list[Trial]:
        """Note when a run has grown; returns its last new trials."""
        seen = time.time()
        if not run.grown or run.files == ():
            with suppress(OSError):
                seen = min(seen, self._modified(run))
            run.grown = now - (time.time() - seen)
        elif records:
            self.longest_wait = max(self.longest_wait, now - run.grown)
            run.grown = now
        seconds = (record["train_seconds"] + record["decide_seconds"] for record in records)
        self.longest_wait = max([self.longest_wait, *seconds])
        return [Trial(run=run.name, record=record, seen=seen) for record in records[-NEWEST:]]

    def _modified(self, run: FollowedRun) -> float:
        """When the file of a run was last written, in seconds since 1970."""
        suffix = next(suffix for suffix, state in SUFFIXES.items() if state == run.state)
        path = self.folder / run.name.path
        return path.with_name(path.name.removesuffix(".jsonl") + suffix).stat().st_mtime


def _entries(folder: Path) -> dict[str, os.DirEntry[str]]:
    """The files of a folder by name; none where it is not there."""
    try:
        with os.scandir(folder) as entries:
            return {entry.name: entry for entry in entries}
    except OSError:
        return {}
