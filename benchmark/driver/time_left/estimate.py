"""Estimates how long a suite still takes, as a range, from what its runs cost in this call."""

from __future__ import annotations

import math
import threading
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmark.driver.time_left.cost_profile import CostProfile
from benchmark.driver.time_left.group_work import GroupWork
from benchmark.driver.time_left.pace import measure_pace
from benchmark.driver.time_left.run_cost import RunCost
from benchmark.driver.time_left.run_work import Cell, RunWork, Step
from benchmark.driver.time_left.schedule import last_end
from benchmark.storage.progress_file import Work
from benchmark.suite.model import Run

Range = tuple[float, float]

STANDARD_ERRORS = 1.64
"""Half of the range in standard errors: nine in ten of normally distributed values are within."""

WIDEST = 0.5
"""Half of the range at most, of its middle; an estimate that is less certain is not given."""


RUNS_A_SECOND = 1000
"""An estimate takes some microseconds a run that is left: of many runs there is a new one the more rarely."""


class TimeLeft:
    """Learns what runs cost from their records, and deals the runs that are left out to the workers.

    What a run of a cell costs along its budget is learnt from all recorded runs of the cell. How much longer it takes
    than its recorded seconds say, and what an evaluation takes besides, is learnt from this call alone. Trials that
    another run has paid for cost nothing.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._runs: dict[Path, RunWork] = {}
        self._profiles: defaultdict[Cell, CostProfile] = defaultdict(CostProfile)
        self._recorded_before: Mapping[Path, int] = {}
        self._charges: Mapping[Cell, float | None] = {}
        self._typical_seconds: Mapping[str, float | None] = {}
        self._left: set[Path] = set()
        self._shares_left: dict[Cell, tuple[int, float]] = {}  # Runs that have not ended, and what they have spent.
        self._groups: list[GroupWork] = []
        self._group_of: dict[Path, GroupWork] = {}
        self._free_since: list[float] = []
        self._workers = 1
        self._looked = self._estimated = -math.inf
        self._estimate: Range | None = None

    def expect(
        self,
        runs: Iterable[Run],
        recorded: Mapping[Path, int],
        charges: Mapping[Cell, float | None],
        typical_seconds: Mapping[str, float | None],
    ) -> None:
        """Take the runs that this call is to execute.

        Args:
            runs: those that are not done.
            recorded: the number of evaluations that a run has recorded before, where it has any.
            charges: the charged seconds that a run of a cell is expected to take; None where nothing prices it.
            typical_seconds: of the objectives, by label.
        """
        self._recorded_before, self._charges, self._typical_seconds = recorded, charges, typical_seconds
        self._left = {run.path for run in runs}
        for run in runs:
            self._count(self._work_of(run), 1, 0.0)

    def give_out(self, groups: Sequence[Sequence[Run]], workers: int) -> None:
        """Take the groups of runs that workers are to execute, in their order."""
        with self._lock:
            self._groups = [GroupWork(runs=[self._work_of(run) for run in group]) for group in groups]
            self._group_of = {work.run.path: group for group in self._groups for work in group.runs}
            self._free_since, self._workers = [], workers

    def add(self, run: Run, records: Iterable[Mapping[str, Any]], now: float) -> None:
        """Take what a run has recorded.

        Args:
            run: which one.
            records: in the order of its ledger.
            now: seconds on the caller's clock.
        """
        with self._lock:
            self._looked = max(self._looked, now)
            self._add(self._work_of(run), list(records), now)

    def end(self, run: Run, now: float) -> None:
        """Note that a run has ended, however."""
        with self._lock:
            work = self._work_of(run)
            if run.path in self._left:
                self._left.discard(run.path)
                self._count(work, -1, -work.share)
            self._looked = max(self._looked, now)
            group = self._group_of.get(run.path)
            if group is None or group.ended is not None:
                return
            if not any(work.run.path in self._left for work in group.runs):
                self._begin(group, now)
                group.ended = now
                self._free_since.append(now)

    def work(self) -> Work:
        """Return the charged work that is recorded, of what the suite is expected to take."""
        with self._lock:
            priced = all(charge is not None for charge in self._charges.values())
            amounts = {
                cell: profile.charged if priced else math.fsum(profile.evaluations)
                for cell, profile in self._profiles.items()
            }
            done, left = math.fsum(amounts.values()), 0.0
            spent = math.fsum(profile.spent for profile in self._profiles.values())
            usual = done / spent if spent > 0 else 1.0
            for cell, (runs, shares) in self._shares_left.items():
                prior = self._charges.get(cell) if priced else usual
                whole = self._profiles[cell].amount(amounts.get(cell, 0.0), prior or 0.0)
                left += max(0.0, runs * self._profiles[cell].end - shares) * whole
            return Work(done=done, total=done + left, unit="seconds" if priced else "evaluations")

    def seconds(self, now: float) -> Range | None:
        """Estimate the seconds left, as a range; None before it rests on enough of every kind of work.

        Args:
            now: seconds on the caller's clock.
        """
        with self._lock:
            if self._looked - self._estimated >= len(self._left) / RUNS_A_SECOND:
                self._estimated, self._estimate = self._looked, self._range()
            if self._estimate is None:
                return None
            passed = now - self._estimated
            return max(0.0, self._estimate[0] - passed - 1.0), max(0.0, self._estimate[1] - passed) + 1.0

    def _range(self) -> Range | None:
        """Estimate the seconds left at the time of the last look at the ledgers."""
        costs = self._costs(self._looked)
        if costs is None:
            return None
        in_flight, waiting, error = costs
        middle = last_end(in_flight, waiting, self._workers)
        half = STANDARD_ERRORS * error * middle
        return (middle - half, middle + half) if half <= WIDEST * middle else None

    def _costs(self, now: float) -> tuple[list[float], list[float], float] | None:
        """Estimate the seconds left of groups in flight and of others, and the relative standard error of all."""
        paces = measure_pace(self._groups, self._profiles, self._left, now)
        if not paces:
            return None
        estimator = RunCost(profiles=self._profiles, paces=paces, charges=self._charges)
        in_flight: list[float] = []
        waiting: list[float] = []
        for group in self._groups:
            runs = [work for work in group.runs if work.run.path in self._left]
            if runs:
                seconds = math.fsum(estimator.add(work, under_way=group.in_flight) for work in runs)
                (in_flight if group.in_flight else waiting).append(seconds)
        error = estimator.relative_error()
        return None if error is None else (in_flight, waiting, error)

    def _work_of(self, run: Run) -> RunWork:
        if run.path not in self._runs:
            self._runs[run.path] = RunWork(run=run, typical_seconds=self._typical_seconds.get(run.objective.label))
        return self._runs[run.path]

    def _add(self, work: RunWork, records: Sequence[Mapping[str, Any]], now: float) -> None:
        group = self._group_of.get(work.run.path)
        evaluations = [record for record in records if record.get("kind") == "evaluation"]
        before = self._recorded_before.get(work.run.path, 0)
        if group is not None and before == 0 and records and records[0].get("kind") != "evaluation":
            self._begin(group, now)  # The header of a run that begins.
        earlier = max(0, before - work.evaluations)
        for step in work.add(evaluations[:earlier]):
            self._add_step(work, step, group)
        for step in work.add(evaluations[earlier:]):
            self._add_step(work, step, group)
            if group is not None:
                self._begin(group, now - step.decide - step.train)
                group.add(step)
        if records and records[-1].get("kind") == "end":
            self._profiles[work.cell].ends.append(work.share)
            work.close()

    def _add_step(self, work: RunWork, step: Step, group: GroupWork | None) -> None:
        if work.run.path in self._left:
            self._count(work, 0, step.end - step.start)
        self._profiles[work.cell].add(step, id(group))

    def _count(self, work: RunWork, runs: int, share: float) -> None:
        """Change what is known of the runs of a cell that have not ended."""
        count, shares = self._shares_left.get(work.cell, (0, 0.0))
        self._shares_left[work.cell] = count + runs, shares + share

    def _begin(self, group: GroupWork, now: float) -> None:
        """Note that a worker has begun a group: when it became free, the first ones when they recorded something."""
        if group.began is None:
            group.began = min(self._free_since.pop(0), now) if self._free_since else now
