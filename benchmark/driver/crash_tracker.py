"""Tracks the deaths of worker processes: which trials were in flight, and how the suite continues."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.workers.retry import DeathCounter
from benchmark.workers.watchdog import Watchdog, watch_trainings


class CrashTracker:
    """Counts the deaths of a suite's workers.

    Args:
        folder: the suite's results.
        say: prints a message to the user.

    Attributes:
        overdue: evaluations that the watchdog ended, by run; to be recorded when the run goes on.
        watchdog: None where the suite limits no time.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        self.say = say
        self.deaths = DeathCounter(folder)
        self.overdue: dict[Path, FatalEvaluation] = {}
        self.watchdog: Watchdog | None = None

    @contextmanager
    def watched(self, settings: RunSettings, timeout: float | None) -> Iterator[RunSettings]:
        """Start the watchdog for a block, where the suite limits the time of trainings."""
        with watch_trainings(settings, timeout, self.say) as (watched, self.watchdog):
            yield watched

    def count_death(self, in_flight: Iterable[Path]) -> None:
        """Count a death for every run in flight, unless the watchdog caused it and knows the evaluation."""
        if not self._take_overdue():
            self.deaths.count(in_flight)

    def needs_isolation(self, path: Path) -> bool:
        """Return whether a run was in flight at several deaths without recording another evaluation."""
        return self.deaths.needs_isolation(path)

    def _take_overdue(self) -> bool:
        """Note which evaluations the watchdog has ended; return whether there were any."""
        overdue = [] if self.watchdog is None else self.watchdog.pop_overdue()
        for evaluation in overdue:
            self.say(f"{evaluation.run}: {evaluation.reason}; its process was killed")
            self.overdue[evaluation.run] = evaluation.as_fatal_evaluation()
        return bool(overdue)
