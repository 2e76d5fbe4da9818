"""A suite's limit on training: an alarm inside the process, and a watchdog outside for what hears no alarm.

A process that trains under a limit keeps a note, locked as long as it lives, of what it trains and until
when it may. The driver's watchdog reads the notes and kills who is overdue.
"""

from __future__ import annotations

import fcntl
import json
import os
import signal
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

SECONDS_BETWEEN_LOOKS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """An evaluation whose process had to be killed."""

    run: Path
    index: int
    reason: str
    seconds: float


class Watchdog:
    """Kills processes that are overdue, as long as its block lasts.

    Args:
        say: tells the user.

    Attributes:
        notes: the folder where processes say what they train.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self.say = say
        self._found: list[Overdue] = []
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

    def found(self) -> list[Overdue]:
        """The evaluations found overdue since the last call."""
        found, self._found = self._found, []
        return found

    def _watch(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            for path in sorted(self.notes.glob("[0-9]*")):
                with suppress(OSError):  # Gone meanwhile.
                    self._look(path)

    def _look(self, path: Path) -> None:
        if not _held(path):
            path.unlink()  # Its process has died, and another one may have its number by now.
            return
        note = json.loads(path.read_bytes())
        if time.monotonic() < note["until"]:
            return
        run = Path(note["run"])
        path.unlink()  # Dying takes longer than a look on a busy machine; nobody is found twice.
        if int(path.name) == os.getpid():
            self.say(f"{run}: hears no alarm, and its process is the only one; again with --jobs 2 it can be killed")
            os.kill(os.getpid(), signal.SIGTERM)
            return
        self._found.append(Overdue(run=run, index=note["index"], reason=note["reason"], seconds=note["seconds"]))
        os.kill(int(path.name), signal.SIGKILL)


def _held(path: Path) -> bool:
    """Whether the process that wrote a note is still there."""
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
