"""What stands behind an algorithm's label: scheduler, searcher, options, workers, library versions."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from benchmark.errors import BadInput

LONGEST = 60
"""Letters of a description in a legend; the table has all of it."""
MARK = "\u2020"
"""Marks an algorithm that lacks something the others have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A scheduler or searcher and the options that the suite gives it."""

    name: str
    options: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Algorithm:
    """One algorithm of a suite.

    Attributes:
        searcher: None for a scheduler that brings its own.
        n_workers: simulated parallel workers.
        libraries: versions of the libraries that its recorded runs used.
        lacks: what it cannot do of what the conformance tests ask, and why.
    """

    scheduler: Part
    searcher: Part | None
    n_workers: int
    libraries: Mapping[str, str] = field(default_factory=dict)
    lacks: Mapping[str, str] = field(default_factory=dict)

    def description(self) -> str:
        """Workers, library versions and options on one line; empty where there is nothing to tell.

        Libraries that the first one builds on come last: a line that is too long is cut there.
        """
        workers = [f"{self.n_workers} workers"] if self.n_workers > 1 else []
        main, *others = [f"{name} {version}" for name, version in self.libraries.items()] or [""]
        options = [f"{name}={_short(value)}" for part in self.parts() for name, value in part.options.items()]
        text = ", ".join(filter(None, [*workers, main, *options, *others]))
        return text if len(text) <= LONGEST else text[: LONGEST - 1] + "\u2026"

    @property
    def is_random_search(self) -> bool:
        """Whether it is our own plain random search, trained one after another to the end."""
        return self.n_workers == 1 and [part.name for part in self.parts()] == ["basic", "random"]

    def parts(self) -> list[Part]:
        return [self.scheduler] if self.searcher is None else [self.scheduler, self.searcher]

    def label(self, algorithm: str) -> str:
        """What a legend calls the algorithm."""
        description = self.description()
        return algorithm + (f" [{description}]" if description else "") + (f" {MARK}" if self.lacks else "")


def declared_algorithm(label: str, entry: Mapping[str, Any], n_workers: int) -> Algorithm:
    """An algorithm as the suite's plan declares it.

    Raises:
        BadInput: an entry that no suite writes.
    """
    searcher = entry.get("searcher")
    workers = n_workers if entry.get("n_workers") is None else entry["n_workers"]
    if type(workers) is not int or workers < 1:
        raise BadInput(f"algorithms.{label}.n_workers = {workers!r}: need a whole number >= 1")
    return Algorithm(
        scheduler=_part(f"algorithms.{label}.scheduler", entry.get("scheduler", {"name": "basic", "options": {}})),
        searcher=None if searcher is None else _part(f"algorithms.{label}.searcher", searcher),
        n_workers=workers,
    )


def algorithms_table(algorithms: Mapping[str, Algorithm]) -> pd.DataFrame:
    """One row an algorithm, in the order of the plan; options, versions and lacks as JSON."""
    rows = [
        {
            "algorithm": label,
            "scheduler": algorithm.scheduler.name,
            "scheduler_options": _json(algorithm.scheduler.options),
            "searcher": "" if algorithm.searcher is None else algorithm.searcher.name,
            "searcher_options": "" if algorithm.searcher is None else _json(algorithm.searcher.options),
            "n_workers": algorithm.n_workers,
            "libraries": _json(algorithm.libraries),
            "lacks": _json(algorithm.lacks),
        }
        for label, algorithm in algorithms.items()
    ]
    return pd.DataFrame(rows)


def _part(field_name: str, value: Any) -> Part:
    if not isinstance(value, dict) or not isinstance(value.get("name"), str):
        raise BadInput(f"{field_name} = {value!r}: need a table with a name")
    options = value.get("options", {})
    if not isinstance(options, dict):
        raise BadInput(f"{field_name}.options = {options!r}: need a table")
    return Part(name=value["name"], options=options)


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))


def _json(table: Mapping[str, Any]) -> str:
    return json.dumps(dict(table), separators=(",", ":"))
