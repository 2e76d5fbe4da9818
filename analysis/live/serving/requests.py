"""Answers the requests of browsers: to those alone who know the secret of the address, and who ask for this machine."""

from __future__ import annotations

import hmac
import json
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from analysis.live.driver_process import stop_drivers
from analysis.live.script import content_policy
from analysis.live.serving.publisher import Publisher

NAMES = ("127.0.0.1", "localhost", "::1")
"""What a browser may call this machine; with any other name a page from elsewhere would have led it here.

Any port is right, for the page may be reached through a tunnel.
"""
FOLDERS = ("report", "tables", "figures")
"""Folders of a suite whose files are served: what the report links to."""
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".csv": "text/csv; charset=utf-8",
    ".txt": "text/plain; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".pdf": "application/pdf",
}
REPORT_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; font-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a browser may load for a report: its own files."""
HEARTBEAT = 15.0
"""Seconds after which something is sent to a page, so that one that was closed is noticed."""
PATIENCE = 30.0
"""Seconds that a browser may take for a request, and the page to be made."""


LONGEST_CHOICE = 100
"""Letters of what a page has chosen: data, and the name of a metric."""


class Requests(BaseHTTPRequestHandler):
    """Answers one browser; a class of its own for every server, with what it serves.

    Attributes:
        folder: the suite's.
        token: the secret.
        publisher: has the parts of the page.
    """

    protocol_version = "HTTP/1.1"
    server_version, sys_version = "incumbent", ""
    timeout = PATIENCE
    folder: Path
    token: str
    publisher: Publisher

    def do_GET(self) -> None:
        path = self._path()
        if path is None:
            return
        suite = self.folder.name
        if path in ("", suite):
            self._redirect(f"/{self.token}/{suite}/")
        elif path == f"{suite}/":
            page = self.publisher.document(PATIENCE).encode()
            self._answer(HTTPStatus.OK, page, TYPES[".html"], f"{content_policy()}; frame-ancestors 'none'")
        elif path == f"{suite}/events":
            self._send_events()
        else:
            self._send_file(path)

    def do_POST(self) -> None:
        self.close_connection = True  # Whatever the request holds is not read.
        path = self._path()
        if path is None:
            return
        if path != f"{self.folder.name}/stop":
            self._say(HTTPStatus.NOT_FOUND, "There is no such page.")
        elif stopped := stop_drivers(self.folder):
            self._answer(HTTPStatus.OK, json.dumps({"stopped": stopped}).encode(), TYPES[".json"])
        else:
            self._say(HTTPStatus.CONFLICT, "No process of yours runs the suite on this machine.")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing: the address is a secret."""

    def _path(self) -> str | None:
        """The path below the secret; None after a refusal."""
        origin = self.headers.get("Origin")
        hosts = [self.headers.get("Host"), *([] if origin is None else [urlsplit(origin).netloc])]
        if not all(_names_this_machine(host) for host in hosts):
            self._say(HTTPStatus.FORBIDDEN, "Ask for 127.0.0.1 or localhost.")
            return None
        _, token, *rest = [*urlsplit(self.path).path.split("/"), "", ""]
        if not hmac.compare_digest(token.encode(), self.token.encode()):
            self._say(HTTPStatus.NOT_FOUND, "Open the whole address that the command has printed.")
            return None
        return unquote("/".join(rest[:-2]))

    def _send_events(self) -> None:
        """Send the parts that have changed for as long as the page is open."""
        choice = next(iter(parse_qs(urlsplit(self.path).query).get("show", ())), "")[:LONGEST_CHOICE]
        with self.publisher.viewing(choice) as few:
            if not few:
                self._say(HTTPStatus.SERVICE_UNAVAILABLE, "Too many pages are open.")
                return
            self.close_connection = True
            self._begin(HTTPStatus.OK, {"Content-Type": "text/event-stream"})
            self.wfile.write(b"retry: 2000\n\n")
            version, generation = 0, self.publisher.generation
            try:
                while generation == self.publisher.generation:
                    version, parts = self.publisher.wait(version, HEARTBEAT, choice)
                    content = json.dumps({"parts": parts, "time": self.publisher.time})
                    self.wfile.write(f"data: {content}\n\n".encode())
                self.wfile.write(b"event: reload\ndata:\n\n")
            except OSError:  # The page was closed.
                return

    def _send_file(self, path: str) -> None:
        """Send a file of a report in the folder of all results."""
        results, parts = self.folder.parent, path.split("/")
        allowed = parts == ["index.html"] or (len(parts) == 3 and parts[1] in FOLDERS)
        if not allowed or ".." in parts or "\0" in path:
            self._say(HTTPStatus.NOT_FOUND, "There is no such page.")
            return
        file = results.joinpath(*parts)
        kind = TYPES.get(file.suffix)
        if kind is None or not file.is_file() or file.resolve().parent != file.parent.resolve():
            self._say(HTTPStatus.NOT_FOUND, "There is no such page.")
            return
        self._answer(HTTPStatus.OK, file.read_bytes(), kind, REPORT_POLICY)

    def _redirect(self, target: str) -> None:
        self._begin(HTTPStatus.FOUND, {"Location": target, "Content-Length": "0"})

    def _say(self, status: HTTPStatus, text: str) -> None:
        self._answer(status, f"{text}\n".encode(), TYPES[".txt"])

    def _answer(self, status: HTTPStatus, content: bytes, kind: str, policy: str = "default-src 'none'") -> None:
        headers = {"Content-Type": kind, "Content-Length": str(len(content)), "Content-Security-Policy": policy}
        self._begin(status, headers)
        self.wfile.write(content)

    def _begin(self, status: HTTPStatus, headers: dict[str, str]) -> None:
        self.send_response(status)
        always = {
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Cross-Origin-Opener-Policy": "same-origin",
        }
        closing = {"Connection": "close"} if self.close_connection else {}
        for name, value in (always | closing | headers).items():
            self.send_header(name, value)
        self.end_headers()


def _names_this_machine(host: str | None) -> bool:
    try:
        return host is not None and urlsplit(f"//{host}").hostname in NAMES
    except ValueError:
        return False
