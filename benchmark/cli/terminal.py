"""What a command says on stdout and stderr, which may be closed, full or gone."""

from __future__ import annotations

import argparse
import os
import sys
from contextlib import suppress

from benchmark.cli.resume_hint import resume_command
from benchmark.cli.signals import exit_code


def print_error(message: str) -> None:
    """A line on stderr, as far as there is one that takes it; the exit code says the rest."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(message, file=sys.stderr, flush=True)


def discard_stdout() -> None:
    """Nothing more reaches stdout, nor fails there at the interpreter's end."""
    if sys.stdout is not None:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


REFUSED, RUNS_FAILED = 2, 1


def _farewell(parsed: argparse.Namespace) -> str:
    return f"stopped; every finished evaluation is stored. To go on: {resume_command(parsed.command, parsed)}"


def _stopped(stop: BaseException, message: str) -> int:
    try:
        print(message, file=sys.stderr, flush=True)
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError:  # The terminal has gone, which the interpreter would find again at its end.
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
    return exit_code(stop)
