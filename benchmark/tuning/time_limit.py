"""The time limit of a trial: an alarm inside its own process."""

from __future__ import annotations

import fcntl
import json
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import TypeVar

T = TypeVar("T")


GRACE = 2.0
"""Seconds beyond the limit within which the alarm should have done it."""


AGAIN = 1.0
"""Seconds until the alarm is raised again: third-party code may have kept the first."""


class TrialTimeout(BaseException):
    """Training took longer than the limit; no `except Exception` in a network keeps it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimit:
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
            TrialTimeout: it took longer.
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
            raise TrialTimeout(self.reason)


def _within(seconds: float, reason: str, work: Callable[[], T]) -> T:
    """Do some work; interrupt it after that time where the main thread runs Python code, else judge it afterwards."""
    began = time.monotonic()
    alarmed = threading.current_thread() is threading.main_thread()
    done = _alarmed(seconds, reason, work) if alarmed else work()
    if time.monotonic() - began > seconds:
        raise TrialTimeout(reason)
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
