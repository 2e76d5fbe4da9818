"""Kills the processes that a driver has started when the driver itself was killed.

Ray's own agents outlive a killed driver by a minute and more (61 and 74 s measured with Ray 2.60): they ask servers
that died with it. Run as a program, this module waits for a word on its standard input. If the input ends without one,
every process that has the driver's mark in its environment is killed. The program needs the standard library only, so
that it starts at once.
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
"""Environment variable that every process inherits which a driver starts."""

GRACE_SECONDS = 1.0
"""Time for processes that end by themselves, such as trackers of shared memory."""

ROUNDS, PAUSE = 20, 0.1
"""The search is repeated, because processes may start others meanwhile."""


@contextmanager
def kill_orphans_on_death() -> Iterator[None]:
    """Have everything killed that this process starts in the block, if this process is killed."""
    os.environ[MARK] = uuid.uuid4().hex
    command = [sys.executable, "-I", str(Path(__file__).resolve())]
    reaper = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
    finally:
        del os.environ[MARK]
        reaper.communicate(b"all has ended")


def main() -> None:
    """Wait for the driver's word or its end; after its end kill the processes that it has left."""
    if sys.stdin.buffer.read():
        return
    time.sleep(GRACE_SECONDS)
    for _ in range(ROUNDS):
        orphans = list(processes_with_mark(f"{MARK}={os.environ[MARK]}".encode()))
        if not orphans:
            return
        for process in orphans:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(process, signal.SIGKILL)
        time.sleep(PAUSE)


def processes_with_mark(mark: bytes) -> Iterator[int]:
    """Find the other processes with a mark in their environment, by number; none on a system without /proc."""
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if int(entry.name) != os.getpid() and mark in (entry / "environ").read_bytes():
                yield int(entry.name)


if __name__ == "__main__":
    main()
