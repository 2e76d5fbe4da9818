"""TOML files that come with the harness by name, or that a user gives by path."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput, nearest_match, short_repr

LARGEST_FILE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFiles:
    """A folder of TOML files.

    Attributes:
        kind: what one of them is called in messages.
        folder: where those that come with the harness are.
    """

    kind: str
    folder: Path

    def names(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.toml"))

    def find(self, text: str) -> Path:
        """The file that a name of the shelf or a path (with a slash or the suffix .toml) stands for.

        Raises:
            BadInput: neither, or no regular file of a sensible size.
        """
        names = self.names()
        if text in names:
            return self.folder / f"{text}.toml"
        if not is_path(text):
            allowed = f"not one of {', '.join(names)}, nor" if names else "need"
            raise BadInput(
                f"{self.kind} {short_repr(text)}: {allowed} a path to a .toml file{nearest_match(text, names)}"
            )
        path, field = Path(text), f"{self.kind} file {short_repr(text)}"
        try:
            if not path.exists():
                raise BadInput(f"{field}: there is no such file")
            if not path.is_file():
                raise BadInput(f"{field}: not a regular file")
            if path.stat().st_size > LARGEST_FILE:
                raise BadInput(f"{field}: larger than {LARGEST_FILE} bytes")
        except OSError as error:
            raise BadInput(f"{field}: cannot be read ({error.strerror})") from error
        return path

    def read(self, path: Path) -> dict[str, Any]:
        """The table in a file.

        Raises:
            BadInput: unreadable, or not TOML.
        """
        field = f"{self.kind} file {short_repr(str(path))}"
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except (RecursionError, ValueError) as error:  # Not TOML, not UTF-8, or a number of thousands of digits.
            raise BadInput(f"{field}: not valid TOML ({error})") from error
        except OSError as error:
            raise BadInput(f"{field}: cannot be read ({error.strerror})") from error


def is_path(text: str) -> bool:
    """Return whether a text is meant as a path, not as a name."""
    return "/" in text or text.endswith(".toml")
