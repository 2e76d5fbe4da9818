"""A suite on a cluster as discrete events: workers that take groups of runs, a driver, processors, one shared disk.

Every worker is a process that asks for one service after the other. Driver, processors and disk serve in
the order of asking, so each needs only the time at which it falls free. Nothing is drawn: the same lengths
give the same outcome.
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from itertools import count

GROUPS_A_WORKER = 4
"""As `benchmark.driver.runner`: groups of an objective for every worker, where there are repetitions enough."""

Lengths = Sequence[float]
"""Seconds of a run's trials, in order."""

Group = Sequence[Lengths]
"""Runs that a worker executes for one dispatch."""

Ask = tuple[str, float]
"""What a worker waits for, and how long it takes: "driver", "core", "disk" in line; "alone" at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Seconds that things take; all measured, see `tests.perf.scale.service`.

    Attributes:
        driver: of the driver's process (with Dask's scheduler in it) for a group, from its report to the next task.
        latency: that a group waits besides, on nobody's time: messages, polls.
        group: of a worker's processor for a group.
        trial: of a worker's processor for a trial, besides training.
        sync: until a record is durable, on an idle disk.
        disk: for which one record keeps the disk from others; at most `sync`.
        beat: of the driver's process for every worker in a second, whatever it does.
    """

    driver: float = 0.0
    latency: float = 0.0
    group: float = 0.0
    trial: float = 0.0
    sync: float = 0.0
    disk: float = 0.0
    beat: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a simulation came to.

    Attributes:
        wall: seconds from 0 to the last record.
        trained: seconds of all trials.
        ends: when each worker ended.
        driver: share of `wall` in which the driver was busy.
        disk: likewise the disk.
        syncs: records and folders made durable.
        longest: seconds of trials in the longest group.
    """

    wall: float
    trained: float
    ends: tuple[float, ...]
    driver: float
    disk: float
    syncs: int
    longest: float

    @property
    def efficiency(self) -> float:
        """Share of the workers' time in which they trained."""
        return self.trained / (len(self.ends) * self.wall) if self.wall else 1.0


def simulate(
    shares: Sequence[Sequence[Group]],
    services: Services,
    *,
    workers: int | None = None,
    cores: int | None = None,
    ready: Sequence[float] | None = None,
) -> Outcome:
    """Execute groups.

    Args:
        shares: groups, in order, for whoever is free: one share for `workers`; or several, one for each worker.
        services: what things take.
        workers: that take from the one share.
        cores: processors that all workers share; None: each has its own.
        ready: when each worker can begin; None: at 0.
    """
    queues = [deque(share) for share in shares]
    if workers is not None:
        queues *= workers  # One queue, many times.
    state = _Cluster(services, len(queues), cores)
    starts = [0.0] * len(queues) if ready is None else list(ready)
    ends = state.run([_worker(queue, services) for queue in queues], starts)
    groups = [group for share in shares for group in share]
    trained, wall = sum(sum(map(sum, group)) for group in groups), max(ends, default=0.0)
    return Outcome(
        wall=wall,
        trained=trained,
        ends=tuple(ends),
        driver=min(1.0, state.busy["driver"] / state.slower / wall + services.beat * len(queues)) if wall else 0.0,
        disk=state.busy["disk"] / wall if wall else 0.0,
        syncs=state.syncs,
        longest=max((sum(map(sum, group)) for group in groups), default=0.0),
    )


def _worker(queue: deque[Group], services: Services) -> Generator[Ask, None, None]:
    """One worker's life; a group is taken when the driver is asked, as joblib does."""
    while queue:
        group = queue.popleft()
        yield "driver", services.driver
        yield "alone", services.latency
        yield "core", services.group
        for run in group:
            yield "disk", 2  # The header, and the folder that now holds the file.
            for seconds in run:
                yield "alone", seconds
                yield "core", services.trial
                yield "disk", 1
            yield "disk", 2  # The end, and the folder again after the file's last name.


class _Cluster:
    """Who waits for what, in order of time."""

    def __init__(self, services: Services, workers: int, cores: int | None) -> None:
        # A driver that hears from every worker each second has that much less time for groups.
        self.slower = 1 / max(1 - services.beat * workers, 1e-3)
        self.services, self.cores = services, cores
        self.free = {"driver": [0.0], "disk": [0.0], "core": [0.0] * (cores or 0)}
        self.busy = {"driver": 0.0, "disk": 0.0, "core": 0.0}
        self.syncs = 0

    def run(self, workers: Sequence[Generator[Ask, None, None]], starts: Sequence[float]) -> list[float]:
        """When each worker ended."""
        order = count()
        events = [(start, next(order), number) for number, start in enumerate(starts)]
        heapq.heapify(events)
        ends = [0.0] * len(workers)
        while events:
            now, _, number = heapq.heappop(events)
            ask = next(workers[number], None)
            if ask is None:
                ends[number] = now
            else:
                heapq.heappush(events, (self._served(now, *ask), next(order), number))
        return ends

    def _served(self, now: float, what: str, amount: float) -> float:
        """When a worker that asks now has been served."""
        if what == "alone" or (what == "core" and self.cores is None):
            return now + amount
        if what == "disk":
            self.syncs += int(amount)
            spare = (self.services.sync - self.services.disk) * amount
            return self._in_line("disk", now, self.services.disk * amount) + spare
        return self._in_line(what, now, amount * (self.slower if what == "driver" else 1.0))

    def _in_line(self, what: str, now: float, seconds: float) -> float:
        line = self.free[what]
        end = max(now, line[0]) + seconds
        heapq.heapreplace(line, end)
        self.busy[what] += seconds
        return end


def grouped(cells: Sequence[Sequence[Sequence[Lengths]]], jobs: int) -> list[Group]:
    """A suite's groups for one driver, as `benchmark.driver.runner` makes them of runs that train side by side.

    Args:
        cells: by objective, by algorithm, by repetition: seconds of a run's trials.
        jobs: groups at once.
    """
    repetitions = len(cells[0][0])
    size = -(-repetitions // (jobs * GROUPS_A_WORKER))
    return [
        [algorithm[number] for number in range(start, min(start + size, repetitions)) for algorithm in objective]
        for start in range(0, repetitions, size)
        for objective in cells
    ]


def shared(cells: Sequence[Sequence[Sequence[Lengths]]], of: int) -> list[list[Group]]:
    """A suite's shares, as `planning.shard` deals them: whole groups where even within an eighth, else runs."""
    repetitions = range(len(cells[0][0]))
    groups: list[Group] = [
        [algorithm[number] for algorithm in objective] for number in repetitions for objective in cells
    ]
    if of <= len(groups) and 8 * -(-len(groups) // of) * of <= 9 * len(groups):
        return _cut(groups, of)
    alone: list[Group] = [[run] for group in groups for run in group]
    return _cut(alone, of)


def _cut(things: Sequence[Group], of: int) -> list[list[Group]]:
    return [list(things[len(things) * place // of : len(things) * (place + 1) // of]) for place in range(of)]
