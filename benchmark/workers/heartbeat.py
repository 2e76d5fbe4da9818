"""The driver's pulse: a file that it touches; workers elsewhere that no longer feel it stop, and answer while they do.

Touching needs no room on the disk, and opening a file asks a network file system for its true times.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

PULSE, ANSWER = ".pulse", ".answer"
"""Begin of their names; the driver's label follows, because shards share a folder."""

SECONDS_BETWEEN_BEATS = 1.0

SECONDS_WITHOUT_PULSE = 60.0
"""A driver that has not touched its file so long is gone; one that ends in good order removes it."""

SECONDS_WITHOUT_ANSWER = 300.0
"""Longest silence of all workers: Dask forgets one that hangs after as long, and starts its tasks elsewhere."""


class Heartbeat:
    """The driver's side: beats in the background, and tells when nobody has answered for long.

    Args:
        folder: the suite's results, which this process holds.
        label: tells drivers apart that share the folder.
        token: by which workers know whose pulse it is.
        alive: whether the workers can be reached at all.
        silence: called once when they cannot, or none has answered for `SECONDS_WITHOUT_ANSWER`.
    """

    def __init__(
        self, folder: Path, label: str, token: str, alive: Callable[[], bool], silence: Callable[[], None]
    ) -> None:
        self.pulse, self.answer = folder / (PULSE + label), folder / (ANSWER + label)
        self.token, self.alive, self.silence = token, alive, silence
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Heartbeat:
        self.answer.touch()
        self.pulse.write_text(self.token)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.pulse.unlink(missing_ok=True)
        self.answer.unlink(missing_ok=True)

    def _beat(self) -> None:
        answers = Watch(self.answer)
        silent = False
        while not self._stop.wait(SECONDS_BETWEEN_BEATS):
            touch(self.pulse)
            if (answers.seconds() > SECONDS_WITHOUT_ANSWER or not self.alive()) and not silent:
                silent = True
                self.silence()


class Watch:
    """How long a file has not been touched, by this machine's clock alone: clocks of machines differ."""

    def __init__(self, path: Path) -> None:
        self.path, self._last, self._since = path, -1, time.monotonic()

    def seconds(self) -> float:
        """Seconds since its time was last seen to change; a file that cannot be looked at has not changed."""
        seen = _modified(self.path)
        if seen not in (None, self._last):
            self._last, self._since = seen or 0, time.monotonic()
        return time.monotonic() - self._since


class Listening:
    """A worker's side.

    Args:
        folder: the suite's results.
        label: of the driver that the worker works for.
        token: of the same.
    """

    def __init__(self, folder: Path, label: str, token: str) -> None:
        self.pulse, self.answer, self.token = folder / (PULSE + label), folder / (ANSWER + label), token
        self._watch = Watch(self.pulse)

    def felt(self) -> bool:
        """Answer; whether the driver is still there and still the same."""
        touch(self.answer)
        try:
            token = self.pulse.read_text()
        except FileNotFoundError:
            return False
        except OSError:  # A file server that is away for a while.
            token = self.token
        return token == self.token and self._watch.seconds() < SECONDS_WITHOUT_PULSE


def touch(path: Path) -> None:
    """Set a file's time; one that has gone stays gone."""
    try:
        os.utime(path)
    except OSError:
        return


def _modified(path: Path) -> int | None:
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        return os.fstat(file).st_mtime_ns
    finally:
        os.close(file)
