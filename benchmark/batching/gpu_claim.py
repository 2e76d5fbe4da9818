"""Gives every process of this machine a GPU of its own, as long as there are enough."""

from __future__ import annotations

import socket
from dataclasses import replace
from functools import cache
from itertools import product

from objectives.objective import Machine

ANY_GPU = "cuda"
MOST_SHARING = 100
"""Processes that are spread evenly over each GPU; later ones all train on the first."""

_held: list[socket.socket] = []
"""Sockets whose names claim this process's GPUs; the kernel frees a name when its process ends."""


def claim_gpu(machine: Machine) -> Machine:
    """Return the machine with one of its GPUs for "cuda": of the first one's kind, so no result depends on which."""
    if machine.device != ANY_GPU:
        return machine
    import torch

    # A number is another GPU under another CUDA_VISIBLE_DEVICES, so the UUID tells which one is claimed.
    gpus = [torch.cuda.get_device_properties(number) for number in range(torch.cuda.device_count())]
    alike = [number for number, gpu in enumerate(gpus) if gpu.name == gpus[0].name]
    claimed = _claim_least_used(tuple(str(gpus[number].uuid) for number in alike))
    return replace(machine, device=f"{ANY_GPU}:{alike[claimed]}")


@cache
def _claim_least_used(uuids: tuple[str, ...]) -> int:
    """The first of the GPUs that the fewest processes of this machine have claimed; it is kept until the process ends.

    A claim is a bound Unix socket in Linux's abstract namespace (unix(7)): exclusive like a lock file, without a file.
    """
    for seat, (number, uuid) in product(range(MOST_SHARING), enumerate(uuids)):
        claim = socket.socket(socket.AF_UNIX)
        try:
            claim.bind(f"\0incumbent-gpu-{uuid}-{seat}")
        except OSError:  # Another process holds this seat.
            claim.close()
        else:
            _held.append(claim)
            return number
    return 0
