"""Recognises errors of memory that ran out, and frees memory that is no longer used."""

from __future__ import annotations

import gc

CPU_ALLOCATOR = "DefaultCPUAllocator: can't allocate memory"
"""What torch says of the host's memory; of a GPU's it raises a type of its own."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the memory of the host or of a GPU did not suffice."""
    import torch

    return isinstance(error, MemoryError | torch.OutOfMemoryError) or CPU_ALLOCATOR in str(error)


def release_memory() -> None:
    """Free what only garbage still holds; call it where no exception is being handled, since that holds its frames."""
    import torch

    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
