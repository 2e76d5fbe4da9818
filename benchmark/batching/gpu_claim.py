"""Which GPU a worker process trains on: one each, as long as the machine has enough.

GPUs belong to the machine, not to a suite: two suites, shards in folders of their own and a cluster's workers
share them. So the locks lie in a folder of this machine, which a file server that others see does not carry,
and bear the names of physical devices: number 0 is another GPU under another CUDA_VISIBLE_DEVICES.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

from objectives.objective import Machine

ANY_GPU = "cuda"

SHARED = Path("/tmp")
"""Where all of a user's processes look for the locks; TMPDIR may be another one for every job."""

_claims: dict[tuple[str, ...], int] = {}
"""What this process holds: it asks once for every set of GPUs, however many suites it works for."""


def claim_gpu(machine: Machine, folder: Path) -> Machine:
    """The machine with a GPU of this process's own where any would do; trials do not depend on which.

    Args:
        machine: with a device that may be any.
        folder: the suite's results, for the locks where this machine has no place for them.
    """
    if machine.device != ANY_GPU:
        return machine
    import torch

    return replace(machine, device=f"cuda:{claimed_number(names_of(torch.cuda), folder)}")


def names_of(cuda: Any) -> tuple[str, ...]:
    """What tells each visible GPU from every other of this machine: its UUID, its PCI address, or its visible name.

    Args:
        cuda: `torch.cuda`.
    """
    visible = [name.strip() for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",")]
    names = []
    for number in range(cuda.device_count()):
        entry = visible[number] if number < len(visible) and visible[number] else str(number)
        names.append(entry if entry.startswith("MIG-") else _physical(cuda.get_device_properties(number)) or entry)
    return tuple(names)


def claimed_number(names: tuple[str, ...], folder: Path) -> int:
    """The first GPU that no other process of this user holds; it is held until the process ends.

    With more processes than GPUs the later ones share.

    Args:
        names: of the GPUs, as `names_of` gives them.
        folder: for the locks where this machine has no place for them.
    """
    if names not in _claims:
        _claims[names] = _first_free(names, folder)
    return _claims[names]


def private(shared: Path) -> int | None:
    """A handle on this user's folder of locks; None where another owner's, a link or no folder has its name.

    Args:
        shared: a folder in which anybody may have made anything.
    """
    path = shared / f"incumbent-gpus-{os.geteuid()}"
    with suppress(OSError):  # Mostly it is there; if it cannot be made, it cannot be opened either.
        path.mkdir(mode=0o700)
    try:
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return None
    found = os.fstat(handle)
    if found.st_uid == os.geteuid() and not found.st_mode & 0o022:
        return handle
    os.close(handle)
    return None


def _first_free(names: Sequence[str], folder: Path) -> int:
    handle = private(SHARED if SHARED.is_dir() else Path(tempfile.gettempdir()))
    if handle is None:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        return next((number for number, name in enumerate(names) if _locked(name, handle)), os.getpid() % len(names))
    finally:
        os.close(handle)


def _locked(name: str, folder: int) -> bool:
    """Whether the lock of a GPU is this process's now; it stays open, and falls with the process."""
    safe = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in name)
    flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK  # No link is followed, no FIFO waited for.
    try:
        lock = os.open(f".gpu-{safe}.lock", flags, 0o600, dir_fd=folder)
    except OSError:
        return False
    try:
        if stat.S_ISREG(os.fstat(lock).st_mode):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
    except OSError:  # Another process holds it.
        pass
    os.close(lock)
    return False


def _physical(properties: Any) -> str | None:
    """The device's UUID or PCI address, as far as this torch tells them."""
    if getattr(properties, "uuid", None) is not None:
        return str(properties.uuid)
    parts = [getattr(properties, name, None) for name in ("pci_domain_id", "pci_bus_id", "pci_device_id")]
    return None if None in parts else "pci-" + "-".join(f"{part:x}" for part in parts)
