"""The command `list`: objectives, algorithms and suites, with a line on each."""

from __future__ import annotations

import argparse

from algorithms.interop.optional_method import OptionalMethod
from benchmark.suite.parsing import load, suite_names
from benchmark.tables.names import making_command, table_names
from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS
from objectives import OBJECTIVES
from objectives.registry import Entry, install_command


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command takes none."""


def execute(parsed: argparse.Namespace) -> int:
    for title, registry in (("objectives", OBJECTIVES), ("searchers", ALL_SEARCHERS), ("schedulers", ALL_SCHEDULERS)):
        print(f"{title}:")
        for name, entry in registry.entries.items():
            print(f"  {name:20} {_summary(entry)}")
    names = table_names()
    print("tables:" if names else f"tables: none is there, `{making_command()}` makes the published ones")
    for name in names:
        print(f"  {name}")
    print("suites:")
    for name in suite_names():
        print(f"  {name:20} {load(name).title}")
    return 0


def _summary(entry: Entry | OptionalMethod) -> str:
    """One line on a part; for a method of a library that is missing, how to install it."""
    if isinstance(entry, OptionalMethod) and None in entry.versions().values():
        return f"{entry.summary} (not installed: {install_command(entry.extra)})"
    return entry.summary
