"""What there is to say of a suite at one moment, from its ledgers, its lock and its drivers' progress file."""

from __future__ import annotations

import platform
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from analysis.live.driver_process import Driver
from analysis.live.followed_run import FollowedRun
from analysis.live.follower import Follower
from benchmark.storage.progress_file import Progress

Activity = Literal["running", "stopped", "done"]
MOST_LISTED = 20
"""Rows of a list on the page."""
HAPPENED = {
    "error": "raised",
    "diverged": "diverged",
    "crashed": "killed their process",
    "timeout": "took longer than the suite allows",
}
"""What is said of evaluations in a state other than ok."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """Something that went wrong: what it is about, how often, and the reason."""

    about: str
    what: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The state of a suite.

    Attributes:
        activity: whether a process works on it.
        host: the other machine that runs it; empty where it is this one, or none.
        drivers: processes of this machine that run it.
        counts: runs done, failed, damaged, running, and waiting to begin or to go on.
        evaluations: how many are recorded.
        share: of the work that is done, from 0 to 1.
        seconds_left: least and most that it will still take; None where that is not known.
        stalled: runs that have recorded nothing for unusually long, with the seconds.
        problems: the first of all kinds of failures.
        further: how many kinds more there are.
    """

    activity: Activity
    host: str
    drivers: tuple[Driver, ...]
    counts: Mapping[str, int]
    evaluations: int
    share: float
    seconds_left: tuple[float, float] | None
    stalled: tuple[tuple[FollowedRun, float], ...]
    longest_wait: float
    problems: tuple[Problem, ...]
    further: int

    @property
    def stoppable(self) -> bool:
        return any(driver.ours for driver in self.drivers)


def take_snapshot(follower: Follower, drivers: list[Driver], progress: Sequence[Progress]) -> Snapshot:
    """Describe a suite as of the last look.

    Args:
        follower: of its ledgers.
        drivers: processes of this machine that run it.
        progress: what they have written of their progress.
    """
    at_work = [one for one in progress if one.is_running(time.time())]
    elsewhere = "" if drivers else ", ".join(dict.fromkeys(one.host for one in at_work if one.host != platform.node()))
    counts = _count(follower, here=bool(drivers), elsewhere=bool(elsewhere))
    ended = counts["done"] + counts["failed"] == len(follower.runs)
    activity: Activity = "running" if drivers or elsewhere else "done" if ended else "stopped"
    problems = list(_problems(follower))
    now = time.monotonic()
    stalled = [
        (run, follower.wait(run, now))
        for run in follower.runs
        if activity == "running" and (run.locked or elsewhere) and follower.is_stalled(run, now)
    ]
    return Snapshot(
        activity=activity,
        host=elsewhere,
        drivers=tuple(drivers),
        counts=counts,
        evaluations=sum(run.evaluations for run in follower.runs),
        share=_share(counts, len(follower.runs), progress if activity == "running" else ()),
        seconds_left=_seconds_left(at_work) if activity == "running" else None,
        stalled=tuple(sorted(stalled, key=lambda pair: -pair[1])),
        longest_wait=follower.longest_wait,
        problems=tuple(problems[:MOST_LISTED]),
        further=max(len(problems) - MOST_LISTED, 0),
    )


def _count(follower: Follower, *, here: bool, elsewhere: bool) -> dict[str, int]:
    states = Counter(run.state for run in follower.runs)
    running = sum(run.state == "partial" and (run.locked if here else elsewhere) for run in follower.runs)
    counts = {state: states[state] for state in ("done", "failed", "damaged")}
    return {**counts, "running": running, "waiting": len(follower.runs) - sum(counts.values()) - running}


def _share(counts: Mapping[str, int], total: int, progress: Sequence[Progress]) -> float:
    """The share of charged work that is done, of shards that have not begun nothing; without drivers that of runs."""
    work = sum(one.work.total for one in progress)
    if work > 0:
        begun = min(1.0, sum(one.runs.total for one in progress) / total)
        return begun * min(1.0, sum(one.work.done for one in progress) / work)
    return (counts["done"] + counts["failed"]) / total


def _seconds_left(progress: Sequence[Progress]) -> tuple[float, float] | None:
    """Between how few and how many seconds the last of the drivers still takes; None where one does not know yet."""
    ranges = [None if one.eta_seconds is None else (one.written, *one.eta_seconds) for one in progress]
    known = [bounds for bounds in ranges if bounds is not None]
    if not known or len(known) < len(ranges):
        return None
    now = time.time()
    low, high = (max(max(0.0, bounds[k] - (now - bounds[0])) for bounds in known) for k in (1, 2))
    return low, high


def _problems(follower: Follower) -> list[Problem]:
    """Damaged and failed runs, then evaluations that came to nothing, by objective, algorithm, state and reason."""
    named = [
        Problem(about=str(run.name.path), what=run.state, reason=run.problem)
        for state in ("damaged", "failed")
        for run in follower.runs
        if run.state == state
    ]
    counted: Counter[tuple[str, str, str]] = Counter()
    for run in follower.runs:
        for (state, reason), count in run.failures.items():
            counted[follower.display_name(run.name), state, reason] += count
    return named + [
        Problem(about=about, what=f"{count} evaluation{'s' if count > 1 else ''} {HAPPENED[state]}", reason=reason)
        for (about, state, reason), count in counted.most_common()
    ]
