"""Looks at a suite again and again, publishes what has changed, and ends when nobody needs the page any more."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from analysis.live.driver_process import find_drivers, read_locks
from analysis.live.follower import Follower
from analysis.live.page import Page, Report, duration_text
from analysis.live.report_maker import ReportMaker
from analysis.live.serving.publisher import Publisher
from analysis.live.snapshot import Snapshot, take_snapshot
from benchmark.errors import BadInput
from benchmark.storage.atomic_write import write_atomically
from benchmark.storage.progress_file import read_progress
from benchmark.storage.suite_json import SUITE_JSON

LAST_STATE = "live.html"
"""Name of the file that the last state of a page is kept in, beside the report that it links to."""
SHARE = 0.01
"""Of one core: what the page may take of it over time while the suite runs."""
WATCHED, UNWATCHED = 1.0, 5.0
"""Least seconds between two looks, with an open page and without."""
NICE = 10
"""How far the page stands back; with 19 the first page of a busy machine would take a minute."""
SHORTEST = 0.2
"""Least seconds between two looks where somebody waits for one."""


class Watcher:
    """Follows a suite.

    Args:
        folder: the suite's.
        publisher: takes the parts of the page.
        ends_after: seconds without an open page, in which the suite does not run, after which this ends; None: never.
        words: what the commands that the page names have behind the suite's name.

    Raises:
        BadInput: an unreadable plan.
    """

    def __init__(
        self, folder: Path, publisher: Publisher, *, ends_after: float | None, words: Sequence[str] = ()
    ) -> None:
        self.folder, self.publisher, self.ends_after, self.words = folder, publisher, ends_after, words
        self.report = ReportMaker(folder)
        self.seen_running = ends_after is not None  # Whoever starts a run with a page wants its report.
        self.stopped = time.monotonic()
        self._plan: tuple[int, float] | None = None
        self._generation = 0
        self._begin_if_planned_anew()

    def watch(self) -> None:
        """Look until the page is no longer needed; returns also when the suite's folder has gone."""
        self.look()  # What was recorded before is read once, and counts for no share.
        used = time.process_time()
        while self.folder.is_dir() and not self._is_needless():
            began = time.monotonic()
            snapshot = self.look()
            now = time.process_time()
            cost, used = now - used, now
            least = WATCHED if self.publisher.viewers else UNWATCHED
            time.sleep(max(0.0, SHORTEST - (time.monotonic() - began)))
            self.publisher.wanted.wait(max(least, cost / SHARE) if snapshot.activity == "running" else least)
            self.publisher.wanted.clear()

    def look(self) -> Snapshot:
        """Look once, and publish what there is."""
        self._begin_if_planned_anew()
        locks = read_locks()
        drivers = find_drivers(self.folder, locks)
        self.follower.look(file for files in locks.values() for file in files)
        snapshot = take_snapshot(self.follower, drivers, read_progress(self.folder))
        newest = max((trial.seen for trial in self.follower.newest), default=0.0)
        report = self.report.look(newest)
        ended = self._note_activity(snapshot, report)
        parts = self.page.parts(snapshot, report, lifetime=self._lifetime(), choices=self.publisher.choices())
        self.publisher.publish(parts, partial(self.page.whole, parts, live=True), generation=self._generation)
        if ended:
            self._keep_last_state(parts)
        return snapshot

    def _note_activity(self, snapshot: Snapshot, report: Report) -> bool:
        """Begin the report of a suite that has been done; returns whether the state is the last of a run."""
        if snapshot.activity == "running":
            self.seen_running, self.stopped = True, time.monotonic()
            return False
        if not self.seen_running or self.report.busy:
            return False
        if snapshot.activity == "done" and (report.state == "none" or report.outdated):
            self.report.start()
            return False
        self.seen_running = False
        return True

    def _keep_last_state(self, parts: dict[str, str]) -> None:
        with suppress(OSError):  # A folder that cannot be written is no reason to end.
            write_atomically(self.folder / LAST_STATE, self.page.whole(parts, live=False).encode())

    def _begin_if_planned_anew(self) -> None:
        """Follow the suite from the beginning where its plan is another one, as under a larger budget."""
        try:
            status = (self.folder / SUITE_JSON).stat()
        except OSError:
            return
        plan = status.st_ino, status.st_mtime
        if plan == self._plan:
            return
        try:
            self.follower = Follower(self.folder)
        except BadInput:
            if self._plan is None:
                raise
            return  # It is being replaced; the next look reads it.
        self.page = Page(self.follower, self.words)
        self._plan, self._generation = plan, self._generation + 1

    def _lifetime(self) -> str:
        if self.ends_after is None:
            return "The page is served until its command is ended by Ctrl-C."
        after = duration_text(self.ends_after)
        return f"The page is served while the suite runs, and {after} longer than anybody looks at it."

    def _is_needless(self) -> bool:
        if self.ends_after is None or self.publisher.viewers or self.report.busy:
            return False
        return time.monotonic() - max(self.stopped, self.publisher.left) > self.ends_after


def lower_priority() -> None:
    """Give way to the suite on this machine, for the rest of the process."""
    with suppress(OSError):
        os.nice(NICE)
