"""What a suite's parts take on this machine: the driver, a worker, the disk, the plan; each in processes of its own.

`python -m tests.perf.scale.service BACKEND JOBS SUITE.toml RESULTS [--shard I/N]` runs a suite of naps on a backend and
prints what its driver saw; `tests.perf.scale` calls it.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmark.storage.ledger import Ledger
from benchmark.workers.heartbeat import Heartbeat, HeartbeatListener
from tests import ROOT

IDLE = 1.0
"""Seconds for which a backend is watched before it has anything to do."""

NAPS = """
seed = 11
repetitions = {runs}
budget.trials = {trials}
algorithms.random.searcher = "random"
[objectives.nap]
name = "tests.perf.scale.naps:Nap"
seconds = {seconds}
log = "{log}"
"""

WIDE = "\n".join(
    [f'objectives.o{n} = {{ name = "tests.perf.scale.naps:Nap", seconds = 0.0 }}' for n in range(5)]
    + [f'algorithms.a{n}.searcher = "random"' for n in range(4)]
)
"""The parts of a suite of twenty cells."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A suite of naps as it went.

    Attributes:
        trials: of every worker, in order: when each began and ended, seconds after the command, and the
            processor seconds that the worker had used when it began.
        told: what the drivers said, one for each.
        lengths: seconds that each run's trials should take, by the run's number.
    """

    trials: list[list[tuple[float, float, float]]]
    told: list[dict[str, float]]
    lengths: list[list[float]]


class Watching:
    """A listener that notes what the driver's process has used when the suite begins and at every report."""

    def __init__(self) -> None:
        self.told: dict[str, float] = {}

    def start(self, *_: object) -> None:
        before = time.process_time()
        time.sleep(IDLE)
        self.told |= {"beat": (time.process_time() - before) / IDLE, "open": time.monotonic()}
        self.told |= {"cpu_open": time.process_time()}

    def run_started(self, run: object) -> None:
        """Counts nothing."""

    def run_ended(self, report: Any) -> None:
        self.told |= {"cpu_last": time.process_time(), "last": time.monotonic()}
        self.told["groups"] = self.told.get("groups", 0) + 1
        if report.state != "done":
            raise SystemExit(f"{report.run.path}: {report.problem}")

    def say(self, message: str) -> None:
        print(message, file=sys.stderr)


def drive(backend: str, jobs: int, suite: Path, results: Path, shard: str | None) -> dict[str, float]:
    """Run a suite on a backend; what its driver saw."""
    from benchmark.backends.factory import build_backend
    from benchmark.driver.runner import Runner
    from benchmark.planning import shard as shards
    from benchmark.suite import parsing as suites
    from objectives.objective import Machine

    plan = suites.load(str(suite))
    share = None if shard is None else shards.parse_shard(shard, plan)
    watching = Watching()
    Runner(
        plan, results, jobs=jobs, machine=Machine(), listener=watching, shard=share,
        backend=build_backend(backend, jobs, jobs, None, None),
    ).run()  # fmt: skip
    return watching.told


