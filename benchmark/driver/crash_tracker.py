"""Workers that died: at which trials, by whose doing, and what follows from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from benchmark.backends.base import Backend
from benchmark.driver.oom_detector import OomDetector
from benchmark.storage.ledger_format import count_evaluations
from benchmark.suite.model import Run
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from benchmark.workers.watchdog import Watchdog

DEATHS_BEFORE_ALONE = 2


class CrashTracker:
    """The deaths of a suite's workers.

    Args:
        folder: the suite's results.
        engine: whose workers they are.
        say: tells the user.

    Attributes:
        overdue: evaluations that the watchdog ended, by run; to be recorded when the run goes on.
        watchdog: None where the suite limits no time.
    """

    def __init__(self, folder: Path, engine: Backend, say: Callable[[str], None]) -> None:
        self.folder, self.engine, self.say = folder, engine, say
        self.deaths: Counter[tuple[Path, int]] = Counter()
        self.overdue: dict[Path, FatalEvaluation] = {}
        self.watchdog: Watchdog | None = None
        self.shortage = OomDetector()

    @contextmanager
    def watched(self, settings: RunSettings, timeout: float | None) -> Iterator[RunSettings]:
        """Conditions under which trainings are watched, where the suite limits their time."""
        if timeout is None:
            yield settings
            return
        with Watchdog(self.say) as self.watchdog:
            yield replace(settings, notes=self.watchdog.notes)

    def count(self, death: BaseException, in_flight: Iterable[Path]) -> None:
        """Note a death, with the runs that the workers were at; have fewer at once where memory seems short."""
        if self._found_overdue():  # The watchdog knows which it was.
            return
        places = [(path, count_evaluations(self.folder / path)) for path in in_flight]
        self.deaths.update(places)
        if self.shortage.shows(death, places) and (fewer := self.engine.fewer()) is not None:
            self.say(f"memory seems short: going on with {fewer} at once; results do not change")

    def suspected(self, run: Run) -> bool:
        """Whether a run was in flight at several deaths without getting on."""
        return self.deaths[run.path, count_evaluations(self.folder / run.path)] >= DEATHS_BEFORE_ALONE

    def _found_overdue(self) -> bool:
        """Whether the watchdog killed a worker; the next start of that run records why."""
        found = [] if self.watchdog is None else self.watchdog.found()
        for one in found:
            self.say(f"{one.run}: {one.reason}; its process was killed")
            self.overdue[one.run] = FatalEvaluation(
                index=one.index, reason=one.reason, seconds=one.seconds, state="timeout"
            )
        return bool(found)
