"""`progress.json` in a suite's folder: how far the process that executes the suite is. It is no result.

Tables, digests, provenance, `merge` and `repair` take no notice of it. Shards that work in one folder have a file
each, `progress-1-of-4.json`.
"""

from __future__ import annotations

import json
import math
import os
import platform
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmark.errors import BadInput
from benchmark.storage.atomic_write import write_atomically
from benchmark.storage.untrusted_files import parse_strict_json, read_limited

PROGRESS_JSON = "progress.json"
"""Name of the file of a process that executes the whole suite."""

STATES = ("running", "stopped", "done")
UNITS = ("seconds", "evaluations")
LARGEST_FILE = 2**16

SCALES = (
    ("s", 1.0, 1, 20),
    ("s", 1.0, 5, 100),
    ("min", 60.0, 1, 100),
    ("h", 3600.0, 0.1, 30),
    ("h", 3600.0, 1, 72),
    ("days", 86400.0, 1, math.inf),
)
"""Units: name, seconds, step of rounding, and the number of units below which it is taken."""

SECONDS_TO_ANSWER = 60.0
"""A process writes its file every two seconds; after so many without it is taken for gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCounts:
    """Runs of a process: all of them, those done and failed, and those that workers execute now."""

    total: int
    done: int
    failed: int
    running: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """The charged work that is recorded, of the work that the suite is expected to take.

    Attributes:
        done: in `unit`.
        total: an estimate until the suite is done.
        unit: seconds on the runs' clocks, or evaluations where nothing prices them.
    """

    done: float
    total: float
    unit: str

    @property
    def share(self) -> float:
        """The share of the work that is done, 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a process that executes a suite is.

    Attributes:
        written: seconds since 1970.
        pid: the number of the process.
        host: the name of its machine.
        started: seconds since 1970 when it began.
        state: one of `STATES`.
        runs: counts.
        work: what is done of it.
        eta_seconds: between how few and how many seconds it still takes; None where that is not known yet.
        stalled: runs that have recorded nothing for unusually long, each with the seconds.
    """

    written: float
    pid: int
    host: str
    started: float
    state: str
    runs: RunCounts
    work: Work
    eta_seconds: tuple[float, float] | None
    stalled: tuple[tuple[str, float], ...] = ()

    def is_running(self, now: float) -> bool:
        """Return whether its process is still at work, as far as can be seen from here.

        Args:
            now: seconds since 1970.
        """
        answers = now - self.written < SECONDS_TO_ANSWER
        return self.state == "running" and answers and (self.host != platform.node() or _is_alive(self.pid))


def format_range(low: float, high: float) -> str:
    """Format a range of seconds in one unit, rounded outwards: `4 to 6 min`, `20 to 35 s`, `1.2 to 1.9 h`."""
    unit, seconds, step = next(scale for scale in SCALES if high < scale[1] * scale[3])[:3]
    first, last = math.floor(low / seconds / step) * step, math.ceil(high / seconds / step) * step
    start = f"{first:g} to " if 0 < first < last else "up to " if first < last else ""
    return f"{start}{last:.10g} {unit}"


def progress_name(shard: str | None) -> str:
    """Name the file of a shard (`1-of-4`), or of a process that executes the whole suite."""
    return PROGRESS_JSON if shard is None else PROGRESS_JSON.replace(".", f"-{shard}.")


def write_progress(path: Path, progress: Progress) -> None:
    """Write the file atomically, so that a reader never meets half of it.

    Raises:
        OSError: it cannot be written.
    """
    write_atomically(path, json.dumps(asdict(progress)).encode())


def read_progress(folder: Path) -> list[Progress]:
    """Read what the processes that execute or executed a suite have written, the latest first.

    A file that cannot be read is left out: it is no result, and is written again within seconds.
    """
    files = (_read(path) for path in sorted(folder.glob("progress*.json")))
    return sorted((file for file in files if file is not None), key=lambda file: -file.written)


def _read(path: Path) -> Progress | None:
    try:
        return _parse(parse_strict_json(read_limited(path, LARGEST_FILE)))
    except (BadInput, ValueError, TypeError, KeyError):
        return None


def _parse(value: dict[str, Any]) -> Progress:
    """Build the value of a file.

    Raises:
        ValueError, TypeError, KeyError: it is of another format.
    """
    state, unit, eta = value["state"], value["work"]["unit"], value["eta_seconds"]
    if state not in STATES or unit not in UNITS:
        raise ValueError(f"{state!r}, {unit!r}")
    return Progress(
        written=float(value["written"]),
        pid=int(value["pid"]),
        host=str(value["host"]),
        started=float(value["started"]),
        state=state,
        runs=RunCounts(**{name: int(value["runs"][name]) for name in ("total", "done", "failed", "running")}),
        work=Work(done=float(value["work"]["done"]), total=float(value["work"]["total"]), unit=unit),
        eta_seconds=None if eta is None else (float(eta[0]), float(eta[1])),
        stalled=tuple((str(run), float(seconds)) for run, seconds in value.get("stalled", ())),
    )


def _is_alive(pid: int) -> bool:
    """Whether a process of this machine is there; one that belongs to somebody else is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return True
