"""Kills training processes that exceed the suite's time limit and do not react to the alarm inside them.

A process that trains under a limit keeps a note, locked as long as it lives, of what it trains and until when it may.
The driver's watchdog reads the notes and kills the processes that are overdue.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

from benchmark.tuning.run_settings import FatalEvaluation, RunSettings

SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """An evaluation whose process had to be killed."""

    run: Path
    index: int
    reason: str
    seconds: float

    def as_fatal_evaluation(self) -> FatalEvaluation:
        """Return the evaluation as it is to be recorded: as a timeout."""
        return FatalEvaluation(index=self.index, reason=self.reason, seconds=self.seconds, state="timeout")


class Watchdog:
    """Kills processes that are overdue, as long as its block lasts.

    Args:
        notify: shows the user a message.

    Attributes:
        notes: the folder where processes note what they train.
    """

    def __init__(self, notify: Callable[[str], None]) -> None:
        self.notify = notify
        self._overdue: list[Overdue] = []
        self._ended = threading.Event()

    def __enter__(self) -> Watchdog:
        self._folder = tempfile.TemporaryDirectory(prefix="incumbent-")
        self.notes = Path(self._folder.name)
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()
        self._folder.cleanup()

    def pop_overdue(self) -> list[Overdue]:
        """Return the evaluations found overdue since the last call."""
        overdue, self._overdue = self._overdue, []
        return overdue

    def _watch(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            for path in sorted(self.notes.glob("[0-9]*")):
                with suppress(OSError):  # Gone meanwhile.
                    self._check_note(path)

    def _check_note(self, path: Path) -> None:
        if not _is_locked(path):
            path.unlink()  # Its process has died, and another one may have its number by now.
            return
        note = json.loads(path.read_bytes())
        if time.monotonic() < note["until"]:
            return
        run = Path(note["run"])
        path.unlink()  # Dying takes longer than a look on a busy machine; no process is killed twice.
        if int(path.name) == os.getpid():
            self.notify(
                f"{run}: does not react to the alarm, and its process is the only one; with --jobs 2 it can be killed"
            )
            os.kill(os.getpid(), signal.SIGTERM)
            return
        self._overdue.append(Overdue(run=run, index=note["index"], reason=note["reason"], seconds=note["seconds"]))
        os.kill(int(path.name), signal.SIGKILL)


@contextmanager
def watch_trainings(
    settings: RunSettings, timeout: float | None, notify: Callable[[str], None]
) -> Iterator[tuple[RunSettings, Watchdog | None]]:
    """Watch trainings during a block, where the suite limits their time; yields settings that name the notes."""
    if timeout is None:
        yield settings, None
        return
    with Watchdog(notify) as watchdog:
        yield replace(settings, notes=watchdog.notes), watchdog


def _is_locked(path: Path) -> bool:
    """Return whether the process that wrote a note is still there."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
