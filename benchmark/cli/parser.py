"""An argument parser whose refusals are one line with the nearest match, and whose options check their values."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from benchmark.errors import BadInput, nearest_match, shell_command, short_repr

Check = Callable[[str, str], Any]
"""Takes an option's name and its text; returns the value, or raises `BadInput` that names the option."""


class Parser(argparse.ArgumentParser):
    """Refuses by `BadInput`, without printing a usage text before it."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message}; see `{self.prog} --help`")

    def parse(self, arguments: list[str]) -> argparse.Namespace:
        """Parse all arguments.

        Raises:
            BadInput: an unknown option, or one that the parser refuses.
        """
        parsed, rest = self.parse_known_args(arguments)
        if rest and not rest[0].startswith("-"):  # Words of a list that go on after an option.
            parsed, rest = self.parse_known_intermixed_args(arguments)
        if rest:
            words = sorted(word for action in self._actions for word in action.option_strings if word[:2] == "--")
            hint = nearest_match(rest[0], words)
            raise BadInput(f"option {short_repr(rest[0])}: unknown, allowed are {', '.join(words)}{hint}")
        return parsed


class Checked(argparse.Action):
    """Stores what a check makes of an option's text.

    argparse's own `type=` would put another message round the refusal.
    """

    def __init__(self, *, check: Check, **options: Any) -> None:
        super().__init__(**options)
        self.check = check

    def __call__(
        self, parser: argparse.ArgumentParser, namespace: argparse.Namespace, values: Any, option_string: Any = None
    ) -> None:
        setattr(namespace, self.dest, self.check(option_string or str(self.metavar), values))


def build_overview(description: str | None, commands: Mapping[str, str]) -> Parser:
    """Build the parser behind `--help`, which shows every command with its line."""
    lines = [f"  {name:10} {summary}" for name, summary in commands.items()]
    parser = Parser(
        prog=shell_command("benchmark"),
        description="\n".join([description or "", "", *lines]),
        epilog=f"{shell_command('benchmark', 'COMMAND', '--help')} names the options of a command.",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("command", metavar="COMMAND", help="one of the above")
    return parser
