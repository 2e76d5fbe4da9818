"""Shortens a recorded problem, most often a traceback, to the line that names what was raised."""

from __future__ import annotations

import re

LONGEST = 200
"""Letters of a line; the ledger has all of it."""
_RAISED = re.compile(r"[A-Za-z_][\w.]*(: |:?$)")
"""How the line of a traceback begins that names what was raised."""


def exception_line(text: str) -> str:
    """Return the line that names the last exception of a traceback; of another text its first line."""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    frames = [number for number, line in enumerate(lines) if line.startswith('  File "')]
    if frames:
        # What follows the last frame and is not indented; further lines belong to the exception's own text.
        lines = [line for line in lines[frames[-1] :] if not line.startswith("  ")]
    elif len(lines) > 1 and any(line.startswith("  ") for line in lines):
        lines = [line for line in lines if _RAISED.match(line)][-1:] or lines[-1:]
    line = lines[0].strip() if lines else ""
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "\u2026"
