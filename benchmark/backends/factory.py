"""Builds the backend that the command line names: loky, dask or ray."""

from __future__ import annotations

from benchmark.backends.base import Backend
from benchmark.backends.loky import Loky
from benchmark.errors import BadInput, require_choice, short_repr

BACKENDS = ("loky", "dask", "ray")


def build_backend(
    backend: str | None, requested_jobs: int | None, local_jobs: int, scheduler: str | None, address: str | None
) -> Backend:
    """Build the backend that a command asks for.

    Args:
        backend: one of `BACKENDS`, None for loky.
        requested_jobs: number of jobs given on the command line, if any.
        local_jobs: number of processes for this machine.
        scheduler: address of a running Dask cluster.
        address: address of a running Ray cluster.

    Raises:
        BadInput: the backend is unknown, an address belongs to another one, or a library is not installed.
    """
    backend = require_choice("--backend", backend or BACKENDS[0], BACKENDS)
    for option, value, owner in (("--scheduler", scheduler, "dask"), ("--address", address, "ray")):
        if value is not None and owner != backend:
            raise BadInput(f"{option} {short_repr(value)}: is for --backend {owner}, not for {backend}")
    if backend == "loky":
        return Loky(local_jobs)
    if backend == "dask":
        from benchmark.backends.dask import Dask

        return Dask(local_jobs if scheduler is None else requested_jobs, scheduler)
    from benchmark.backends.ray import Ray

    return Ray(local_jobs if address is None else requested_jobs, address)
