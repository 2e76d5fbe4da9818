"""The command line, see `--help` for its commands; bad input exits with code 2."""

from __future__ import annotations

import importlib
import io
import sys
from collections.abc import Mapping
from typing import Any

from benchmark.cli.parser import Parser, build_overview
from benchmark.cli.signals import Stopped
from benchmark.cli.terminal import REFUSED, RUNS_FAILED, discard_stdout, print_error, report_stop
from benchmark.errors import BadInput, one_line, require_choice, shell_command
from benchmark.reproducibility.setting_changes import pop_changes

COMMANDS = {
    "run": "run a suite, or go on with it",
    "recheck": "train what a suite's runs selected again, with fresh seeds",
    "audit": "train recorded trials again, replay the algorithms, and say what differs",
    "replay": "run a suite on offline tables instead of training",
    "harvest": "make offline tables of what a suite has trained",
    "offline-tables": "list offline tables, make the published ones, import a CSV file",
    "reprice": "a suite's results on another calibration",
    "status": "how far a suite is",
    "doctor": "what this machine has, and how objectives train on it: routes, checks, speed",
    "list": "objectives, algorithms and suites",
    "new": "write an example of a searcher, scheduler, objective or suite of yours, with its test",
    "check": "whether a searcher or scheduler of yours does what every comparison relies on",
    "calibrate": "measure a suite's modelled prices",
    "plan": "a suite's runs and what they will be charged, or the script that submits them",
    "merge": "bring what shards have run together",
    "repair": "set damaged ledgers aside and keep what is whole of them",
}
"""Every command with its line of help; its module in `commands/` is imported only when it is asked for."""

MODULES = {"list": "list_parts", "offline-tables": "offline_tables"}
"""Modules of commands that are not called as the command is."""


def main(arguments: list[str] | None = None, further: Mapping[str, tuple[str, str]] | None = None) -> int:
    """Run one command; returns the exit code.

    Args:
        arguments: without the program's name. None: those of the process.
        further: commands of rooms above this one by name: line of help and module.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # A folder's name may hold what the terminal does not know.
    try:
        try:
            return _execute(arguments, further or {})
        finally:
            for change in pop_changes():  # Of commands that report none of their own.
                print_error(change.describe())
            if sys.stdout is not None:
                sys.stdout.flush()  # A closed pipe is found here, not at the interpreter's end.
    except BadInput as error:
        print_error(f"error: {' '.join(str(error).splitlines())}")
        return REFUSED
    except (KeyboardInterrupt, Stopped) as stop:
        return report_stop(stop, "stopped")
    except BrokenPipeError:  # `... | head`: whoever read has read enough.
        discard_stdout()
        return RUNS_FAILED
    except OSError as error:  # No room for what is printed, no file handles left: nothing of a suite's own.
        discard_stdout()
        where = f"{error.filename}: " if error.filename else ""
        reason = error.strerror or one_line(error)
        print_error(f"error: {where}{reason}; what is recorded stays, and the same command goes on")
        return RUNS_FAILED


def command_module(name: str) -> str:
    """The dotted path of the module of one of `COMMANDS`."""
    return f"benchmark.cli.commands.{MODULES.get(name, name)}"


def _execute(arguments: list[str], further: Mapping[str, tuple[str, str]]) -> int:
    summaries = {**COMMANDS, **{name: summary for name, (summary, _) in further.items()}}
    if not arguments:
        raise BadInput(
            f"command: missing, need one of {', '.join(summaries)}; see `{shell_command('benchmark', '--help')}`"
        )
    if arguments[0] in ("-h", "--help"):
        build_overview(__doc__, summaries).parse(arguments)
    name = require_choice("command", arguments[0], summaries)
    command: Any = importlib.import_module(further[name][1] if name in further else command_module(name))
    parser = Parser(prog=shell_command("benchmark", name), description=summaries[name], allow_abbrev=False)
    command.add_arguments(parser)
    parsed = parser.parse(arguments[1:])
    parsed.words = arguments
    code: int = command.execute(parsed)
    return code
