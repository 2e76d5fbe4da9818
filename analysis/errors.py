"""How bad input is refused: one message with what, which value, and what to do about it."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from types import UnionType
from typing import Any


class BadInput(ValueError):
    """Something given to the analysis that it cannot use; the command line prints it and exits with 2."""


def nearest_match(value: str, allowed: Iterable[str]) -> str:
    """` (did you mean "x"?)` for the allowed word most like `value`, or nothing."""
    close = difflib.get_close_matches(value, list(allowed), n=1, cutoff=0.5)
    return f' (did you mean "{close[0]}"?)' if close else ""


def require_value(table: Mapping[str, Any], key: str, kind: type | UnionType) -> Any:
    """What a table has under a key, if it is of a kind; a boolean is no number.

    Raises:
        BadInput: missing, or of another kind.
    """
    found = table.get(key)
    if not isinstance(found, kind) or isinstance(found, bool):
        raise BadInput(f"{key} = {found!r}: need a value of type {getattr(kind, '__name__', kind)}")
    return found


def is_finite(value: Any) -> bool:
    """Whether a number is one that a double holds."""
    return type(value) in (int, float) and abs(value) <= sys.float_info.max
