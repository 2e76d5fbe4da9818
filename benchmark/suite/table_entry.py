"""The keys of a suite that make an objective of an offline table."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, reject_unknown_keys, require_choice, short_repr
from benchmark.suite.model import OF_EVERY_OBJECTIVE, ObjectiveEntry, Suite, TableEntry
from benchmark.tables.names import SUFFIX, TESTS, check_table_name, find_table

KEYS = ("table", "test", "optional")
TIMED_CLOCK = "tabulated"


def split_table(field: str, entry: Mapping[str, Any]) -> tuple[str, TableEntry] | None:
    """Return the name of an objective's table and what belongs to it; None where it names none.

    Args:
        field: what messages call the objective.
        entry: its table in the suite, with all its keys.

    Raises:
        BadInput: a key beside it that no table has, or a value that is not allowed.
    """
    if "table" not in entry:
        return None
    for other in ("name", "function"):
        if other in entry:
            raise BadInput(f"{field}: it has a {other} and a table; leave one of them out, {field}.label is shown")
    if "discretise" in entry:
        raise BadInput(f"{field}.discretise: a table holds finitely many configurations already; leave it out")
    reject_unknown_keys(field, entry, (*KEYS, *(key for key in OF_EVERY_OBJECTIVE if key != "discretise")))
    test = entry.get("test")
    test = None if test is None else require_choice(f"{field}.test", test, TESTS)
    optional = entry.get("optional", False)
    if not isinstance(optional, bool):
        raise BadInput(f"{field}.optional = {short_repr(optional)}: need true or false")
    return check_table_name(f"{field}.table", entry["table"]), TableEntry(test=test, optional=optional)


def find_tables_beside(suite: Suite, folder: Path) -> Suite:
    """Return the suite with the folder in which the tables lie that it names by a relative path."""
    beside = str(folder.absolute())
    objectives = tuple(
        replace(entry, table=replace(entry.table, folder=beside))
        if entry.table is not None and entry.part.name.endswith(SUFFIX)
        else entry
        for entry in suite.objectives
    )
    return replace(suite, objectives=objectives)


def without_missing_tables(suite: Suite) -> Suite:
    """Return the suite without the optional objectives whose tables are not here, unless it has no others."""
    missing = {entry.label for entry in suite.objectives if entry.table is not None and _is_missing(entry)}
    kept = tuple(entry for entry in suite.objectives if entry.label not in missing)
    return replace(suite, objectives=kept, left_out=tuple(sorted(missing))) if missing and kept else suite


def _is_missing(entry: ObjectiveEntry) -> bool:
    """Whether an objective may be left out, and its table is not found."""
    if entry.table is None or not entry.table.optional:
        return False
    try:
        find_table(entry.part.name, None if entry.table.folder is None else Path(entry.table.folder))
    except BadInput:
        return True
    return False


def require_table_clock(suite: Suite) -> None:
    """Refuse measured seconds of what is looked up.

    Raises:
        BadInput: the clock of a suite with tables is measured.
    """
    label = next((entry.label for entry in suite.objectives if entry.table is not None), None)
    if label is not None and suite.clock == "measured":
        why = f"objectives.{label} is a table, and the time of a look-up means nothing"
        remedy = f'say clock = "{TIMED_CLOCK}", which charges the seconds of the table'
        raise BadInput(f'clock = "measured": {why}; {remedy}')
