"""Registries: names of classes that are imported when one is looked up, so that listing them loads no library."""

from __future__ import annotations

import importlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

T_co = TypeVar("T_co", covariant=True)

ROOT = Path(__file__).resolve().parents[1]
"""The folder that has the four packages: a checkout, or the one where packages are installed."""


def is_checkout() -> bool:
    """Return whether the harness runs from its repository, where `make` works."""
    return (ROOT / "Makefile").is_file()


def install_command(extra: str) -> str:
    """Return the command that installs the libraries of an extra."""
    return f"pip install '{'.' if is_checkout() else 'incumbent'}[{extra}]'"


@dataclass(frozen=True, slots=True)
class Entry:
    """A class that is imported when it is used for the first time.

    Attributes:
        path: `module:Class`.
        summary: the first line of the class's docstring, for `list`.
        tasks: of an algorithm, the kinds of tasks that it makes full use of: "one" metric, "several", either of them
            "constrained"; others it refuses, or sees the first metric of.
    """

    path: str
    summary: str
    tasks: tuple[str, ...] = ("one",)

    def load(self) -> Any:
        """Import the class."""
        module, _, name = self.path.partition(":")
        return getattr(importlib.import_module(module), name)


class Registry(Mapping[str, T_co]):
    """A read-only mapping from names to classes that imports a class when it is looked up.

    Iterating, `in` and `entries` import nothing.

    Attributes:
        entries: every name's `Entry`, or another description of a class, which a look-up gives as it is.
    """

    def __init__(self, entries: Mapping[str, Any]) -> None:
        self.entries: Mapping[str, Any] = dict(entries)

    def __getitem__(self, name: str) -> T_co:
        entry = self.entries[name]
        part: T_co = entry.load() if isinstance(entry, Entry) else entry
        return part

    def __contains__(self, name: object) -> bool:
        return name in self.entries

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)

    def __or__(self, others: Mapping[str, Any]) -> Registry[Any]:
        """Both registries' names; the second may be a plain mapping."""
        return Registry({**self.entries, **(others.entries if isinstance(others, Registry) else others)})
