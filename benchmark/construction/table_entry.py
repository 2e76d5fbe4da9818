"""Builds the objective of a table that a suite names."""

from __future__ import annotations

from pathlib import Path

from benchmark.errors import BadInput
from benchmark.suite.model import ObjectiveEntry, TableEntry
from benchmark.tables.names import find_table
from benchmark.tables.table_file import load_table
from benchmark.tables.table_objective import TableObjective


def build_table_objective(entry: ObjectiveEntry, parts: TableEntry) -> TableObjective:
    """Build the objective of a table.

    Raises:
        BadInput: there is no such table, its file is damaged, or it does not allow what the suite asks of it.
    """
    field = f"objectives.{entry.label}"
    folder = None if parts.folder is None else Path(parts.folder)
    path = find_table(entry.part.name, folder, field=f"{field}.table")
    table = load_table(path)
    try:
        return TableObjective(table, entry.part.name, parts.test)
    except ValueError as error:
        raise BadInput(f"{field}.table = {entry.part.name!r}: {error}") from error
