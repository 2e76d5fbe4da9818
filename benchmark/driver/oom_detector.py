"""The host's memory running out: the kernel kills workers, and fewer at once would fit.

Nothing says for sure why a process got SIGKILL. The kernel counts those that it killed for want of memory, though
on the whole machine or not at all; and a trial that kills its process does so wherever it is, so deaths with no
trial in common are of another cause.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

COUNTER = Path("/proc/vmstat")
"""Has `oom_kill`, a count since the machine's start (Linux 4.13 and later)."""

Place = tuple[Path, int]
"""A run and how many evaluations it had recorded."""


class OomDetector:
    """Judges deaths of workers, in their order."""

    def __init__(self) -> None:
        self.counted = count_oom_kills()
        self.suspects: frozenset[Place] | None = None

    def shows(self, death: BaseException, in_flight: Iterable[Place]) -> bool:
        """Whether a death is best explained by too little memory.

        Args:
            death: what the engine raised.
            in_flight: what the workers were at, one of which has died; a trial among them may have killed it.
        """
        before, self.counted = self.counted, count_oom_kills()
        if "SIGKILL" not in str(death):
            return False
        places = frozenset(in_flight)
        common = places if self.suspects is None else places & self.suspects
        if self.counted > before or not common:
            self.suspects = None
            return True
        self.suspects = common
        return False


def count_oom_kills(counter: Path = COUNTER) -> int:
    """How many processes the kernel has killed for want of memory; 0 where it does not say."""
    try:
        lines = counter.read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)
