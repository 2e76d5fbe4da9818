"""Where tables lie, and how a name finds one."""

from __future__ import annotations

import os
import re
from pathlib import Path

from benchmark.errors import BadInput, nearest_match, shell_command, short_repr

SHIPPED = Path(__file__).parent / "shipped"
"""Tables that come with the harness, by family."""

SUFFIX = ".npz"
NAME = re.compile(r"([a-z0-9][a-z0-9_-]{0,31}):([A-Za-z0-9][A-Za-z0-9._-]{0,63})")
NAME_RULE = f'"family:name", as in "fcnet:slice_localization", or the path of a file that ends in {SUFFIX}'
LONGEST_PATH = 300

TESTS = ("test", "other_seeds", "none")
"""Where a table's test values come from: from the table, from the other seeds, from nowhere."""


def check_table_name(field: str, name: object) -> str:
    """Refuse what can be no table's name.

    Raises:
        BadInput: naming the field and what is allowed.
    """
    fits = isinstance(name, str) and len(name) <= LONGEST_PATH and name.isprintable()
    if not isinstance(name, str) or not fits or not (name.endswith(SUFFIX) or NAME.fullmatch(name)):
        raise BadInput(f"{field} = {short_repr(name)}: need {NAME_RULE}")
    return name


def tables_folder() -> Path:
    """The folder of converted tables: that of INCUMBENT_TABLES, else `tables` in the data folder."""
    given = os.environ.get("INCUMBENT_TABLES")
    return Path(given) if given else Path(os.environ.get("INCUMBENT_DATA") or "data") / "tables"


def find_table(name: str, folder: Path | None = None, *, field: str = "table") -> Path:
    """Find the file of a table.

    Args:
        name: "family:name", or a path that ends in .npz.
        folder: where a relative path begins; None: the current folder.
        field: what messages call the name.

    Raises:
        BadInput: no such table, with the remedy.
    """
    check_table_name(field, name)
    if name.endswith(SUFFIX):
        path = (Path() if folder is None else folder) / name
        if not path.is_file():
            raise BadInput(f"{field} = {name!r}: there is no file {path}")
        return path
    family, _, table = name.partition(":")
    for path in (tables_folder() / family / f"{table}{SUFFIX}", SHIPPED / family / f"{table}{SUFFIX}"):
        if path.is_file():
            return path
    raise BadInput(f"{field} = {name!r}: {_missing(name, family)}")


def table_names() -> list[str]:
    """Names of all tables that are there: converted ones, then shipped ones."""
    return sorted(
        {
            f"{path.parent.name}:{path.stem}"
            for folder in (tables_folder(), SHIPPED)
            for path in folder.glob(f"*/*{SUFFIX}")
            if NAME.fullmatch(f"{path.parent.name}:{path.stem}")
        }
    )


def making_command() -> str:
    """The command that makes the published tables."""
    return shell_command("benchmark", "offline-tables", "make")


def _missing(name: str, family: str) -> str:
    """Why a table is not found, and what to do."""
    there = table_names()
    near = nearest_match(name, there)
    if near or any(other.startswith(f"{family}:") for other in there):
        same = [other for other in there if other.startswith(f"{family}:")]
        return f"no such table{near}" + (f"; of that family there are {', '.join(same[:12])}" if same else "")
    where = f"{tables_folder()} (INCUMBENT_TABLES names another folder)"
    return f"it is not in {where}; `{making_command()}` makes the published tables there"
