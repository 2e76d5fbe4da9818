"""The command `new`: write an example of a searcher, scheduler, objective or suite, with its test."""

from __future__ import annotations

import argparse
import importlib.util

from benchmark.cli.options import choice
from benchmark.errors import python_command
from benchmark.scaffold.example import KINDS, next_commands, render_example, write_files


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kind", metavar="KIND", help=", ".join(KINDS))
    text = "of its files, as my_search: letters, digits and underscores; a class my_search:MySearch goes with it"
    parser.add_argument("name", metavar="NAME", help=text)


def execute(parsed: argparse.Namespace) -> int:
    texts = render_example(choice(*KINDS)("KIND", parsed.kind), parsed.name)
    write_files(texts)
    for name in texts:
        print(f"wrote {name}")
    print("Next:")
    for command in next_commands(parsed.kind, parsed.name):
        print(f"  {command}")
    if importlib.util.find_spec("pytest") is None:
        print(f"The test needs pytest: {python_command('-m', 'pip', 'install', 'pytest')}")
    return 0
