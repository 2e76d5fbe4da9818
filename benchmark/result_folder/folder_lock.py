"""Locks the folder of a suite's results for one process, or for the shards of one split."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from benchmark.errors import BadInput
from benchmark.planning.shard import Shard
from benchmark.storage.resume_check import RunRefused
from benchmark.storage.suite_json import FOLDER_LOCK as LOCK


@contextmanager
def folder_lock(folder: Path, shard: Shard | None = None) -> Iterator[None]:
    """Hold the suite's folder for this process, or one shard of it; a second one is refused at once.

    Shards of one split work side by side: each holds a lock of its own, and all of them together the one
    that a process without a shard holds alone. Other splits cut the runs elsewhere and have to wait.

    Raises:
        RunRefused: another process works there, or the file system does not lock.
        BadInput: the folder cannot be written.
    """
    with ExitStack() as locks:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            locks.enter_context(_file_lock(folder / LOCK, folder, "this suite", shared=shard is not None))
            if shard is not None:
                locks.enter_context(_file_lock(folder / f"{LOCK}-{shard.name}", folder, f"the shard {shard}"))
                _check_split(folder, shard)
        except OSError as error:
            raise BadInput(f"results folder {folder}: cannot be written ({error.strerror})") from error
        yield


def _check_split(folder: Path, shard: Shard) -> None:
    """Refuse to run beside shards of another split, whose runs are partly the same."""
    for lock in sorted(folder.glob(f"{LOCK}-*-of-*")):
        if not lock.name.endswith(f"-of-{shard.of}"):
            name = lock.name.removeprefix(f"{LOCK}-").replace("-of-", "/")
            with _file_lock(lock, folder, f"the shard {name}, of another split than {shard}", shared=True):
                pass


@contextmanager
def _file_lock(path: Path, folder: Path, what: str, *, shared: bool = False) -> Iterator[None]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(lock, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunRefused(f"{folder}: another process is running {what}; wait for it or stop it") from error
        except OSError as error:  # Lustre without its mount option, NFS without its lock daemon.
            remedy = "use a --results folder on a disk of this machine, and merge"
            raise RunRefused(f"{folder}: its file system locks no files ({error.strerror}); {remedy}") from error
        yield
    finally:
        os.close(lock)
