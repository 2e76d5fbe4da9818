"""The file that says where the live page of a suite is served, so that it is found again after a restart.

It holds a secret: whoever knows it may stop the suite. So its owner alone may read it.
"""

from __future__ import annotations

import json
import re
from contextlib import suppress
from dataclasses import asdict, dataclass

LIVE_PAGE = ".live"
"""Name of the file in a suite's folder; the server holds a lock on it while it lives."""

TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}")


@dataclass(frozen=True, slots=True, kw_only=True)
class LivePage:
    """Where a page is served.

    Attributes:
        port: on the loopback interface of this machine.
        token: the secret part of the address.
    """

    port: int
    token: str

    def url(self, suite: str) -> str:
        """The address of the page of a suite."""
        return f"http://127.0.0.1:{self.port}/{self.token}/{suite}/"

    def to_json(self) -> bytes:
        """Encode the file's content."""
        return (json.dumps(asdict(self)) + "\n").encode()


def parse_live_page(data: bytes) -> LivePage | None:
    """Read the content of the file; None where it holds no port and no secret."""
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        content = json.loads(data)
        port, token = content["port"], content["token"]
        if type(port) is int and 0 < port < 2**16 and TOKEN.fullmatch(token):
            return LivePage(port=port, token=token)
    return None
