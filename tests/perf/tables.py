"""Measures tables: reading one, and looked-up trials a second.

`python -m tests.perf.tables --out results/reference` writes `tables.json`. The tables are invented, of the sizes of the
published ones: a grid of FCNet (62,208 configurations, 4 seeds), a pool of TaskSet (1,000, 1 seed, 51 epochs).
Each side is a process of its own that makes the whole call of the Runner, ledgers written into a temporary folder, with
imports and the reading of the table left out. Rates are by seconds of the processor, which other work on the machine
does not change; seconds by the clock stand beside them.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmark.tables.new_table import NewTable
from benchmark.tables.table_file import load_table, write_table
from objectives.metric import Metric
from objectives.space import Categorical, Ordinal, Space
from tests.perf import measured

WANTED = {"random on FCNet": 20_000, "ASHA on TaskSet": 10_000}
"""Least trials a second."""
SUITES = {
    "random on FCNet": ("fcnet", 'algorithms.a.searcher = "random"', 100),
    "local on FCNet": ("fcnet", 'algorithms.a.searcher = "local"', 100),
    "ASHA on TaskSet": ("taskset", 'algorithms.a = { scheduler = "asha", searcher = "random" }', 300),
    "random on TaskSet": ("taskset", 'algorithms.a.searcher = "random"', 100),
}
REPETITIONS = 100
FCNET = Space(
    {
        **{f"activation_{layer}": Categorical(["relu", "tanh"]) for layer in (1, 2)},
        "batch_size": Ordinal([8, 16, 32, 64]),
        **{f"dropout_{layer}": Ordinal([0.0, 0.3, 0.6]) for layer in (1, 2)},
        "init_lr": Ordinal([5e-4, 1e-3, 5e-3, 1e-2, 5e-2, 1e-1]),
        "lr_schedule": Categorical(["cosine", "const"]),
        **{f"n_units_{layer}": Ordinal([16, 32, 64, 128, 256, 512]) for layer in (1, 2)},
    }
)


def invent(folder: Path) -> None:
    """Write a grid and a pool of the sizes of published tables."""
    from scipy import stats

    rng = np.random.default_rng(0)
    names = ("learning_rate", "beta1", "beta2", "epsilon", "l1", "l2", "linear_decay", "exponential_decay")
    pool = Space({name: stats.loguniform(1e-8, 1.0) for name in names})
    loss = Metric("loss", best=0.0, chance=10.0, typical=0.5)
    metrics = (loss, Metric("size", best=0.0, reference=1e9), Metric("time"))
    for name, space, shape, count in (("fcnet", FCNET, (62_208, 4, 1), 3), ("taskset", pool, (1000, 1, 51), 1)):
        held = metrics[:count]
        write_table(
            folder / f"{name}.npz",
            NewTable(
                space=space,
                configs=None if space is FCNET else [space.sample(rng) for _ in range(shape[0])],
                metrics=held,
                values={metric.name: rng.random(shape) for metric in held},
                test_values={} if space is FCNET else {"loss": rng.random(shape)},
                seconds=rng.random(shape),
                reached=np.full(shape[:2], shape[2]),
                diverged=np.zeros(shape[:2], np.bool_),
                seeds=tuple(map(str, range(shape[1]))),
                source="invented",
                version="1",
                license="MIT",
                source_digest="0" * 64,
            ),
        )


def measure_reading(path: Path) -> dict[str, Any]:
    """Measure seconds and megabytes of reading a table in this process."""
    import benchmark.tables.table_objective  # noqa: F401  (imports are left out)

    before, began = _peak_megabytes(), time.process_time()
    load_table(path)
    seconds = time.process_time() - began
    return {"seconds": seconds, "megabytes": _peak_megabytes() - before}


def _peak_megabytes() -> float:
    """The largest memory that this process has had so far."""
    line = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def measure_side(name: str, folder: Path) -> dict[str, Any]:
    """Measure a suite of one algorithm on one table in this process, after a small one that does not count."""
    from benchmark.driver.progress import Quiet
    from benchmark.driver.runner import Runner
    from benchmark.suite.parsing import load
    from objectives.objective import Machine

    table, algorithm, trials = SUITES[name]
    text = 'clock = "tabulated"\nrepetitions = {}\nbudget.trials = {}\nobjectives.x.table = "{}.npz"\n{}\n'
    for repetitions in (2, REPETITIONS):
        (folder / "suite.toml").write_text(text.format(repetitions, trials, table, algorithm))
        suite = load(str(folder / "suite.toml"))
        with tempfile.TemporaryDirectory() as results:
            began, cpu_began = time.perf_counter(), time.process_time()
            reports = Runner(suite, Path(results), jobs=1, machine=Machine(), listener=Quiet()).run()
            seconds, cpu = time.perf_counter() - began, time.process_time() - cpu_began
        assert all(report.state == "done" for report in reports), reports[0].problem
    count = REPETITIONS * trials
    return {
        "trials": count,
        "evaluations": sum(report.evaluations for report in reports),
        "trials_a_processor_second": count / cpu,
        "trials_a_second": count / seconds,
        "imported_torch": "torch" in sys.modules,
    }


def in_a_process(folder: Path, *task: str) -> dict[str, Any]:
    """Measure one thing in a process of its own."""
    command = [sys.executable, "-m", "tests.perf.tables", "--folder", str(folder), "--measure", *task]
    found: dict[str, Any] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return found


def main(arguments: list[str] | None = None) -> int:
    """Measure, print a table, write a JSON file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--out", type=Path, default=Path("results/reference"), help="folder of tables.json")
    parser.add_argument("--folder", type=Path, help="of the invented tables")
    parser.add_argument("--measure", nargs=2, metavar=("KIND", "NAME"))
    parsed = parser.parse_args(arguments)
    if parsed.measure:
        kind, name = parsed.measure
        found = measure_reading(parsed.folder / name) if kind == "reading" else measure_side(name, parsed.folder)
        print(json.dumps(found))
        return 0
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        invent(folder)
        reading = {name: in_a_process(folder, "reading", f"{name}.npz") for name in ("fcnet", "taskset")}
        sides = {name: in_a_process(folder, "side", name) for name in SUITES}
    report = {"machine": measured.card([]), "reading": reading, "sides": sides, "wanted": WANTED}
    rates = ("trials_a_processor_second", "trials_a_second")
    rows = [
        (name, *(f"{side[rate]:,.0f}" for rate in rates), str(WANTED.get(name, ""))) for name, side in sides.items()
    ]
    for name, one in reading.items():
        rows.append((f"reading {name}", f"{one['seconds']:.2f} s", f"{one['megabytes']:.0f} MB", "1 s, 300 MB"))
    head = ("what", "trials a processor second", "trials a second", "wanted")
    measured.write(parsed.out, "tables", report, measured.markdown(head, rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
