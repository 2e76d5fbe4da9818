"""Where a suite's page is served: the same port and secret after a restart, so that an open page connects again."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from analysis.live.serving.page_file import LIVE_PAGE, LivePage, parse_live_page
from benchmark.errors import BadInput

LOOPBACK = "127.0.0.1"


class AlreadyServed(Exception):
    """Another process serves the page; `page` says where."""

    def __init__(self, page: LivePage) -> None:
        super().__init__(page)
        self.page = page


class Server(ThreadingHTTPServer):
    """Answers on the loopback interface alone, each request in a thread that ends with the process."""

    daemon_threads = True
    block_on_close = False

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing of a browser that has gone."""


@contextmanager
def claimed_address(
    folder: Path, port: int | None, handler: type[BaseHTTPRequestHandler]
) -> Iterator[tuple[Server, LivePage]]:
    """Bind the server of a suite's page, and keep where it is in the suite's folder, for its owner alone.

    Args:
        folder: the suite's; where it cannot be written, the next server gets another address.
        port: where to serve; None: where it was served last if that is free, else anywhere.
        handler: of requests.

    Raises:
        AlreadyServed: another process of this user serves the page.
        BadInput: the port is taken, or may not be used.
    """
    file = _open(folder / LIVE_PAGE)
    try:
        before = None if file is None else _lock(file)
        token = secrets.token_urlsafe(24) if before is None else before.token
        server = _bind(port, before, handler)
        with server:
            page = LivePage(port=server.server_address[1], token=token)
            if file is not None:
                os.ftruncate(file, 0)
                os.pwrite(file, page.to_json(), 0)
            yield server, page
    finally:
        if file is not None:
            os.close(file)


def _open(path: Path) -> int | None:
    try:
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    except OSError:
        return None
    if os.fstat(file).st_uid != os.geteuid():  # Somebody else may know what it says.
        os.close(file)
        return None
    os.fchmod(file, 0o600)
    return file


def _lock(file: int) -> LivePage | None:
    """Lock the file for the life of this process; returns where the page was served last."""
    before = parse_live_page(os.pread(file, 1000, 0))
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        if before is not None:
            raise AlreadyServed(before) from None
    except OSError:  # The file system locks no files: two pages of a suite do no harm.
        pass
    return before


def _bind(port: int | None, before: LivePage | None, handler: type[BaseHTTPRequestHandler]) -> Server:
    wanted = [port] if port is not None else [*([] if before is None else [before.port]), 0]
    for number in wanted:
        try:
            return Server((LOOPBACK, number), handler)
        except OSError as error:
            reason = error.strerror
    raise BadInput(f"--port {port}: cannot be used on {LOOPBACK} ({reason}); leave it out to take a free one")
