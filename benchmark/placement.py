"""Which GPU a worker process trains on: one each, as long as there are enough."""

from __future__ import annotations

import fcntl
import os
from dataclasses import replace
from functools import cache
from pathlib import Path

from objectives.objective import Machine

ANY_GPU = "cuda"


def placed(machine: Machine, folder: Path) -> Machine:
    """The machine with a GPU of this process's own where any would do; trials do not depend on which."""
    if machine.device != ANY_GPU:
        return machine
    import torch

    return replace(machine, device=f"cuda:{claimed_number(folder, torch.cuda.device_count())}")


@cache
def claimed_number(folder: Path, count: int) -> int:
    """The first of `count` GPUs that no other worker of this suite holds; it is held until the process ends.

    With more workers than GPUs the later ones share.
    """
    for number in range(count):
        lock = os.open(folder / f".gpu-{number}.lock", os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
        else:
            return number  # The lock stays open, and falls with the process.
    return os.getpid() % count