def nap(backend: str, workers: int, *, runs: int, trials: int, seconds: float) -> Seen:
    """Run a suite of naps in processes of its own; "shards" are as many drivers of one process each."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "log").mkdir()
        suite = folder / "naps.toml"
        suite.write_text(NAPS.format(runs=runs, trials=trials, seconds=seconds, log=folder / "log"))
        command = [sys.executable, "-m", "tests.perf.scale.service"]
        place = [str(suite), str(folder)]
        commands = [[*command, backend, str(workers), *place]]
        if backend == "shards":
            commands = [[*command, "loky", "1", *place, "--shard", f"{n}/{workers}"] for n in range(1, workers + 1)]
        began = time.monotonic()
        drivers = [subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, text=True) for words in commands]
        try:
            told = [_told(driver) for driver in drivers]
        finally:
            for driver in drivers:
                driver.kill()
        logs = sorted((folder / "log").iterdir(), key=lambda path: path.read_text())
        return Seen(
            trials=[_times(path, began) for path in logs],
            told=[{name: value - began if name in ("open", "last") else value for name, value in one.items()}
                  for one in told],
            lengths=[_lengths(folder / "naps", number, seconds) for number in range(runs)],
        )  # fmt: skip


def _told(driver: subprocess.Popen[str]) -> dict[str, float]:
    out, _ = driver.communicate(timeout=300)
    if driver.returncode:
        raise SystemExit(f"{driver.args!r} ended with {driver.returncode}")
    told: dict[str, float] = json.loads(out.splitlines()[-1])
    return told


def _times(path: Path, began: float) -> list[tuple[float, float, float]]:
    rows = [[float(word) for word in line.split()] for line in path.read_text().splitlines()]
    return [(start - began, end - began, used) for start, end, used in rows]


def _lengths(folder: Path, number: int, seconds: float) -> list[float]:
    lines = (folder / "runs" / "nap" / "random" / f"{number:03d}.jsonl").read_text().splitlines()
    records = [json.loads(line) for line in lines]
    return [seconds * (0.5 + record["config"]["x"]) for record in records if record["kind"] == "evaluation"]


def gaps(seen: Seen, trials: int, *, within: bool) -> tuple[list[float], list[float]]:
    """Seconds between two trials of one worker, of the clock and of its processor: within a run, or from run to run."""
    clock, processor = [], []
    for times in seen.trials:
        for place, ((_, end, before), (start, _, after)) in enumerate(pairwise(times), start=1):
            if (place % trials != 0) == within:
                clock.append(start - end)
                processor.append(after - before)
    return clock, processor


def spread(values: Sequence[float]) -> dict[str, float]:
    """Mean, median, and the tenth and ninetieth percentile."""
    ordered = sorted(values)
    low, high = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.1, 0.9))
    return {
        "mean": statistics.fmean(ordered),
        "median": statistics.median(ordered),
        "p10": low,
        "p90": high,
        "n": len(ordered),
    }


def record(size: int = 583) -> dict[str, Any]:
    """An evaluation of about as many bytes."""
    return {"kind": "evaluation", "index": 0, "text": "x" * (size - 70)}


def _append(path: str, seconds: float) -> list[float]:
    """What every durable append takes, for so long."""
    found, line = [], record()
    with Ledger(Path(path)) as ledger:
        until = time.monotonic() + seconds
        while (began := time.monotonic()) < until:
            ledger.append(line)
            ledger.records.clear()
            found.append(time.monotonic() - began)
    return found


def disk(folder: Path, writers: Sequence[int], seconds: float) -> list[dict[str, float]]:
    """Durable appends of so many processes at once, each to a ledger of its own in one folder."""
    rows = []
    for number in writers:
        with ProcessPoolExecutor(number, mp_context=get_context("spawn")) as pool:
            list(pool.map(abs, range(number * 4)))  # All processes are there before the first begins.
            place = Path(tempfile.mkdtemp(dir=folder))
            found = list(pool.map(_append, [str(place / f"{n}.jsonl") for n in range(number)], [seconds] * number))
        times = [one for times in found for one in times]
        rows.append({"writers": number, "syncs_a_second": len(times) / seconds, **spread(times)})
    return rows


def look(folder: Path, looks: int = 2000) -> dict[str, float]:
    """Seconds that a worker's look at the driver's pulse takes, four times a second."""
    with Heartbeat(folder, "", "token", lambda: True, lambda: None):
        listener = HeartbeatListener(folder, "", "token")
        return spread([_timed(listener.is_driver_alive) for _ in range(looks)])


def wide(repetitions: int, trials: int) -> str:
    """The text of a suite of twenty cells."""
    return f"seed = 1\nrepetitions = {repetitions}\nbudget.trials = {trials}\n{WIDE}\n"


def planning(sizes: Sequence[int]) -> list[dict[str, float]]:
    """Seconds to read a suite of so many trials, to list its runs, and to find one shard of 64."""
    from benchmark.planning import shard as shards
    from benchmark.suite import parsing as suites

    rows = []
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "plan.toml")
        for trials in sizes:
            repetitions = min(1000, trials // 20)
            path.write_text(wide(repetitions, trials // (20 * repetitions)))
            suite = suites.load(str(path))
            rows.append(
                {
                    "trials": trials,
                    "runs": sum(1 for _ in suite.runs()),
                    "load_seconds": _timed(lambda: suites.load(str(path))),
                    "runs_seconds": _timed(lambda: list(suite.runs())),  # noqa: B023 (called at once)
                    "split_seconds": _timed(lambda: shards.split_runs(suite, 16)),  # noqa: B023
                }
            )
    return rows


def _timed(what: Callable[[], object]) -> float:
    began = time.perf_counter()
    what()
    return time.perf_counter() - began


def replaying(trials: int) -> float:
    """Seconds a trial to go on with a run of so many, all but one recorded: ledger read, searcher asked again."""
    from benchmark.batching.run_group import execute_group
    from benchmark.reproducibility.environment import describe_environment
    from benchmark.storage.ledger_format import partial_path
    from benchmark.suite import parsing as suites
    from benchmark.tuning.run_settings import RunSettings
    from objectives.objective import Machine

    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch, "naps.toml")
        path.write_text(NAPS.format(runs=1, trials=trials, seconds=0.0, log=""))
        run = next(suites.load(str(path)).runs())
        settings = RunSettings(folder=Path(scratch), machine=Machine(), environment=describe_environment("cpu", 1))
        execute_group([run], settings)
        ledger = Path(scratch) / run.path
        lines = ledger.read_bytes().splitlines(keepends=True)
        ledger.unlink()
        partial_path(ledger).write_bytes(b"".join(lines[:-2]))
        seconds = _timed(lambda: execute_group([run], settings))
        if ledger.read_bytes().splitlines()[: len(lines) - 2] != [line.rstrip(b"\n") for line in lines[:-2]]:
            raise SystemExit(f"{ledger}: the resumed run is another one")
        return seconds / trials


def sizes(suite: str) -> Iterator[dict[str, float]]:
    """Bytes of the ledgers that one repetition of a suite leaves, by objective and algorithm."""
    with tempfile.TemporaryDirectory() as scratch:
        words = ["run", suite, "--set", "repetitions=1", "--results", scratch, "--quiet", "--device", "cpu"]
        subprocess.run([sys.executable, "-m", "benchmark", *words], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        for path in sorted(Path(scratch, suite, "runs").rglob("*.jsonl")):
            lines = path.read_bytes().splitlines(keepends=True)
            yield {
                "ledger": str(path.parent.relative_to(Path(scratch, suite, "runs"))),  # type: ignore[dict-item]
                "bytes": sum(map(len, lines)),
                "header_bytes": len(lines[0]),
                "evaluations": len(lines) - 2,
                "evaluation_bytes": statistics.median(map(len, lines[1:-1])),
            }


def main() -> None:
    """Run naps as a driver, and say what it saw."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("backend")
    parser.add_argument("jobs", type=int)
    parser.add_argument("suite", type=Path)
    parser.add_argument("results", type=Path)
    parser.add_argument("--shard")
    given = parser.parse_args()
    print(json.dumps(drive(given.backend, given.jobs, given.suite, given.results, given.shard)), flush=True)


if __name__ == "__main__":
    main()
