"""Builds the backend that the command line names: loky, dask or ray."""

from __future__ import annotations

from benchmark.backends.base import Backend
from benchmark.backends.loky import Loky
from benchmark.errors import BadInput, require_choice, short_repr

BACKENDS = ("loky", "dask", "ray")


def build_backend(
    backend: str | None, asked: int | None, here: int, scheduler: str | None, address: str | None
) -> Backend:
    """The engine that a command asks for.

    Args:
        backend: one of `BACKENDS`, None for loky.
        asked: how many jobs the command says, if it does.
        here: how many processes this machine takes.
        scheduler: of a running Dask cluster.
        address: of a running Ray cluster.

    Raises:
        BadInput: an unknown backend, an address of another one, or a library that is not installed.
    """
    backend = require_choice("--backend", backend or BACKENDS[0], BACKENDS)
    for option, value, owner in (("--scheduler", scheduler, "dask"), ("--address", address, "ray")):
        if value is not None and owner != backend:
            raise BadInput(f"{option} {short_repr(value)}: is for --backend {owner}, not for {backend}")
    if backend == "loky":
        return Loky(here)
    if backend == "dask":
        from benchmark.backends.dask import Dask

        return Dask(here if scheduler is None else asked, scheduler)
    from benchmark.backends.ray import Ray

    return Ray(here if address is None else asked, address)
