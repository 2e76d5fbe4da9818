"""The address of a running cluster: refused when it is none, or when nobody listens there."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from benchmark.errors import BadInput, one_line, short_repr

SECONDS_TO_CONNECT = 5
UNREACHABLE = "it answers nobody; see that it runs, and that this machine may reach it"


def reach(option: str, address: str, schemes: Sequence[str]) -> None:
    """Refuse an address that nobody listens at.

    Args:
        option: by which it was given.
        address: HOST:PORT, with one of the schemes before it or none.
        schemes: those that are allowed.

    Raises:
        BadInput: it is no address, or nobody is there.
    """
    scheme, mark, place = address.rpartition("://")
    host, _, port = place.rpartition(":")
    if (mark and scheme not in schemes) or not host or not _port(port):
        forms = ", ".join(f"{allowed}://HOST:PORT" for allowed in schemes)
        raise BadInput(f"{option} {short_repr(address)}: need HOST:PORT or {forms}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_CONNECT).close()
    except (OSError, UnicodeError) as error:
        raise BadInput(f"{option} {short_repr(address)}: {UNREACHABLE} ({one_line(error)})") from error


def _port(text: str) -> bool:
    """Whether it is a port's number; the system would take a greater one for another port."""
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 2**16
