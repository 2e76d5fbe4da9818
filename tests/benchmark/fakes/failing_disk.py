"""A disk that fails at the n-th call, below one folder: the operating system's calls, replaced for a block."""

import errno
import os
from collections.abc import Callable
from contextlib import contextmanager
from pathlib import Path

from benchmark.storage import atomic_write
from benchmark.storage import ledger as ledgers


def raise_os_error(code):
    """An action that raises an OSError of this code."""

    def action(call, *arguments, **options):
        raise OSError(code, os.strerror(code))

    return action


def write_half(call, file, data):
    """Write half of the bytes, as a disk does that fills up; what is left meets the full disk."""
    if len(data) < 2:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return call(file, data[: len(data) // 2])


CALLS = ("write", "fsync", "ftruncate", "rename", "replace", "mkdir", "open")

FAULTS = {
    "full": raise_os_error(errno.ENOSPC),
    "quota": raise_os_error(errno.EDQUOT),
    "broken": raise_os_error(errno.EIO),
    "read-only": raise_os_error(errno.EROFS),
}


class FailingDisk:
    """Counts the calls that concern a folder, and lets some of them fail.

    Args:
        folder: only what is below it fails.
        call: one of `CALLS`.
        action: what a failing call does; it is given the real one and its arguments.
        at: the first call to fail.
        once: only that one fails; otherwise all from there on.
    """

    def __init__(self, folder: Path, call: str, action: Callable, at: int = 1, *, once: bool = False):
        self.folder, self.call, self.action, self.at, self.once = str(folder), call, action, at, once
        self.real = getattr(os, call)
        self.calls = self.failed = 0

    @contextmanager
    def failing(self):
        """Let it fail in the block."""
        setattr(os, self.call, self)
        try:
            yield self
        finally:
            setattr(os, self.call, self.real)

    def __call__(self, thing, *arguments, **options):
        name = Path(f"/proc/self/fd/{thing}").readlink() if isinstance(thing, int) else os.fspath(thing)
        if str(name).startswith(self.folder):
            self.calls += 1
            if self.calls == self.at or (self.calls > self.at and not self.once):
                self.failed += 1
                return self.action(self.real, thing, *arguments, **options)
        return self.real(thing, *arguments, **options)


def replace_os(monkeypatch, disk):
    """Let the ledger write and sync, files and folders, through another `os`."""
    monkeypatch.setattr(ledgers, "os", disk)
    monkeypatch.setattr(atomic_write, "os", disk)
