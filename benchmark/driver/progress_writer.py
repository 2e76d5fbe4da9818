"""Writes how far the suite is into its folder while it runs, for `status --watch` and the live page."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from benchmark.driver.repeated_call import repeated_call
from benchmark.driver.stall_monitor import StallMonitor
from benchmark.driver.time_left.estimate import TimeLeft
from benchmark.storage.progress_file import Progress, RunCounts, progress_name, write_progress
from benchmark.tuning.run_report import RunReport

SECONDS_BETWEEN_FILES = 2.0


class ProgressWriter:
    """Writes the file every two seconds and at the end, however that comes about.

    Args:
        folder: the suite's results.
        shard: the share that this process executes, as part of a file's name; None is all of it.
        in_flight: the runs that workers execute; changed by the caller.
        stall_monitor: knows which of them have recorded nothing for long.
    """

    def __init__(
        self, folder: Path, shard: str | None, in_flight: Mapping[Path, object], stall_monitor: StallMonitor
    ) -> None:
        self.path, self.in_flight, self.stall_monitor = folder / progress_name(shard), in_flight, stall_monitor
        self.started = time.time()
        self.total = self.done = self.failed = 0

    def count(self, report: RunReport) -> None:
        """Count a run that has ended."""
        self.done += report.state == "done"
        self.failed += report.state != "done"

    @contextmanager
    def writing(self, time_left: TimeLeft, *, total: int, done: int) -> Iterator[None]:
        """Write while the block runs, and how it ended.

        Args:
            time_left: knows the work and estimates the time that it takes.
            total: number of runs.
            done: how many of them were done before.
        """
        self.total, self.done, state = total, done, "stopped"
        self._write("running", time_left)
        try:
            with repeated_call(lambda: self._write("running", time_left), SECONDS_BETWEEN_FILES):
                yield
            state = "done"
        finally:
            self._write(state, time_left)

    def _write(self, state: str, time_left: TimeLeft) -> None:
        counts = RunCounts(total=self.total, done=self.done, failed=self.failed, running=len(self.in_flight))
        progress = Progress(
            written=time.time(),
            pid=os.getpid(),
            host=platform.node(),
            started=self.started,
            state=state,
            runs=counts,
            work=time_left.work(),
            eta_seconds=time_left.seconds(time.monotonic()) if state == "running" else None,
            stalled=self.stall_monitor.stalled,
        )
        with suppress(OSError):  # Where the disk is full, the ledgers say so.
            write_progress(self.path, progress)
