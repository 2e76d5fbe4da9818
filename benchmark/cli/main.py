"""The command line, see `--help` for its commands; bad input exits with code 2."""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from benchmark.cli.commands import plan_and_merge
from benchmark.cli.commands.audit import _audit
from benchmark.cli.commands.calibrate import _calibrate
from benchmark.cli.commands.harvest import _harvest
from benchmark.cli.commands.listing import _list
from benchmark.cli.commands.repair import _repair
from benchmark.cli.commands.run import _reprice, _run
from benchmark.cli.commands.status import _status
from benchmark.cli.parser import COMMANDS, build_parser
from benchmark.cli.signals import Stopped
from benchmark.cli.terminal import REFUSED, RUNS_FAILED, _stopped, discard_stdout, print_error
from benchmark.errors import BadInput, one_line, require_choice

if TYPE_CHECKING:
    pass


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # A folder's name may hold what the terminal does not know.
    try:
        try:
            return _command(arguments)
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()  # A closed pipe is found here, not at the interpreter's end.
    except BadInput as error:
        print_error(f"error: {' '.join(str(error).splitlines())}")
        return REFUSED
    except (KeyboardInterrupt, Stopped) as stop:
        return _stopped(stop, "stopped")
    except BrokenPipeError:  # `... | head`: whoever read has read enough.
        discard_stdout()
        return RUNS_FAILED
    except OSError as error:  # No room for what is printed, no file handles left: nothing of a suite's own.
        discard_stdout()
        where = f"{error.filename}: " if error.filename else ""
        print_error(
            f"error: {where}{error.strerror or one_line(error)}; what is recorded stays, and the same command goes on"
        )
        return RUNS_FAILED


def _command(arguments: list[str]) -> int:
    if arguments and arguments[0] not in ("-h", "--help"):
        require_choice("command", arguments[0], COMMANDS)
    parsed = build_parser(__doc__).parse(arguments)
    commands: dict[str, Callable[[argparse.Namespace], int]] = {
        "run": _run,
        "recheck": _run,
        "audit": _audit,
        "replay": _run,
        "harvest": _harvest,
        "status": _status,
        "list": _list,
        "reprice": _reprice,
        "calibrate": _calibrate,
        "plan": plan_and_merge.plan,
        "merge": plan_and_merge.merge,
        "repair": _repair,
    }
    return commands[parsed.command](parsed)
