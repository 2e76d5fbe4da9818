"""Warns about runs that have recorded nothing for unusually long; it never stops one."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

from benchmark.driver.repeated_call import repeated_call
from benchmark.storage.ledger_format import count_evaluations, partial_path
from benchmark.suite.model import Run

SECONDS_BETWEEN_LOOKS = 10.0
PATIENCE = 60.0
"""Seconds without a record, beyond twice the longest wait so far, before a warning."""


class StallMonitor:
    """Compares the sizes of unfinished ledgers, which also shows the progress of workers on other machines.

    Args:
        folder: the suite's results.
        in_flight: the runs that workers execute, each with the group that trains beside it; changed by the caller.
        say: prints a message to the user.
        price: the seconds that a group's trials are expected to take until one is recorded, 0 where nothing is known.

    Attributes:
        stalled: the first runs of groups that were warned of and have recorded nothing since, each with the seconds.
    """

    def __init__(
        self,
        folder: Path,
        in_flight: Mapping[Path, Sequence[Run]],
        say: Callable[[str], None],
        price: Callable[[Sequence[Run]], float] = lambda group: 0.0,
    ) -> None:
        self.folder, self.in_flight, self.say, self.price = folder, in_flight, say, price
        self.longest_wait = 0.0
        self.stalled: tuple[tuple[str, float], ...] = ()
        self._last: dict[Path, tuple[list[int], float, float]] = {}  # Sizes, since when, and the wait last warned of.

    def watching(self) -> AbstractContextManager[None]:
        """Look at the ledgers every few seconds while the block runs."""
        return repeated_call(lambda: self.look(time.monotonic()), SECONDS_BETWEEN_LOOKS)

    def look(self, now: float) -> None:
        """Warn about groups in flight none of whose ledgers has grown for long."""
        groups = {group[0].path: group for group in list(self.in_flight.values())}
        self._last = {name: last for name, last in self._last.items() if name in groups}
        for name, group in groups.items():
            sizes = [_size(partial_path(self.folder / run.path)) for run in group]
            last_sizes, since, warned = self._last.get(name, (sizes, now, 0.0))
            wait = now - since
            if sizes != last_sizes:
                self.longest_wait, since, warned = max(self.longest_wait, wait), now, 0.0
            elif wait > max(2 * self.longest_wait + PATIENCE, 2 * warned, 2 * self.price(group)):
                warned = wait
                self.say(self._describe(group, wait))
            self._last[name] = sizes, since, warned
        self.stalled = tuple((str(name), now - since) for name, (_, since, warned) in self._last.items() if warned)

    def _describe(self, group: Sequence[Run], wait: float) -> str:
        run = next((run for run in group if run.path in self.in_flight), group[0])
        others = f" and {len(group) - 1} runs beside it" if len(group) > 1 else ""
        return (
            f"{run.path} (evaluation {count_evaluations(self.folder / run.path)}){others}: nothing recorded for "
            f"{wait:.0f} s, the longest wait so far was {self.longest_wait:.0f} s. If it hangs, stop the suite, which "
            "loses no record, and give it a `timeout`: that ends such trials, and makes it another suite with another "
            "--results folder"
        )


def _size(path: Path) -> int:
    """Return a file's size; -1 where it is not there, or its file server is away for a while."""
    try:
        return path.stat().st_size
    except OSError:
        return -1
