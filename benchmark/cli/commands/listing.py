"""The command `list`: objectives, algorithms and suites."""

from __future__ import annotations

import argparse

from algorithms.interop.optional_method import Imported


def _list(parsed: argparse.Namespace) -> int:
    from benchmark.suite import parsing as suites
    from benchmark.tuning.factory import ALL_SCHEDULERS, ALL_SEARCHERS
    from objectives import OBJECTIVES

    for title, registry in (("objectives", OBJECTIVES), ("searchers", ALL_SEARCHERS), ("schedulers", ALL_SCHEDULERS)):
        print(f"{title}:")
        for name, thing in registry.items():
            print(f"  {name:20} {_summary(thing)}")
    print("suites:")
    for name in suites.suite_names():
        print(f"  {name:20} {suites.load(name).title}")
    return 0


def _summary(thing: object) -> str:
    """One line on a part: the first of its docstring, or what its library is and how to install it."""
    if not isinstance(thing, Imported):
        return (thing.__doc__ or "").strip().splitlines()[0]
    missing = None in thing.versions().values()
    return thing.summary + (f" (not installed: pip install '.[{thing.extra}]')" if missing else "")
