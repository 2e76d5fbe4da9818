"""Memory that runs out: how it shows, and how to get back what is no longer used."""

from __future__ import annotations

import gc

import torch

CPU_ALLOCATOR = "DefaultCPUAllocator: can't allocate memory"
"""What torch says of the host's memory; of a GPU's it raises a type of its own."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a host's or a GPU's memory did not suffice."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or CPU_ALLOCATOR in str(error)


def release_memory() -> None:
    """Give back what only garbage still holds; call it where no exception is being handled: that holds its frames."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
