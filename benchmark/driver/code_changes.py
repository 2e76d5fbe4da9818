"""The source code that decides results, as digests: incumbent's own, and of what a suite names by dotted path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from benchmark.reproducibility.source_digests import LOADED_DIGEST, digest_modules
from benchmark.storage.ledger_format import LedgerError, failed_path, partial_path, read_header
from benchmark.storage.resume_check import FIELD, changed_sources
from benchmark.suite.model import Part, Run, Suite, is_dotted

OWN = "incumbent"
"""What this code is called among a suite's modules."""


def modules_of(suite: Suite) -> tuple[str, ...]:
    """The modules that a suite names by dotted path, each once, sorted."""
    parts: list[Part | None] = [entry.part for entry in suite.objectives]
    parts += [part for entry in suite.algorithms for part in (entry.scheduler, entry.searcher)]
    names = {part.name for part in parts if part is not None and is_dotted(part.name)}
    return tuple(sorted({name.partition(":")[0] if ":" in name else name.rpartition(".")[0] for name in names}))


def source_card(suite: Suite) -> dict[str, Any]:
    """What the machine card says of the code that a suite's results come from."""
    return {FIELD: {OWN: LOADED_DIGEST, **digest_modules(modules_of(suite))}}


def code_change_warning(runs: Iterable[Run], folder: Path, environment: Mapping[str, Any]) -> str | None:
    """A line on recorded runs that other code wrote, or None.

    Args:
        runs: of the suite.
        folder: its results.
        environment: the machine card of the command.
    """
    found = [names for run in runs for names in _changed_since(folder / run.path, environment)]
    if not found:
        return None
    names = ", ".join(sorted({name for one in found for name in one}))
    return (
        f"{folder}: {len(found)} runs there were recorded by other code ({names} has changed since); going on keeps "
        "what is recorded and trains the rest by the new code, which the ledgers record. "
        "To have all of one code, use another --results folder"
    )


def _changed_since(path: Path, environment: Mapping[str, Any]) -> list[list[str]]:
    for candidate in (path, partial_path(path), failed_path(path)):
        try:
            header = read_header(candidate)
        except (OSError, LedgerError):
            continue
        names = [] if header is None else changed_sources(header.get("environment") or {}, environment)
        if names:
            return [names]
    return []
