"""How a worker process begins. Imports nothing heavy, so that the watch stands before torch is loaded."""

from __future__ import annotations

import os
import signal
import threading
import time

SECONDS_BETWEEN_LOOKS = 0.2


def begin(parent: int) -> None:
    """Set up a worker: Ctrl-C is the driver's business, and the worker ends when the driver does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    """Left alone, loky's workers outlive a killed driver by minutes and go on writing."""
    while os.getppid() == parent:
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os._exit(1)
