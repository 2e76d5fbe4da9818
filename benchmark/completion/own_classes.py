"""Searchers and schedulers in the modules of the current folder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

CLASS = re.compile(r"^class (\w+)", re.MULTILINE)
METHOD = re.compile(r"^\s+def (sample_configuration|suggest)\(", re.MULTILINE)
MOST_FILES = 200
LARGEST_FILE = 1_000_000


def own_classes(folder: Path = Path()) -> Iterator[str]:
    """Dotted paths, as my_search:Shrink; the modules are read and not imported."""
    for path in islice(sorted(folder.glob("*.py")), MOST_FILES):
        with suppress(OSError, UnicodeDecodeError):
            if path.stem.isidentifier() and path.stat().st_size <= LARGEST_FILE:
                yield from (f"{path.stem}:{name}" for name in _algorithms(path.read_text(encoding="utf-8")))


def _algorithms(source: str) -> Iterator[str]:
    """Names of the classes that have a method of a searcher or of a scheduler."""
    starts = [*CLASS.finditer(source)]
    for start, end in zip(starts, [*(each.start() for each in starts[1:]), len(source)], strict=True):
        if METHOD.search(source, start.end(), end):
            yield start[1]
