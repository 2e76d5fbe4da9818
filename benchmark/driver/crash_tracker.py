"""Tracks the deaths of worker processes: which trials were in flight, and how the suite continues."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmark.backends.base import Backend
from benchmark.driver.oom_detector import OomDetector
from benchmark.suite.model import Run
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.workers.death_counter import DeathCounter
from benchmark.workers.watchdog import Watchdog, watch_trainings


class CrashTracker:
    """Counts the deaths of a suite's workers.

    Args:
        folder: the suite's results.
        backend: whose workers they are.
        say: tells the user.

    Attributes:
        overdue: evaluations that the watchdog ended, by run; to be recorded when the run goes on.
        watchdog: None where the suite limits no time.
    """

    def __init__(self, folder: Path, backend: Backend, say: Callable[[str], None]) -> None:
        self.folder, self.backend, self.say = folder, backend, say
        self.deaths = DeathCounter(folder)
        self.overdue: dict[Path, FatalEvaluation] = {}
        self.watchdog: Watchdog | None = None
        self.shortage = OomDetector()

    @contextmanager
    def watched(self, settings: RunSettings, timeout: float | None) -> Iterator[RunSettings]:
        """Start the watchdog for a block, where the suite limits the time of trainings."""
        with watch_trainings(settings, timeout, self.say) as (watched, self.watchdog):
            yield watched

    def count(self, death: BaseException, in_flight: Iterable[Path]) -> None:
        """Note a death, with the runs that the workers were at; have fewer at once where memory seems short."""
        if self._found_overdue():  # The watchdog knows which it was.
            return
        positions = self.deaths.count(in_flight)
        if self.shortage.shows(death, positions) and (jobs := self.backend.reduce_jobs()) is not None:
            self.say(f"memory seems short: going on with {jobs} at once; results do not change")

    def suspected(self, run: Run) -> bool:
        """Whether a run was in flight at several deaths without getting on."""
        return self.deaths.needs_isolation(run.path)

    def _found_overdue(self) -> bool:
        """Whether the watchdog killed a worker; the next start of that run records why."""
        overdue = [] if self.watchdog is None else self.watchdog.pop_overdue()
        for evaluation in overdue:
            self.say(f"{evaluation.run}: {evaluation.reason}; its process was killed")
            self.overdue[evaluation.run] = evaluation.as_fatal_evaluation()
        return bool(overdue)
