"""Describes the source code that decides a suite's results, and warns where it changed since runs were recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmark.reproducibility.source_digests import LOADED_DIGEST, digest_modules
from benchmark.storage.ledger_format import LedgerError, failed_path, partial_path, read_header
from benchmark.storage.resume_check import FIELD, changed_sources
from benchmark.suite.definitions import digest_definitions, is_definition
from benchmark.suite.model import Part, Run, Suite, is_dotted
from benchmark.suite.part_import import split_dotted_path
from objectives import OBJECTIVES
from objectives.registry import Entry

OWN_NAME = "incumbent"
"""The name of this project's code among a suite's modules."""


def named_modules(suite: Suite) -> tuple[str, ...]:
    """Return the modules that a suite names by dotted path, each once, sorted."""
    parts: list[Part | None] = [entry.part for entry in suite.objectives if entry.table is None]
    parts += [part for entry in suite.algorithms for part in (entry.scheduler, entry.searcher)]
    names = {part.name for part in parts if part is not None and is_dotted(part.name)}
    functions = [entry.function for entry in suite.objectives if entry.function is not None]
    names |= {path for function in functions for path in function.paths()}
    names = {name for name in names if not is_definition(name)}
    return tuple(sorted({split_dotted_path(name)[0] for name in names}))


def registered_modules(suite: Suite) -> tuple[str, ...]:
    """Return the modules of a suite's registered objectives, each once, sorted; a table needs none."""
    names = {entry.part.name for entry in suite.objectives if entry.table is None and entry.part is not None}
    entries = [OBJECTIVES.entries.get(name) for name in names]
    return tuple(sorted({entry.path.partition(":")[0] for entry in entries if isinstance(entry, Entry)}))


def describe_code(suite: Suite) -> dict[str, Any]:
    """Return the entry of a ledger's header on the code that a suite's results come from."""
    return {FIELD: {OWN_NAME: LOADED_DIGEST, **digest_modules(named_modules(suite)), **digest_definitions()}}


def changed_user_code(runs: Iterable[Run], folder: Path, environment: Mapping[str, Any]) -> list[str]:
    """List the modules and definitions of the user's that are no longer what recorded runs were made with.

    Args:
        runs: of the suite.
        folder: its results.
        environment: of this process.
    """
    names = {name for run in runs for name in _changed_since(folder / run.path, environment)}
    return sorted(names - {OWN_NAME})


def code_change_warning(runs: Iterable[Run], folder: Path, environment: Mapping[str, Any]) -> str | None:
    """Return a line on recorded runs that other code wrote, or None.

    Args:
        runs: of the suite.
        folder: its results.
        environment: of this command.
    """
    changes = [names for run in runs if (names := _changed_since(folder / run.path, environment))]
    if not changes:
        return None
    changed = ", ".join(sorted(set().union(*changes)))
    return (
        f"{folder}: {len(changes)} runs there were recorded by other code ({changed} has changed since); going on "
        "keeps what is recorded and trains the rest by the new code, which the ledgers record. "
        "To have all of one code, use another --results folder"
    )


def _changed_since(path: Path, environment: Mapping[str, Any]) -> list[str]:
    """Return the names of changed code for a run, by the first of its files that shows any."""
    for candidate in (path, partial_path(path), failed_path(path)):
        try:
            header = read_header(candidate)
        except (OSError, LedgerError):
            continue
        names = [] if header is None else changed_sources(header.get("environment") or {}, environment)
        if names:
            return names
    return []
