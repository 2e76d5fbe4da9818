"""Where the field of a suite lies: with the package, or wherever the user says."""

from __future__ import annotations

from pathlib import Path

from benchmark.arena.field.field_file import Field, read_field
from benchmark.errors import BadInput, nearest_match, shell_command

SHIPPED = Path(__file__).parents[1] / "shipped"
"""Fields that come with the package, `<suite>.npz`."""


def find_field(field: str | None, suite: str) -> Path:
    """The file of a field.

    Args:
        field: its path, or None for the one that comes with the package.
        suite: name of the suite that it is of.

    Raises:
        BadInput: no such file.
    """
    path = SHIPPED / f"{suite}.npz" if field is None else Path(field)
    if path.is_file():
        return path
    pack = f"run the suite, then `{shell_command('benchmark', 'field', 'pack', suite)}`, and give its file by --field"
    if field is not None:
        raise BadInput(f"--field {field}: there is no such file; {pack}")
    names = sorted(file.stem for file in SHIPPED.glob("*.npz"))
    shipped = f"shipped are {', '.join(names)}{nearest_match(suite, names)}" if names else "none is shipped"
    raise BadInput(f"field of suite {suite}: {shipped}; {pack}")


def load_field(field: str | None, suite: str) -> tuple[Path, Field]:
    """The file of a field, and what it holds."""
    path = find_field(field, suite)
    return path, read_field(path)
