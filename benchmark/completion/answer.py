"""Answers a shell that asks how a command line may go on."""

from __future__ import annotations

import argparse
import importlib
import os
from collections.abc import Iterable
from functools import partial
from typing import Any

import argcomplete

from analysis.__main__ import COMMANDS as READING
from analysis.__main__ import command_module as reading_module
from benchmark.arena.commands import COMMANDS as COMPETING
from benchmark.cli.main import COMMANDS as RUNNING
from benchmark.cli.main import command_module as running_module
from benchmark.cli.parser import Parser
from benchmark.completion import COMMANDS as COMPLETING
from benchmark.completion.words import Words, words_for

COMMANDS = {
    **{name: (summary, running_module(name)) for name, summary in RUNNING.items()},
    **COMPETING,
    **COMPLETING,
    **{name: (summary, reading_module(name)) for name, summary in READING.items()},
}
"""Every command with its line of help and its module."""


def answer_shell() -> None:
    """Print the possible words to the shell that asks, and end this process."""
    line, point = os.environ["COMP_LINE"], int(os.environ["COMP_POINT"])
    _, _, _, words, _ = argcomplete.split_line(line, point)
    command = words[1] if len(words) > 1 else None
    if command is None:
        parser = _overview()
    else:
        parser = build_parser(command)
        os.environ["_ARGCOMPLETE"] = "2"  # The words of the command begin at the second one.
    argcomplete.autocomplete(parser, always_complete_options=False, default_completer=_nothing)


def _overview() -> argparse.ArgumentParser:
    parser = Parser()
    summaries = {name: summary for name, (summary, _) in COMMANDS.items()}
    parser.add_argument("command").completer = lambda **_: summaries  # type: ignore[attr-defined]
    return parser


def build_parser(command: str) -> argparse.ArgumentParser:
    """Build the parser of a command, every argument of which knows the words that it takes; an unknown one has none."""
    parser = Parser(allow_abbrev=False)
    if command not in COMMANDS:
        return parser
    importlib.import_module(COMMANDS[command][1]).add_arguments(parser)
    for action in parser._actions:
        words = words_for(command, action)
        if words is not None:
            action.completer = partial(_complete, words)  # type: ignore[attr-defined]
    return parser


def _complete(words: Words, *, prefix: str, parsed_args: argparse.Namespace, **_: Any) -> Iterable[str]:
    return words(prefix, parsed_args)


def _nothing(**_: Any) -> Iterable[str]:
    """Complete what has no words: a number, a new name. argcomplete would offer files."""
    return ()
