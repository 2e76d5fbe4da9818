"""Ends what a driver has started when the driver was killed.

Ray's own agents outlive a killed driver by a minute and more (61 and 74 s measured with Ray 2.60): they ask servers
that died with it. Run as a program this waits for a word, or the end, of its standard input; where it ends without a
word, every process that bears the driver's mark in its environment is killed. The program needs the standard library
only, so that it starts at once.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

MARK = "INCUMBENT_DRIVER"
"""Environment variable that everything a driver starts inherits."""

GRACE = 1.0
"""Seconds in which what ends by itself may: trackers of shared memory tidy up."""

ROUNDS, PAUSE = 20, 0.1
"""Processes may start others while they are looked for."""


@contextmanager
def guarded() -> Iterator[None]:
    """A context in which everything that this process starts is killed if this process is."""
    os.environ[MARK] = uuid.uuid4().hex
    words = [sys.executable, "-I", str(Path(__file__).resolve())]
    guardian = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        del os.environ[MARK]
        guardian.communicate(b"all has ended")


def main() -> None:
    """Wait for the driver's word or end; after its end kill what it has left."""
    if sys.stdin.buffer.read():
        return
    time.sleep(GRACE)
    for _ in range(ROUNDS):
        found = list(bearing(f"{MARK}={os.environ[MARK]}".encode()))
        if not found:
            return
        for process in found:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(PAUSE)


def bearing(mark: bytes) -> Iterator[int]:
    """Numbers of the other processes of this machine with a mark in their environment; none where there is no /proc."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(entry.name) != os.getpid() and mark in (entry / "environ").read_bytes():
                yield int(entry.name)


if __name__ == "__main__":
    main()
