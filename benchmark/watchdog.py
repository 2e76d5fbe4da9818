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
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType, TracebackType
from typing import TypeVar

T = TypeVar("T")

GRACE = 2.0
"""Seconds beyond the limit within which the alarm should have done it."""

AGAIN = 1.0
"""Seconds until the alarm is raised again: third-party code may have kept the first."""

SECONDS_BETWEEN_LOOKS = 0.2


class OutOfTime(BaseException):
    """Training took longer than the limit; no `except Exception` in a network keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Overdue:
    """An evaluation whose process had to be killed."""

    run: Path
    index: int
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """How long the evaluations of a run may train.

    Attributes:
        seconds: wall time for each.
        run: name of the run's ledger, for the note.
        notes: the watchdog's folder; None when nobody watches. It is local: a worker of another machine
            leaves no note and has its alarm only.
    """

    seconds: float
    run: Path
    notes: Path | None = None

    @property
    def reason(self) -> str:
        return f"training took longer than the suite's timeout of {self.seconds:g} s"

    def hold(self, index: int, times: int, work: Callable[[], T]) -> T:
        """Do some work of an evaluation, within so many times the limit.

        Raises:
            OutOfTime: it took longer.
        """
        seconds = self.seconds * times
        with self._noted(index, seconds):
            return _within(seconds, self.reason, work)

    @contextmanager
    def _noted(self, index: int, seconds: float) -> Iterator[None]:
        if self.notes is None or not self.notes.is_dir():
            yield
            return
        path, fresh = self.notes / str(os.getpid()), self.notes / f".{os.getpid()}"
        note = {"run": str(self.run), "index": index, "until": time.monotonic() + seconds + GRACE}
        file = os.open(fresh, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.write(file, json.dumps({**note, "reason": self.reason, "seconds": self.seconds}).encode())
            fresh.rename(path)  # Whole and locked before the watchdog sees it.
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(file)


class _Alarm:
    """Raises in the main thread, as long as it is on."""

    def __init__(self, reason: str) -> None:
        self.on, self.reason = True, reason

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.on:
            raise OutOfTime(self.reason)


def _within(seconds: float, reason: str, work: Callable[[], T]) -> T:
    """Do some work; interrupt it after that time where the main thread runs Python code, else judge it afterwards."""
    began = time.monotonic()
    alarmed = threading.current_thread() is threading.main_thread()
    done = _alarmed(seconds, reason, work) if alarmed else work()
    if time.monotonic() - began > seconds:
        raise OutOfTime(reason)
    return done


def _alarmed(seconds: float, reason: str, work: Callable[[], T]) -> T:
    alarm = _Alarm(reason)
    before = signal.signal(signal.SIGALRM, alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN)
        return work()
    finally:
        alarm.on = False  # First of all: nothing may be raised from here on.
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)


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
