"""A vigil over runs in flight: who has recorded nothing for long is named, so that nothing hangs in silence.

It ends nothing: how long a trial takes is not known before it has, and without a limit in the suite its result
is due however long it takes. Growing ledgers are all it looks at, so it sees workers of other machines too.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from benchmark.storage.ledger_format import count_evaluations, partial_path

SECONDS_BETWEEN_LOOKS = 10.0

PATIENCE = 60.0
"""Seconds of silence beyond twice the longest so far before it is told."""

MOST_NAMED = 3


@dataclass(slots=True, kw_only=True, eq=False)
class _Group:
    """Runs that one worker executes side by side: they are silent together or not at all."""

    left: set[Path]
    sizes: dict[Path, int]
    since: float
    told: float = 0.0


class StallMonitor:
    """Looks after groups of runs in the background, as long as its block lasts.

    Args:
        folder: the suite's results.
        say: tells the user.
        clock: in seconds; never set, whatever happens to the time of day.
    """

    def __init__(self, folder: Path, say: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self.folder, self.say, self.clock = folder, say, clock
        self.longest = 0.0
        self._groups: list[_Group] = []
        self._lock, self._ended = threading.Lock(), threading.Event()

    def __enter__(self) -> StallMonitor:
        self._ended.clear()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join()

    def begin(self, runs: Iterable[Path]) -> None:
        """A group has been given to a worker."""
        left = set(runs)
        group = _Group(left=left, sizes=self._sizes(left), since=self.clock())
        with self._lock:
            self._groups.append(group)

    def end(self, run: Path) -> None:
        """A run has been reported."""
        with self._lock:
            for group in self._groups:
                group.left.discard(run)
            self._groups = [group for group in self._groups if group.left]

    def forget(self) -> None:
        """No run is in flight any more."""
        with self._lock:
            self._groups = []

    def look(self) -> None:
        """See which groups have recorded something since the last look, and tell of those that are silent too long."""
        with self._lock:
            groups = [(group, sorted(group.left)) for group in self._groups]
        for group, runs in groups:
            now, sizes = self.clock(), self._sizes(runs)
            silent = now - group.since
            if sizes != group.sizes:
                self.longest = max(self.longest, silent)
                group.sizes, group.since, group.told = sizes, now, 0.0
            elif silent > max(2 * self.longest + PATIENCE, 2 * group.told):
                group.told = silent
                self.say(self._words(runs, silent))

    def _watch(self) -> None:
        while not self._ended.wait(SECONDS_BETWEEN_LOOKS):
            self.look()

    def _sizes(self, runs: Iterable[Path]) -> dict[Path, int]:
        """The bytes of each unfinished ledger; one that is finished or not yet begun has none."""
        return {run: size for run in runs if (size := _size(partial_path(self.folder / run))) is not None}

    def _words(self, runs: list[Path], silent: float) -> str:
        begun = [run for run in runs if _size(partial_path(self.folder / run)) is not None] or runs
        named = [f"{run} (evaluation {count_evaluations(self.folder / run)})" for run in begun[:MOST_NAMED]]
        more = f" and {len(begun) - MOST_NAMED} more" if len(begun) > MOST_NAMED else ""
        return (
            f"{', '.join(named)}{more}: nothing recorded for {silent:.0f} s, the longest wait so far was "
            f"{self.longest:.0f} s. If it hangs, stop the suite, which loses no record, and give it a `timeout`: that "
            "ends such trials, and makes it another suite with another --results folder"
        )


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:  # Not there, or a file server that is away for a while.
        return None
