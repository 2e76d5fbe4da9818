"""Finds the processes that run a suite by the lock that they hold on its folder, and asks them to stop.

Nothing here takes the lock: a driver that starts at that moment would be refused.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Set
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from benchmark.storage.suite_json import FOLDER_LOCK

LOCKS = Path("/proc/locks")
"""All locks of this machine: number, kind, `ADVISORY`, mode, process, device:inode, begin, end.

The device is not always that which the file's status names, so a file is proved by the descriptors of the process.
"""
Locks = Mapping[int, Set[int]]
"""Numbers of locked files by the process that holds the locks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Driver:
    """A process of this machine that holds the lock of a suite's folder.

    Attributes:
        ours: whether it is proved to have the file open and belongs to the user of this process.
    """

    pid: int
    ours: bool


def find_drivers(folder: Path, locks: Locks | None = None) -> list[Driver]:
    """The processes of this machine that run the suite of a folder; several are shards of one split.

    Args:
        folder: the suite's.
        locks: from `read_locks`; None: they are read.
    """
    try:
        lock = (folder / FOLDER_LOCK).stat()
    except OSError:
        return []
    found = []
    for pid, files in (read_locks() if locks is None else locks).items():
        if lock.st_ino not in files:
            continue
        opened = _has_open(pid, lock)
        if opened is not False:
            found.append(Driver(pid=pid, ours=opened is True and _is_ours(pid)))
    return found


def read_locks() -> Locks:
    """The files that are locked on this machine, by process; none where the system does not tell."""
    found: dict[int, set[int]] = {}
    try:
        lines = LOCKS.read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        words = line.split()
        if len(words) == 8 and words[4].isdigit() and int(words[4]) > 0:  # A process that waits for a lock has 9.
            found.setdefault(int(words[4]), set()).add(int(words[5].rpartition(":")[2]))
    return found


def stop_drivers(folder: Path) -> list[int]:
    """Send the signal of Ctrl-C to every process of ours that runs the suite; returns their numbers.

    A process that ignores it, as one in the background of a script does, is sent SIGTERM, which stops a suite in the
    same way.
    """
    return [driver.pid for driver in find_drivers(folder) if driver.ours and _stop(folder, driver)]


def _stop(folder: Path, driver: Driver) -> bool:
    """Signal a process by a handle, so that a later process of the same number cannot be met."""
    try:
        handle = os.pidfd_open(driver.pid)
    except OSError:  # It has ended.
        return False
    try:
        if driver not in find_drivers(folder):  # The handle may be that of a later process.
            return False
        number = signal.SIGTERM if _ignores_interrupt(driver.pid) else signal.SIGINT
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(handle, number)
            return True
        return False
    finally:
        os.close(handle)


def _has_open(pid: int, file: os.stat_result) -> bool | None:
    """Whether a process has a file open; None where that cannot be seen."""
    try:
        descriptors = list(Path(f"/proc/{pid}/fd").iterdir())
    except PermissionError:
        return None
    except OSError:
        return False
    for descriptor in descriptors:
        with suppress(OSError):
            if os.path.samestat(descriptor.stat(), file):
                return True
    return False


def _is_ours(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}").stat().st_uid == os.geteuid()
    return False


def _ignores_interrupt(pid: int) -> bool:
    with suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            name, _, value = line.partition(":")
            if name == "SigIgn":
                return bool(int(value, 16) & 1 << (signal.SIGINT - 1))
    return False
