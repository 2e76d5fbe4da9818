"""Writes a synthetic suite of a million trials, and measures time and memory of its analysis.

    python -m tests.perf.million --folder DIR [--trials 1000] [--out results/reference]

writes 5 objectives x 4 algorithms x 50 repetitions x 1000 trials (10 epochs each) as ledgers, and
times `python -m analysis VERB` over them in processes of their own: wall time, and the peak of the
resident memory of the process and all that it starts.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import threading
import time
import zlib
from pathlib import Path

import numpy as np

OBJECTIVES, ALGORITHMS, REPETITIONS, EPOCHS = 5, 4, 50, 10
RATE = {"kind": "float", "low": 1e-4, "high": 1.0, "log": True}
BATCH = {"kind": "int", "low": 32, "high": 255, "log": False}


def plant(folder: Path, trials: int) -> None:
    """Write `suite.json` and ledgers of random trials."""
    folder.mkdir(parents=True)
    space = {"learning_rate": RATE, "batch_size": BATCH}
    suite = {
        "format": 1, "name": folder.name, "title": "A million planted trials", "seed": 1, "repetitions": REPETITIONS,
        "clock": "modelled", "calibration": {"name": "planted", "device": "none"}, "n_workers": 1, "resume": True,
        "budget": {"trials": trials},
        "objectives": [
            {"label": f"objective{number}", "name": "planted", "options": {}, "space": space, "max_epochs": EPOCHS,
             "default": None, "chance_error": 0.9}
            for number in range(OBJECTIVES)
        ],
        "algorithms": [
            {"label": f"algorithm{number}", "scheduler": {"name": "basic", "options": {}},
             "searcher": {"name": "random" if number == 0 else "local", "options": {}}}
            for number in range(ALGORITHMS)
        ],
    }  # fmt: skip
    (folder / "suite.json").write_text(json.dumps(suite))
    for objective in range(OBJECTIVES):
        for algorithm in range(ALGORITHMS):
            for repetition in range(REPETITIONS):
                _run(folder, objective, algorithm, repetition, trials)


def _run(folder: Path, objective: int, algorithm: int, repetition: int, trials: int) -> None:
    rng = np.random.default_rng([objective, algorithm, repetition])
    rates, batches = 10 ** rng.uniform(-4, 0, trials), rng.integers(32, 256, trials)
    curves = np.round(np.sort(rng.beta(2, 5, (trials, EPOCHS)) * (1 - 0.1 * algorithm), axis=1)[:, ::-1] * 3600) / 3600
    seconds = rng.lognormal(0, 0.5, trials)
    ends = np.cumsum(seconds)
    run = {
        "suite_seed": 1, "objective": {"label": f"objective{objective}"},
        "algorithm": {"label": f"algorithm{algorithm}"}, "repetition": repetition, "clock": "modelled",
    }  # fmt: skip
    header = {"kind": "header", "format": 1, "run": run, "data": {}, "environment": {"device": "cpu"}, "created": "now"}
    records = [header]
    for index in range(trials):
        curve = curves[index].tolist()
        records.append(
            {
                "kind": "evaluation", "index": index, "trial": index, "digest": f"{rng.integers(2**63):016x}",
                "config": {"learning_rate": float(rates[index]), "batch_size": int(batches[index])},
                "start_epoch": 0, "epochs": EPOCHS, "asked_epochs": EPOCHS, "state": "ok",
                "valid_error": curve[-1], "test_error": curve[-2], "valid_curve": curve, "test_curve": curve,
                "train_seconds": float(seconds[index]), "paid_seconds": float(seconds[index]),
                "decide_seconds": 1e-5, "modelled_seconds": float(seconds[index]),
                "start": float(ends[index - 1]) if index else 0.0, "end": float(ends[index]),
            }
        )  # fmt: skip
    records.append({"kind": "end", "reason": "budget", "evaluations": trials})
    path = folder / "runs" / f"objective{objective}" / f"algorithm{algorithm}" / f"{repetition:03d}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(_lines(records))


def _lines(records: list[dict]) -> bytes:
    crc, lines = 0, []
    for record in records:
        body = json.dumps(record, separators=(",", ":")).encode()
        crc = zlib.crc32(body, crc)
        lines.append(body[:-1] + b',"crc":"%08x"}\n' % crc)
    return b"".join(lines)


def measure(command: list[str]) -> dict[str, float]:
    """Run a command; return its wall seconds and the peak memory of its processes, shared pages counted once."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    peak = 0
    watching = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not watching.wait(0.05):
            peak = max(peak, _memory(process.pid))

    thread = threading.Thread(target=watch)
    thread.start()
    code = process.wait()
    watching.set()
    thread.join()
    if code:
        raise SystemExit(f"{' '.join(command)} ended with {code}")
    return {"seconds": time.perf_counter() - began, "peak_bytes": peak}


def _memory(pid: int) -> int:
    """Return the proportional set size of a process and its descendants, in bytes (Linux)."""
    total, waiting = 0, [pid]
    while waiting:
        number = waiting.pop()
        try:
            lines = Path(f"/proc/{number}/smaps_rollup").read_text().splitlines()
            waiting += [int(child) for task in Path(f"/proc/{number}/task").iterdir()
                        for child in (task / "children").read_text().split()]  # fmt: skip
        except OSError:
            continue
        total += next((int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:")), 0)
    return total


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, required=True, help="where the suite is planted, if it is not there")
    parser.add_argument("--trials", type=int, default=1000, help="trials a run; there are 1000 runs")
    parser.add_argument("--verbs", default="tables,report", help="verbs of `python -m analysis` to time")
    parser.add_argument("--out", type=Path, help="folder for million.json")
    options = parser.parse_args()
    if not (options.folder / "million" / "suite.json").exists():
        plant(options.folder / "million", options.trials)
    results = {"trials": OBJECTIVES * ALGORITHMS * REPETITIONS * options.trials}
    for verb in options.verbs.split(","):
        command = [sys.executable, "-m", "analysis", verb, "million", "--results", str(options.folder)]
        results[verb] = measure(command)
        print(verb, {name: round(value, 1) for name, value in results[verb].items()})
    if options.out:
        (options.out / "million.json").write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
