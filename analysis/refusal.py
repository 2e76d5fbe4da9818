"""How bad input is refused: one message with what, which value, and what to do about it."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class BadInput(ValueError):
    """Something given to the analysis that it cannot use; the command line prints it and exits with 2."""


def nearest(value: str, allowed: Iterable[str]) -> str:
    """` (did you mean "x"?)` for the allowed word most like `value`, or nothing."""
    close = difflib.get_close_matches(value, list(allowed), n=1, cutoff=0.5)
    return f' (did you mean "{close[0]}"?)' if close else ""
