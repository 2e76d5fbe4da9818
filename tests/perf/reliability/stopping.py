"""How a suite ends that is asked to, killed, robbed of its workers, or hangs."""

from __future__ import annotations

import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from benchmark.tuning.time_limit import GRACE_SECONDS
from benchmark.workers.watchdog import SECONDS_BETWEEN_LOOKS
from tests.benchmark.cli.test_signals import CODES, evaluations, recorded, started, wait_until, written
from tests.benchmark.commands import processes_of_session, wait_for_session_end
from tests.perf.reliability.row import Found, Row

PATIENCE = 30.0
"""Seconds after which what does not end is given up, and killed."""

# Signals.


def stops(folder: Path, quick: bool) -> Found:
    """Ask suites to stop at random moments; seconds until the command and all its processes are gone."""
    rng, wrong, lost = random.Random(7), 0, 0
    seconds: dict[int, list[float]] = {1: [], 2: []}
    cases = [(jobs, kind) for jobs in (1, 2) for kind in ("alone", "stacked")] * (1 if quick else 5)
    for turn, (jobs, kind) in enumerate(cases):
        number = (signal.SIGTERM, signal.SIGINT)[turn // 4 % 2 if not quick else turn % 2]
        place = folder / str(turn)
        place.mkdir()
        written(place, kind)
        driver = started(place, jobs)
        wait_until(lambda place=place: evaluations(place / "tiny") > 10, driver)
        time.sleep(rng.uniform(0, 0.5))
        before, began = recorded(place / "tiny"), time.monotonic()
        driver.send_signal(number)
        wrong += _code(driver) != CODES[number]
        _gone(driver.pid)
        seconds[jobs].append(time.monotonic() - began)
        after = recorded(place / "tiny")
        lost += sum(after[name][: len(told)] != told for name, told in before.items())
        _progress(turn, len(cases), f"{number.name}, {jobs} jobs: {seconds[jobs][-1]:.2f} s")
    told = {f"jobs_{jobs}": _summary(values) for jobs, values in seconds.items()}
    return {"signals": len(cases), **told, "wrong_exit_codes": wrong, "runs_that_lost_records": lost}


def _code(driver: subprocess.Popen[str]) -> int | None:
    try:
        driver.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        os.killpg(driver.pid, signal.SIGKILL)
        driver.communicate()
        return None
    return driver.returncode


def _gone(session: int) -> None:
    """Wait until no process of a session is left; those that stay are killed, and have cost the patience."""
    for pid in wait_for_session_end(session, seconds=PATIENCE):
        os.kill(pid, signal.SIGKILL)


def _summary(values: list[float]) -> Found:
    ordered = sorted(values)
    return {"median_seconds": round(ordered[len(ordered) // 2], 2), "longest_seconds": round(ordered[-1], 2)}


def _progress(turn: int, count: int, what: str) -> None:
    print(f"  {turn + 1}/{count} {what}", file=sys.stderr, flush=True)


# Orphans.


def orphans(folder: Path, quick: bool) -> Found:
    """Kill drivers of two workers; seconds until these are gone, and what stays in shared memory."""
    seconds, left = [], Counter[str]()
    ways = ("sleep",) if quick else ("sleep", "locked", "stop", "stubborn", "native", "busy")
    for turn, how in enumerate(ways):
        place, before = folder / how, _shared()
        place.mkdir()
        written(place, "alone", f'how = "{how}"\nlimit = 0.0\nmark = "{place}"')
        driver = started(place, 2)
        wait_until(lambda place=place: len(list(place.glob("[0-9]*"))) == 2, driver)
        session, began = set(processes_of_session(driver.pid)), time.monotonic()
        driver.kill()
        driver.communicate()
        _gone(driver.pid)
        seconds.append(time.monotonic() - began)
        left.update({name: size for name, size in _shared().items() if name not in before and _owned(name, session)})
        _progress(turn, len(ways), f"{how}: {seconds[-1]:.2f} s")
    return {
        "kills": len(ways),
        **_summary(seconds),
        "shared_memory_files": len(left),
        "shared_memory_bytes": sum(left.values()),
    }


def _shared() -> dict[str, int]:
    """Files in shared memory with their sizes."""
    found = {}
    for path in Path("/dev/shm").rglob("*"):
        try:
            found[str(path)] = path.stat().st_size
        except OSError:
            continue
    return found


def _owned(name: str, session: set[int]) -> bool:
    """Whether a file bears the number of one of the session's processes; other programs make files there too."""
    return any(int(number) in session for number in re.findall(r"(?<=[-_])\d+(?=[-_])", name))


# Deaths of workers.

COUNTED = """
seed = 3
repetitions = 24
budget.trials = 60
algorithms.random.searcher = "random"
[objectives.slots]
name = "tests.benchmark.fakes.stacked_toy:StackedToy"
choices = 1000000000
epochs = {epochs}
log = "{log}"
"""
EPOCHS, JOBS = 100, 2


def deaths(folder: Path, quick: bool) -> Found:
    """Kill workers of one suite at random moments; trainings that were begun again, by who counts epochs trained."""
    rng, log = random.Random(9), folder / "log"
    log.touch()
    written(folder, "alone")
    (folder / "tiny.toml").write_text(COUNTED.format(log=log, epochs=EPOCHS))
    driver, killed, finished_again, wanted = started(folder, JOBS), 0, 0, 2 if quick else 8
    while killed < wanted and _trains_on(driver, log, EPOCHS * rng.randrange(10, 60)):
        known = _recorded(folder)
        size = log.stat().st_size
        victim = rng.choice(sorted(_workers(driver.pid)) or [None])
        if victim is None:
            continue
        os.kill(victim, signal.SIGKILL)
        killed += 1
        _trains_on(driver, log, EPOCHS * JOBS)
        finished_again += len(known & _begun(log.read_bytes()[size:]).keys())
        _progress(killed - 1, wanted, f"killed a worker after {len(known)} trials")
    _, message = driver.communicate(timeout=300)
    assert driver.returncode == 0, message
    begun = _begun(log.read_bytes())
    begun.pop(0, None)  # The default configuration: every repetition trains it.
    again = sum(begun.values()) - len(begun)
    trials = _recorded(folder)
    return {
        "deaths": killed,
        "trials": len(trials),
        "in_flight_at_a_death": JOBS,
        "begun_again": again,
        "recorded_and_begun_again": finished_again,
        "never_recorded": len(begun.keys() - trials),
    }


def _trains_on(driver: subprocess.Popen[str], log: Path, lines: int) -> bool:
    """Wait until so many more epochs are trained; whether the suite still runs."""
    until = log.read_bytes().count(b"\n") + lines
    while driver.poll() is None and log.read_bytes().count(b"\n") < until:
        time.sleep(0.02)
    return driver.poll() is None


def _begun(lines: bytes) -> Counter[int]:
    """How often each configuration's first epoch was trained."""
    told = (line.split(b" ") for line in lines.split(b"\n")[:-1])
    return Counter(int(words[0]) for words in told if words[1] == b"1")


def _recorded(folder: Path) -> set[int]:
    """Configurations whose evaluations are in the ledgers, but for the default one."""
    found = recorded(folder / "tiny").values()
    return {record["config"]["x"] for told in found for record in told} - {0}


def _workers(session: int) -> set[int]:
    """Processes of a driver's session that train."""
    commands = {pid: _command(pid) for pid in processes_of_session(session) if pid != session}
    return {pid for pid, command in commands.items() if b"loky" in command and b"tracker" not in command}


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


# Hangs.

LIMIT = 1.0
HANGING = """
seed = 3
repetitions = 2
timeout = {limit}
budget.trials = 1
algorithms.random.searcher = "random"
[objectives.hanging]
name = "tests.benchmark.fakes.hanging:Hanging"
how = "{how}"
limit = -1.0
mark = "{mark}"
"""


def hangs(folder: Path, quick: bool) -> Found:
    """Trials that hang under a `timeout`: seconds until they are interrupted or their process is killed."""
    ways = ("sleep", "stop") if quick else ("sleep", "busy", "stubborn", "native", "locked", "stop")
    seconds, recorded_after = {}, {}
    for turn, how in enumerate(ways):
        place = folder / how
        place.mkdir()
        (place / "tiny.toml").write_text(HANGING.format(limit=LIMIT, how=how, mark=place))
        seconds[how], recorded_after[how] = _hang(place)
        _progress(turn, len(ways), f"{how}: {seconds[how]:.2f} s")
    return {
        "timeout_seconds": LIMIT,
        "bound_seconds": LIMIT + GRACE_SECONDS + SECONDS_BETWEEN_LOOKS,
        "seconds_until_ended": {how: round(value, 2) for how, value in seconds.items()},
        "seconds_until_all_recorded": {how: round(value, 2) for how, value in recorded_after.items()},
        "without_a_timeout": "no bound",
    }


def _hang(place: Path) -> tuple[float, float]:
    """Longest time from the beginning of a hang to its end, and from the first one to the last record."""
    driver, ended = started(place, 2), {}
    while driver.poll() is None:
        done = _timeouts(place)
        for number, path in enumerate(sorted(place.glob("[0-9]*"), key=lambda path: path.stat().st_mtime)):
            if path.name not in ended and (number < done or not _alive(int(path.name))):
                ended[path.name] = time.time() - path.stat().st_mtime
        time.sleep(0.02)
    over, first = time.time(), min(path.stat().st_mtime for path in place.glob("[0-9]*"))
    message = driver.communicate()[1]
    assert _timeouts(place) == 2, message
    return max(ended.values()), over - first


def _timeouts(place: Path) -> int:
    return sum(record["state"] == "timeout" for told in recorded(place / "tiny").values() for record in told)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


ROWS = {
    "stops": Row(
        figure="from SIGTERM or SIGINT to the end of the last process, 1 and 2 jobs",
        target="at most 5 s, nothing recorded lost",
        measure=stops,
        met=lambda found: (
            found["wrong_exit_codes"] == found["runs_that_lost_records"] == 0
            and max(found[f"jobs_{jobs}"]["longest_seconds"] for jobs in (1, 2)) <= 5
        ),
    ),
    "orphans": Row(
        figure="from `kill -9` of the driver to the end of its two workers; what stays in /dev/shm",
        target="at most 2 s; 0 bytes",
        measure=orphans,
        met=lambda found: found["longest_seconds"] <= 2 and found["shared_memory_bytes"] == 0,
    ),
    "deaths": Row(
        figure="trials trained again for each death of a worker; recorded ones among them",
        target="at most those in flight; 0",
        measure=deaths,
        met=lambda found: (
            found["begun_again"] <= found["deaths"] * found["in_flight_at_a_death"]
            and found["recorded_and_begun_again"] == found["never_recorded"] == 0
        ),
    ),
    "hangs": Row(
        figure="the longest that a trial hangs, in six ways, under a `timeout` of 1 s and two jobs",
        target="at most the timeout, 2 s of grace and 0.2 s between two looks",
        measure=hangs,
        met=lambda found: max(found["seconds_until_ended"].values()) <= found["bound_seconds"] + 0.5,
    ),
}
