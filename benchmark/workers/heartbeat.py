"""The driver's heartbeat: a file that it touches, and a file that workers touch in answer.

Workers on other machines stop when the heartbeat stops. Touching needs no room on the disk, and opening a file asks a
network file system for its true times.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

HEARTBEAT_FILE, ANSWER_FILE = ".pulse", ".answer"
"""How their names begin; the driver's label follows, because shards share a folder."""

SECONDS_BETWEEN_BEATS = 1.0

SECONDS_WITHOUT_HEARTBEAT = 60.0
"""A driver that has not touched its file for so long is gone; one that ends in good order removes it."""

SECONDS_WITHOUT_ANSWER = 300.0
"""Longest silence of all workers: Dask forgets one that hangs after as long, and starts its tasks elsewhere."""


class Heartbeat:
    """Beats in the background on behalf of the driver, and reports when no worker has answered for long.

    Args:
        folder: the suite's results, which this process holds.
        label: tells drivers apart that share the folder.
        token: by which workers know whose heartbeat it is.
        is_connected: whether the workers can be reached at all.
        on_silence: called once when they cannot, or none has answered for `SECONDS_WITHOUT_ANSWER`.
    """

    def __init__(
        self,
        folder: Path,
        label: str,
        token: str,
        is_connected: Callable[[], bool],
        on_silence: Callable[[], None],
    ) -> None:
        self.heartbeat_file, self.answer_file = folder / (HEARTBEAT_FILE + label), folder / (ANSWER_FILE + label)
        self.token, self.is_connected, self.on_silence = token, is_connected, on_silence
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Heartbeat:
        self.answer_file.touch()
        self.heartbeat_file.write_text(self.token)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        self._thread.join()
        self.heartbeat_file.unlink(missing_ok=True)
        self.answer_file.unlink(missing_ok=True)

    def _beat(self) -> None:
        answers = ChangeTimer(self.answer_file)
        silent = False
        while not self._stop.wait(SECONDS_BETWEEN_BEATS):
            touch(self.heartbeat_file)
            unanswered = answers.seconds_since_change() > SECONDS_WITHOUT_ANSWER
            if (unanswered or not self.is_connected()) and not silent:
                silent = True
                self.on_silence()


class ChangeTimer:
    """Measures how long a file has not been touched, by this machine's clock alone: clocks of machines differ."""

    def __init__(self, path: Path) -> None:
        self.path, self._last, self._since = path, -1, time.monotonic()

    def seconds_since_change(self) -> float:
        """Seconds since the file's time was last seen to change; a file that cannot be read has not changed."""
        modified = _modification_time(self.path)
        if modified not in (None, self._last):
            self._last, self._since = modified or 0, time.monotonic()
        return time.monotonic() - self._since


class HeartbeatListener:
    """Tells a worker whether its driver is alive, and answers.

    Args:
        folder: the suite's results.
        label: of the driver that the worker works for.
        token: of the same.
    """

    def __init__(self, folder: Path, label: str, token: str) -> None:
        self.heartbeat_file, self.answer_file = folder / (HEARTBEAT_FILE + label), folder / (ANSWER_FILE + label)
        self.token = token
        self._timer = ChangeTimer(self.heartbeat_file)

    def is_driver_alive(self) -> bool:
        """Touch the answer file; return whether our driver still beats."""
        touch(self.answer_file)
        try:
            token = self.heartbeat_file.read_text()
        except FileNotFoundError:
            return False
        except OSError:  # A file server that is away for a while.
            token = self.token
        return token == self.token and self._timer.seconds_since_change() < SECONDS_WITHOUT_HEARTBEAT


def touch(path: Path) -> None:
    """Set a file's time to now; a file that is gone is not created again."""
    try:
        os.utime(path)
    except OSError:
        return


def _modification_time(path: Path) -> int | None:
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return None
    try:
        return os.fstat(file).st_mtime_ns
    finally:
        os.close(file)
