"""The files of a run: which of its complete, unfinished and failed ledgers counts under a budget.

A complete ledger stays while its run goes on under a larger budget in an unfinished one, which replaces it in the end.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from benchmark.storage.budget_change import budget_of, lower_limit
from benchmark.storage.ledger_format import LedgerError, failed_path, partial_path, read_header

RunState = Literal["done", "partial", "failed"]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """The ledger of a run that counts.

    Attributes:
        state: "done"; "partial", also where the run has ended under a smaller budget; or "failed".
        path: of the file.
    """

    state: RunState
    path: Path


def find_run_file(path: Path, budget: Mapping[str, Any] | None) -> RunFile | None:
    """Find the ledger of a run that counts under a budget; None where nothing is recorded.

    Args:
        path: name of the complete file.
        budget: the limits by name; None: whatever a complete ledger was recorded under, it counts.
    """
    exists = os.path.lexists(path)
    if exists and has_ended_under(path, budget):
        return RunFile(state="done", path=path)
    part, failed = partial_path(path), failed_path(path)
    if (size := _size(part)) is not None and (size or not exists):
        return RunFile(state="partial", path=part)
    if os.path.lexists(failed):
        return RunFile(state="failed", path=failed)
    if exists:
        return RunFile(state="partial", path=path)
    return find_run_file(path, budget) if os.path.lexists(path) else None  # It was renamed while we looked.


def has_ended_under(path: Path, budget: Mapping[str, Any] | None) -> bool:
    """Return whether a complete ledger was recorded under this budget or a larger one.

    One whose header cannot be read counts as such, so that whoever reads it says what is wrong.
    """
    if budget is None:
        return True
    try:
        header = read_header(path)
    except (OSError, LedgerError):
        return True
    return header is None or lower_limit(budget_of(header), budget) is None


def _size(path: Path) -> int | None:
    """Return a file's size; None where there is none."""
    try:
        return path.lstat().st_size
    except FileNotFoundError:
        return None
