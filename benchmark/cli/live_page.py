"""Starts the live page of a suite, as a process of its own that no run waits for."""

from __future__ import annotations

import argparse
import json
import os
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from benchmark.cli.arguments import add_checked
from benchmark.cli.options import whole_number
from benchmark.errors import ROOT, BadInput

PAGE_FILE = ".live"
"""Name of the file in a suite's folder that says where its page is served, see `analysis/live/serving/page_file.py`."""
MINUTES_AFTER = 10
"""A page that nobody looks at is served so much longer than its suite runs."""


def add_live(parser: argparse.ArgumentParser) -> None:
    """Add --live and --port."""
    text = (
        "follow the suite on a page that this machine alone serves; its address is printed. The page outlives the run "
        f"for as long as it is open, and for {MINUTES_AFTER} minutes"
    )
    parser.add_argument("--live", action="store_true", help=text)
    text = "port of the page (default: a free one)"
    add_checked(parser, "--port", "N", whole_number(1, 65535), text, default=None)


def check_live(parsed: argparse.Namespace, folder: Path) -> None:
    """Refuse a port without a page, and one that is taken, but by a page of the same suite."""
    if parsed.port is None:
        return
    if not parsed.live:
        raise BadInput("--port: only of a live page; give --live too")
    if _served_port(folder) == parsed.port:
        return
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", parsed.port))
        except OSError as error:
            raise BadInput(f"--port {parsed.port}: cannot be used ({error.strerror}); leave it out") from error


def _served_port(folder: Path) -> object:
    """The port that the page of a suite is or was served on; None where there is none."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        return json.loads((folder / PAGE_FILE).read_bytes())["port"]
    return None


def start_live_page(folder: Path, port: int | None) -> None:
    """Start the server of a suite's page, unless it is served already, and print its address.

    It is in a session of its own, so that Ctrl-C and the end of the terminal leave it alone. A page that cannot be
    served is no reason not to run.

    Args:
        folder: the suite's, with its plan.
        port: where to serve; None: any free one.
    """
    words = ["live", folder.name, "--results", str(folder.parent), "--ends-after", str(60 * MINUTES_AFTER)]
    server = subprocess.Popen(
        [sys.executable, os.path.join(ROOT, "incumbent.py"), *words, *([] if port is None else ["--port", str(port)])],  # noqa: PTH118
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    )
    assert server.stdout is not None
    assert server.stderr is not None
    with server.stdout, server.stderr:
        address = server.stdout.readline().strip()
        reason = "" if address else " ".join(server.stderr.read().split())
    print(f"live page: {address}" if address else f"no live page: {reason}", flush=True)
    server.returncode = 0  # It outlives this process, which is no leak to warn of.
