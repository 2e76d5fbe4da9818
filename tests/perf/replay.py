"""Measures simulated trials a second: replay beside Syne Tune's simulator, in one process.

`python -m tests.perf.replay --out results/reference` writes `replay.json`. Both sides answer from a table of 4096
configurations and 10 epochs: ours of Branin with noise, Syne Tune's of `syne_tune_simulator.py`. Rounds are
interleaved, medians count. Ours are whole calls of the Runner, from its checks to the last ledger's final name, into
a temporary folder; runs of 300 trials, and a suite of 2 algorithms x 50 repetitions x 20 trials. Imports and the
reading of the table are left out on both sides, and what the table remembers of its answers is forgotten before each
round. Syne Tune's ASHA stops trials where ours, as in the paper, pauses and promotes them; trials are counted alike.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.suite import parsing as suites
from benchmark.suite.model import Suite
from benchmark.tables.table_file import load_table
from objectives.objective import Machine
from tests.perf import measured
from tests.perf.equivalence import SUITES, harvested
from tests.perf.syne_tune_simulator import simulate

TARGETS = {"random": 20_000, "asha": 10_000, "asha-4-workers": 10_000}
"""Least simulated trials a second."""
SMALL = ("repetitions=50", "budget.trials=20")
RIVAL_TRIALS = 300

Round = tuple[int, int, float, float]
"""Trials, trainings (epochs reported, for Syne Tune), seconds, seconds of the processor."""


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, write a JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--out", type=Path, default=Path("results/reference"), help="folder of replay.json")
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--tables", type=Path, help="harvested table of suites/plane.toml")
    parsed = parser.parse_args(arguments)
    machine = measured.card(["syne-tune"])
    with tempfile.TemporaryDirectory() as folder:
        tables = parsed.tables or harvested(SUITES / "plane.toml", Path(folder))
        rounds = interleaved(sides(tables), parsed.rounds)
    report = {
        "machine": machine,
        "rounds": parsed.rounds,
        "sides": {name: summary(rows) for name, rows in rounds.items()},
    }
    report["targets"] = {"trials_a_second": TARGETS, "seconds_of_the_small_suite": 1.0}
    measured.write(parsed.out, "replay", report, table(report["sides"]))
    return 0


def sides(tables: Path) -> Mapping[str, Callable[[], Round]]:
    """Return the functions to measure, by name."""
    suite = suites.load(str(SUITES / "throughput.toml"))
    small = suites.load(str(SUITES / "throughput.toml"), list(SMALL))
    ours = {label: _ours(suite, (label,), tables) for label in TARGETS}
    ours |= {f"{label}, 20 trials a run": _ours(small, (label,), tables) for label in TARGETS}
    rivals = {
        f"Syne Tune: {algorithm}, {workers} worker{'s' * (workers > 1)}": _rival(algorithm, workers)
        for algorithm, workers in (("random", 1), ("random", 4), ("asha", 1), ("asha", 4))
    }
    return {**ours, "2 x 50 x 20": _ours(small, ("random", "asha"), tables), **rivals}


def _ours(suite: Suite, labels: tuple[str, ...], tables: Path) -> Callable[[], Round]:
    def side() -> Round:
        runs = [run for run in suite.runs() if run.algorithm.label in labels]
        load_table(tables / "branin.npz").answers.clear()
        with tempfile.TemporaryDirectory() as folder:
            began, cpu_began = time.perf_counter(), time.process_time()
            runner = Runner(
                suite,
                Path(folder),
                jobs=1,
                machine=Machine(),
                listener=Quiet(),
                train=False,
                tables=tables,
                recycle=True,
            )
            reports = runner.run(runs)
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
        assert all(report.state == "done" for report in reports), reports[0].problem
        assert suite.budget.trials is not None
        return len(runs) * suite.budget.trials, sum(report.evaluations for report in reports), seconds, cpu

    return side


def _rival(algorithm: str, workers: int) -> Callable[[], Round]:
    def side() -> Round:
        simulation = simulate(algorithm, RIVAL_TRIALS, workers)
        return simulation.trials, simulation.reports, simulation.seconds, simulation.cpu_seconds

    return side


def interleaved(sides: Mapping[str, Callable[[], Round]], rounds: int) -> dict[str, list[Round]]:
    """Measure every side once in each round, after one that does not count."""
    for side in sides.values():
        side()
    measured_rounds: dict[str, list[Round]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            measured_rounds[name].append(side())
    return measured_rounds


def summary(rows: list[Round]) -> dict[str, Any]:
    """Summarise one side's rounds by medians, with the least and the greatest."""
    rates = [trials / seconds for trials, _, seconds, _ in rows]
    return {
        "trials_a_second": {"median": statistics.median(rates), "least": min(rates), "greatest": max(rates)},
        "trials_a_processor_second": statistics.median(trials / cpu for trials, _, _, cpu in rows),
        "steps_a_second": statistics.median(steps / seconds for _, steps, seconds, _ in rows),
        "seconds": statistics.median(seconds for _, _, seconds, _ in rows),
        "trials": rows[0][0],
    }


def table(summaries: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Format the medians in a few columns."""
    head = ("side", "trials/s", "least", "greatest", "by processor time", "wanted", "seconds a round")
    rows = []
    for name, row in summaries.items():
        rates = [f"{row['trials_a_second'][which]:,.0f}" for which in ("median", "least", "greatest")]
        wanted = f"{TARGETS[name]:,}" if name in TARGETS else "< 1 s" if name == "2 x 50 x 20" else ""
        rows.append((name, *rates, f"{row['trials_a_processor_second']:,.0f}", wanted, f"{row['seconds']:.3f}"))
    return measured.markdown(head, rows)


if __name__ == "__main__":
    sys.exit(main())
