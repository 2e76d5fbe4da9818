"""How a worker process begins. Imports nothing heavy, so that the watch stands before torch is loaded."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from contextlib import suppress

SECONDS_BETWEEN_LOOKS = 0.2

SET_PARENT_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of Linux's <sys/prctl.h>."""


def begin(parent: int) -> None:
    """Set up a worker: Ctrl-C and hang-ups are the driver's business, and the worker ends when the driver does."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()
    if sys.platform == "linux":
        _die_with_parent()


def _die_with_parent() -> None:
    """Let the kernel kill this process with its parent, even when it is stopped or deep inside a C library."""
    with suppress(OSError, AttributeError):  # A C library without prctl: the thread is left.
        ctypes.CDLL(None).prctl(SET_PARENT_DEATH_SIGNAL, int(signal.SIGKILL))


def _end_with(parent: int) -> None:
    """Left alone, loky's workers outlive a killed driver by minutes and go on writing."""
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)
