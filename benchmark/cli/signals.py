"""Signals that ask a suite to stop: it ends in good order, and soon, whatever the process is doing.

Every record is durable before it counts, so ending at once loses nothing that ending in good order keeps;
good order is for the workers, the terminal and temporary files.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Any, NoReturn

STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

SECONDS_TO_STOP = 4.0
"""Good order may take so long; then the process ends at once."""

ONE_REQUEST = 0.5
"""Seconds within which signals are one request: `timeout` sends its signal to the process and to its group."""

SHOW_CURSOR = b"\x1b[?25h"

_handlers_before: dict[signal.Signals, Any] = {}
"""Handlers outside of the block that is stoppable now, by signal; empty outside of any."""

_before_fork = threading.local()
"""The mask of signals that a thread which forks had before."""


class Stopped(BaseException):
    """The process was asked to stop by a signal; no `except Exception` on the way keeps it."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


def exit_code(stop: BaseException) -> int:
    """Return the exit code that a shell reports of a process that this ended."""
    return 128 + (stop.number if isinstance(stop, Stopped) else signal.SIGINT)


@contextmanager
def stoppable(farewell: Callable[[], str]) -> Iterator[None]:
    """Raise `Stopped` in the block on the first signal; end the process at once on the next, or when it takes too long.

    A signal that is ignored (`nohup`, a shell's background job) stays ignored. What the operating system
    was told before is told again at the end. Python hears signals in the main thread only, so in any other the
    block runs as it is, and whoever owns the main thread decides how the process is stopped.

    Args:
        farewell: what to say when the process ends at once.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {number: signal.getsignal(number) for number in STOPPING}
    reading_end, writing_end = os.pipe()
    for end in (reading_end, writing_end):
        os.set_blocking(end, False)
    wakeup = signal.set_wakeup_fd(writing_end, warn_on_full_buffer=False)
    # A thread, because Python runs handlers between instructions only: not while a kernel computes for minutes.
    guard = threading.Thread(target=_guard, args=(reading_end, farewell), daemon=True)
    guard.start()
    _handlers_before.update(before)
    try:
        for number, handler in before.items():
            if handler is not signal.SIG_IGN:
                signal.signal(number, _stop)
        yield
    finally:
        _handlers_before.clear()
        for number, handler in before.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(wakeup)
        os.close(writing_end)
        guard.join()
        os.close(reading_end)


def _hold_signals() -> None:
    """Let signals wait while this thread forks, until the child has left the block."""
    if _handlers_before:
        _before_fork.mask = signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)


def _release_signals() -> None:
    mask = getattr(_before_fork, "mask", None)
    if mask is not None:
        _before_fork.mask = None
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def _leave_in_child() -> None:
    """Leave the block in a process that was forked from it, so that a signal to that one stops nothing but itself.

    A trial may fork: `multiprocessing.Pool` ends its processes by SIGTERM. They would write into the guard's pipe,
    which they share, and the guard would end the suite.
    """
    if _handlers_before:
        signal.set_wakeup_fd(-1)
        for number, handler in _handlers_before.items():
            signal.signal(number, handler)
        _handlers_before.clear()
    _release_signals()


os.register_at_fork(before=_hold_signals, after_in_parent=_release_signals, after_in_child=_leave_in_child)


def end_within(seconds: float, code: int) -> None:
    """End the process after some seconds, should the interpreter not have ended by then."""
    timer = threading.Timer(seconds, os._exit, (code,))
    timer.daemon = True
    timer.start()


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    for other in STOPPING:  # The guard hears the next one; a second exception would cut good order short.
        if signal.getsignal(other) is _stop:
            signal.signal(other, _hear)
    raise Stopped(number)


def _hear(number: int, frame: FrameType | None) -> None:
    """Do nothing: the guard hears of the signal through the pipe."""


def _guard(heard: int, farewell: Callable[[], str]) -> None:
    """Wait for a signal; after it for another, or for the end of good order's time. Ends when the pipe is closed."""
    first = _next_signal(heard, None)
    if first is None:
        return
    deadline = time.monotonic() + SECONDS_TO_STOP
    grace = time.monotonic() + ONE_REQUEST
    while True:
        number = _next_signal(heard, deadline)
        if number is None:
            return
        if number == 0 or time.monotonic() > grace:
            _end_at_once(first, farewell)


def _next_signal(heard: int, deadline: float | None) -> int | None:
    """The next of `STOPPING`; 0 at the deadline, None when there will be no more."""
    while True:
        left = None if deadline is None else max(0.0, deadline - time.monotonic())
        if not select.select([heard], [], [], left)[0]:
            return 0
        data = os.read(heard, 1)
        if not data:
            return None
        if data[0] in STOPPING:
            return data[0]


def _end_at_once(number: int, farewell: Callable[[], str]) -> None:
    """Say how to go on and end; workers see their parent gone and follow."""
    with suppress(Exception):  # Nothing may keep the process: the terminal may be gone, the interpreter half ended.
        if sys.stdout is not None and sys.stdout.isatty():
            os.write(1, SHOW_CURSOR)
        os.write(2, f"{farewell()}\n".encode(errors="backslashreplace"))
    os._exit(128 + number)
