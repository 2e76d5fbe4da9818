"""The command `list`: objectives, algorithms and suites."""

from __future__ import annotations

import argparse

from algorithms.interop.optional_method import OptionalMethod
from objectives.registry import Entry


def _list(parsed: argparse.Namespace) -> int:
    from benchmark.suite import parsing as suites
    from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS
    from objectives import OBJECTIVES

    for title, registry in (("objectives", OBJECTIVES), ("searchers", ALL_SEARCHERS), ("schedulers", ALL_SCHEDULERS)):
        print(f"{title}:")
        for name, entry in registry.entries.items():
            print(f"  {name:20} {_summary(entry)}")
    print("suites:")
    for name in suites.suite_names():
        print(f"  {name:20} {suites.load(name).title}")
    return 0


def _summary(entry: Entry | OptionalMethod) -> str:
    """One line on a part; for a method of a library that is missing, how to install it."""
    if isinstance(entry, OptionalMethod) and None in entry.versions().values():
        return f"{entry.summary} (not installed: pip install '.[{entry.extra}]')"
    return entry.summary
