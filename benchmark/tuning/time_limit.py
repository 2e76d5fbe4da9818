"""The time limit of a trial: an alarm in its process, and a note of the deadline for the watchdog outside."""

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

GRACE_SECONDS = 2.0
"""Beyond the limit, before the watchdog kills: the alarm should have ended the training by then."""

ALARM_INTERVAL = 1.0
"""Seconds until the alarm is raised again, since third-party code may have caught the first."""


class TrialTimeout(BaseException):
    """Training took longer than the limit; no `except Exception` in a network catches it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeLimit:
    """The time limit of a run's evaluations.

    Attributes:
        seconds: wall time for each.
        run: path of the run's ledger, for the note.
        notes: the watchdog's folder; None without a watchdog. It is local: a worker of another machine
            leaves no note and has its alarm only.
    """

    seconds: float
    run: Path
    notes: Path | None = None

    @property
    def reason(self) -> str:
        return f"training took longer than the suite's timeout of {self.seconds:g} s"

    def call_within(self, index: int, times: int, work: Callable[[], T]) -> T:
        """Call `work`, a part of an evaluation, within `times` times the limit.

        Raises:
            TrialTimeout: it took longer.
        """
        seconds = self.seconds * times
        with self._deadline_noted(index, seconds):
            return _call_within(seconds, self.reason, work)

    @contextmanager
    def _deadline_noted(self, index: int, seconds: float) -> Iterator[None]:
        if self.notes is None or not self.notes.is_dir():
            yield
            return
        path, fresh = self.notes / str(os.getpid()), self.notes / f".{os.getpid()}"
        note = {"run": str(self.run), "index": index, "until": time.monotonic() + seconds + GRACE_SECONDS}
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
    """A signal handler that raises in the main thread while it is on."""

    def __init__(self, reason: str) -> None:
        self.on, self.reason = True, reason

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if self.on:
            raise TrialTimeout(self.reason)


def _call_within(seconds: float, reason: str, work: Callable[[], T]) -> T:
    """Call `work`; interrupt it in the main thread once it runs Python code, in other threads judge it afterwards."""
    began = time.monotonic()
    in_main_thread = threading.current_thread() is threading.main_thread()
    result = _call_with_alarm(seconds, reason, work) if in_main_thread else work()
    if time.monotonic() - began > seconds:
        raise TrialTimeout(reason)
    return result


def _call_with_alarm(seconds: float, reason: str, work: Callable[[], T]) -> T:
    alarm = _Alarm(reason)
    before = signal.signal(signal.SIGALRM, alarm)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds, ALARM_INTERVAL)
        return work()
    finally:
        alarm.on = False  # First of all: nothing may be raised from here on.
        signal.setitimer(signal.ITIMER_REAL, 0.0)
        signal.signal(signal.SIGALRM, before)
