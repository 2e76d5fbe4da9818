"""`live`: a page on this machine that follows a suite while it runs, here or elsewhere."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from threading import Thread

from analysis.commands.arguments import add_suite
from analysis.loading.suite_folder import suite_folder
from benchmark.errors import BadInput, short_repr

DEFAULT_RESULTS = "results"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_suite(parser)
    parser.add_argument("--port", metavar="N", help="port to serve the page on (default: a free one, which is printed)")
    # How `run --live` starts it: in the background, until it is needed no more.
    parser.add_argument("--ends-after", metavar="SECONDS", type=float, help=argparse.SUPPRESS)


def execute(options: argparse.Namespace) -> int:
    port = check_port(options.port)
    folder = suite_folder(Path(options.results), options.suite).absolute()

    from analysis.live.serving.address import AlreadyServed, claimed_address
    from analysis.live.serving.publisher import Publisher
    from analysis.live.serving.requests import Requests

    publisher = Publisher()
    handler = type("SuiteRequests", (Requests,), {"folder": folder, "publisher": publisher})
    try:
        with claimed_address(folder, port, handler) as (server, page):
            handler.token = page.token  # type: ignore[attr-defined]
            Thread(target=server.serve_forever, daemon=True).start()
            _print_address(page.url(folder.name), background=options.ends_after is not None)
            _watch(folder, publisher, options)
            server.shutdown()
    except AlreadyServed as served:
        address = served.page.url(folder.name)
        print(address if options.ends_after is not None else f"live page: {address} (another process serves it)")
    except KeyboardInterrupt:
        print("the page is no longer served")
    return 0


def check_port(text: str | None) -> int | None:
    """The port asked for; None where any will do.

    Raises:
        BadInput: no number of a port.
    """
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 5 or not 1 <= int(text) <= 65535:
        raise BadInput(f"--port {short_repr(text)}: need a whole number in 1..65535")
    return int(text)


def _watch(folder: Path, publisher: object, options: argparse.Namespace) -> None:
    from analysis.live.watcher import Watcher, lower_priority  # pandas: the address is printed before it is imported

    lower_priority()
    words = [] if options.results == DEFAULT_RESULTS else ["--results", options.results]
    Watcher(folder, publisher, ends_after=options.ends_after, words=words).watch()  # type: ignore[arg-type]


def _print_address(address: str, *, background: bool) -> None:
    """Print where the page is; in the background nothing is printed after it, for nobody reads it."""
    print(address if background else f"live page: {address} (Ctrl-C ends it, and no run)", flush=True)
    if background:
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (1, 2):
            os.dup2(nowhere, stream)
