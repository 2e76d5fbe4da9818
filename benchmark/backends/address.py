"""Checks the address of a running cluster: its form, and that something listens there."""

from __future__ import annotations

import socket
from collections.abc import Sequence

from benchmark.errors import BadInput, one_line, short_repr

SECONDS_TO_CONNECT = 5
UNREACHABLE = "no cluster answers there; check that it runs and that this machine can reach it"


def check_reachable(option: str, address: str, schemes: Sequence[str]) -> None:
    """Refuse an address where nothing listens.

    Args:
        option: command-line option that gave it.
        address: HOST:PORT, with one of the schemes before it or none.
        schemes: the allowed ones.

    Raises:
        BadInput: it is not an address, or nothing listens there.
    """
    scheme, separator, host_and_port = address.rpartition("://")
    host, _, port = host_and_port.rpartition(":")
    if (separator and scheme not in schemes) or not host or not _is_port(port):
        forms = ", ".join(f"{allowed}://HOST:PORT" for allowed in schemes)
        raise BadInput(f"{option} {short_repr(address)}: need HOST:PORT or {forms}")
    try:
        socket.create_connection((host.strip("[]"), int(port)), SECONDS_TO_CONNECT).close()
    except (OSError, UnicodeError) as error:
        raise BadInput(f"{option} {short_repr(address)}: {UNREACHABLE} ({one_line(error)})") from error


def _is_port(text: str) -> bool:
    """Return whether it is a port's number; the system would take a greater one for another port."""
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) < 2**16
