"""Executes some runs of a suite and no others."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from benchmark.driver.runner import Runner
from benchmark.suite.model import Run, Suite
from benchmark.tuning.run_report import RunReport


class ChosenRuns(Runner):
    """A runner that executes the chosen runs of a suite.

    Args:
        suite: the comparison.
        results: folder under which the suite has its own.
        chosen: runs of the suite.
        options: of the runner.
    """

    def __init__(self, suite: Suite, results: Path, *, chosen: Sequence[Run], **options: Any) -> None:
        super().__init__(suite, results, **options)
        self.chosen = list(chosen)

    def run(self, order: Iterable[Run] | None = None) -> list[RunReport]:
        """Execute what is missing of the chosen runs."""
        return super().run(self.chosen if order is None else order)
