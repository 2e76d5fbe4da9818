"""What a command says on stdout and stderr, which may be closed, full or gone."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress

from benchmark.cli.resume_hint import resume_command
from benchmark.cli.signals import exit_code

REFUSED, RUNS_FAILED = 2, 1
"""Exit codes."""


def print_error(message: str) -> None:
    """Print a line on stderr, as far as there is one that takes it; the exit code says the rest."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(message, file=sys.stderr, flush=True)


def discard_stdout() -> None:
    """Redirect stdout to /dev/null, so that flushing at exit cannot fail."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def stop_message(parsed: argparse.Namespace) -> str:
    """Build what a stopped suite says: that nothing is lost, and the command to go on."""
    return f"stopped; every finished evaluation is stored. To go on: {resume_command(parsed)}"


def report_stop(stop: BaseException, message: str) -> int:
    """Print why a command was stopped; returns its exit code."""
    try:
        print(message, file=sys.stderr, flush=True)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # The terminal has gone, which the interpreter would find again at its end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    return exit_code(stop)
