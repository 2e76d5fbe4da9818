"""Decides how runs are retried after the death of a worker: beside others, or after two deaths in isolation."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from benchmark.storage.ledger_format import count_evaluations

DEATHS_BEFORE_ISOLATION = 2


class DeathCounter:
    """Counts at how many deaths a run was in flight without having recorded an evaluation in between.

    Args:
        folder: the suite's results.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.deaths: Counter[tuple[Path, int]] = Counter()

    def count(self, in_flight: Iterable[Path]) -> None:
        """Count a death for each run in flight."""
        self.deaths.update(self._position(path) for path in in_flight)

    def needs_isolation(self, path: Path) -> bool:
        """Return whether a run was in flight at so many deaths without progress that it must be executed alone."""
        return self.deaths[self._position(path)] >= DEATHS_BEFORE_ISOLATION

    def _position(self, path: Path) -> tuple[Path, int]:
        return path, count_evaluations(self.folder / path)
