"""`python -m analysis VERB SUITE`: from the ledgers of a suite to its tables, figures, report and more."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from contextlib import suppress
from typing import Any, NoReturn

try:
    from benchmark.errors import BadInput, nearest_match, run_program, shell_command
except ImportError as error:  # Nothing of ours can be imported, so the message is made here.
    print(
        f"error: {error}: a file or folder called benchmark is found in the place of the harness's; give it another "
        "name, or use the program `incumbent` (`python -m incumbent`), which looks in the current folder last",
        file=sys.stderr,
    )
    sys.exit(2)

COMMANDS = {
    "tables": "write a suite's CSV tables",
    "figures": "draw a suite's figures",
    "plots": "write a suite's CSV tables and draw its figures",
    "report": "write a suite's HTML report, its CSV tables, and the index of all reports",
    "live": "serve a page on this machine that follows a suite while it runs",
    "compare": "hold the runs of two suites against each other: did a change make results worse?",
    "power": "say how many repetitions a wanted effect needs, from a pilot suite",
    "export": "write a suite's results in the format of another tool",
    "import": "make results of studies that other tools recorded: Optuna, CSV files and more",
    "verify": "trace a figure, a table or a row of it to its ledgers, and make it again",
}
"""Every verb with its line of help; its module in `commands/` is imported only when it is asked for."""

MODULES = {"tables": "plots", "figures": "plots", "import": "import_studies"}
"""Modules of verbs that are not called as the verb is."""


class _Parser(argparse.ArgumentParser):
    """Refuses as the rest does: one message, no usage text before it."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; see {shell_command('analysis', '--help')}")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: without the program's name; those of the process by default.

    Returns:
        The exit code: that of the verb (0 where it has no verdict of its own), or 2 for input that
        cannot be used, after one message and with nothing written.
    """
    try:
        return _execute(sys.argv[1:] if arguments is None else arguments)
    except BadInput as error:
        _print_error(f"error: {error}")
        return 2
    except BrokenPipeError:  # `... | head`: whoever read has read enough, and the files are written.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        _print_error(f"error: {where}{error.strerror or error}; check the path and its permissions")
        return 2


def _print_error(message: str) -> None:
    """A line on stderr, as far as there is one that takes it; the exit code says the rest."""
    if sys.stderr is not None:
        with suppress(OSError):
            print(message, file=sys.stderr, flush=True)


def command_module(verb: str) -> str:
    """The dotted path of a verb's module."""
    return f"analysis.commands.{MODULES.get(verb, verb)}"


def _execute(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        _overview().parse_args(arguments or [])
    verb = arguments[0]
    if verb.startswith("-"):
        raise BadInput(f"unknown argument {verb!r}{nearest_match(verb, ['--help'])}; a command comes first")
    if verb not in COMMANDS:
        raise BadInput(f"command {verb!r}: not one of {', '.join(COMMANDS)}{nearest_match(verb, COMMANDS)}")
    command: Any = importlib.import_module(command_module(verb))
    parser = _Parser(prog=shell_command("analysis", verb), description=COMMANDS[verb], allow_abbrev=False)
    command.add_arguments(parser)
    options, unknown = parser.parse_known_args(arguments[1:])
    if unknown:
        known = [option for action in parser._actions for option in action.option_strings if option.startswith("--")]
        raise BadInput(f"unknown argument {unknown[0]!r}{nearest_match(unknown[0].partition('=')[0], known)}")
    options.command = verb
    code: int = command.execute(options)
    return code


def _overview() -> argparse.ArgumentParser:
    """What `--help` shows: every verb with its line."""
    lines = [f"  {verb:8} {summary}" for verb, summary in COMMANDS.items()]
    parser = _Parser(
        prog=shell_command("analysis"),
        description="\n".join(["From the ledgers of a suite to what can be said of it.", "", *lines]),
        epilog=f"{shell_command('analysis', 'VERB', '--help')} tells what it takes.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("command", metavar="VERB", help=f"one of {', '.join(COMMANDS)}")
    return parser


if __name__ == "__main__":
    sys.exit(run_program(main))
