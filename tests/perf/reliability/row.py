"""A row of the table: a figure, what it must be, and what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Found = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure.

    Attributes:
        figure: what is measured.
        target: what it must be, in words.
        measure: measures it in an empty folder; the flag asks for a small part, to see that it works.
        met: whether what was found is within the target.
    """

    figure: str
    target: str
    measure: Callable[[Path, bool], Found]
    met: Callable[[Found], bool]
