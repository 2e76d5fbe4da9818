"""From 1 to 64 nodes: measured as far as this machine goes, then simulated with what was measured.

`python -m tests.perf.scale --out results/reference --page docs/scale.md` writes scale.json, scale.csv, scale.png and
the tables of the page that tells what they say. `--quick` tries every part in little time, `--redo scale.json` takes
the measurements from a file and simulates again. No source file may change meanwhile: workers are compared by them.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.perf.measured import card, write
from tests.perf.scale import bulk, figure, page, service
from tests.perf.scale.simulation import simulated

ENGINES = {"loky": (1, 2, 4, 8), "dask": (1, 2, 4, 8), "ray": (2, 4), "shards": (1, 2, 4, 8)}
ALONE = {"loky": 2, "dask": 1, "ray": 2, "shards": 1}
"""Workers with which services are measured: the fewest with which a backend dispatches at all."""


NAP = 0.05


def measure(*, quick: bool) -> dict[str, Any]:
    """Everything that is measured and not simulated."""
    runs, trials = (8, 4) if quick else (32, 10)
    samples = 12 if quick else 50
    report: dict[str, Any] = {"machine": card(("dask", "distributed", "joblib", "ray"))}
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as scratch:
        folder = Path(scratch)
        report["disk"] = service.disk(folder, (1, 2, 4, 8, 16), 0.3 if quick else 2.0)
        report["look"] = service.look(folder)
        report["sizes"] = list(service.sizes("digits"))
        report["planning"] = service.planning((10**3, 10**4) if quick else (10**3, 10**4, 10**5, 10**6))
        report["replay_seconds_a_trial"] = service.replaying(100 if quick else 1000)
        report["bulk"] = bulk.weigh(folder, 10**4 if quick else 10**6)
    report["alone"] = {name: _alone(name, workers, samples) for name, workers in ALONE.items()}
    report["naps"] = {"runs": runs, "trials": trials, "seconds": NAP}
    report["real"] = [
        _real(name, workers, runs, trials)
        for name, numbers in ENGINES.items()
        for workers in (numbers[:2] if quick else numbers)
    ]
    return report


def _alone(backend: str, workers: int, runs: int) -> dict[str, Any]:
    """What a backend takes for a group and a trial, with so few workers that nobody waits for another."""
    print(f"{backend} alone ...", file=sys.stderr, flush=True)
    trials = 3
    seen = service.nap(backend, workers, runs=runs, trials=trials, seconds=0.02)
    within, between = (service.gaps(seen, trials, within=inside) for inside in (True, False))
    told = seen.told[0]
    return {
        "workers": workers,
        "start_seconds": max(times[0][0] for times in seen.trials) - service.IDLE,
        "driver_seconds_a_group": (told["cpu_last"] - told["cpu_open"]) / told["groups"],
        "driver_share_idle": told["beat"],
        "trial_to_trial": service.spread(within[0]),
        "trial_to_trial_processor": service.spread(within[1]),
        "group_to_group": service.spread(between[0]),
        "group_to_group_processor": service.spread(between[1]),
    }


def _real(backend: str, workers: int, runs: int, trials: int) -> dict[str, Any]:
    """A suite of naps on so many workers."""
    print(f"{backend} with {workers} ...", file=sys.stderr, flush=True)
    seen = service.nap(backend, workers, runs=runs, trials=trials, seconds=NAP)
    firsts, lasts = [times[0][0] for times in seen.trials], [times[-1][1] for times in seen.trials]
    spans = [last - first for first, last in zip(firsts, lasts, strict=True)]
    last, trained = max(lasts), math.fsum(map(math.fsum, seen.lengths))
    # A shard has its own share whenever it begins; of a common list a late worker takes less.
    wall = max(spans) if backend == "shards" else statistics.fmean(last - first for first in firsts)
    return {
        "engine": backend,
        "workers": workers,
        "started": len(firsts),
        "first": sorted(firsts),
        "last": last,
        "wall": wall,
        "trained": trained,
        "efficiency": trained / (len(firsts) * wall),
        "efficiency_with_start": trained / (workers * (last - service.IDLE)),
        "driver_share": _share(seen),
        "driver_share_idle": statistics.fmean(told["beat"] for told in seen.told),
        "lengths": seen.lengths,
    }


def _share(seen: service.Seen) -> float:
    """Share of its time in which the busiest driver used a processor, from the first dispatch on."""
    return max((told["cpu_last"] - told["cpu_open"]) / (told["last"] - told["open"]) for told in seen.told)


def main(arguments: list[str] | None = None) -> None:
    """Measure, simulate, write, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], allow_abbrev=False)
    parser.add_argument("--out", type=Path, default=Path("results/reference"))
    parser.add_argument("--reference", type=Path, default=Path("results/reference"), help="folder of published suites")
    parser.add_argument("--quick", action="store_true", help="little of everything; its numbers mean nothing")
    parser.add_argument("--page", type=Path, help="docs/scale.md, whose tables are made anew")
    parser.add_argument("--redo", type=Path, help="scale.json whose measurements are taken")
    given = parser.parse_args(arguments)
    report = measure(quick=given.quick) if given.redo is None else json.loads(given.redo.read_text())
    report = simulated(report, given.reference)
    write(given.out, "scale", report)
    rows = report["simulated"]
    with (given.out / "scale.csv").open("w", newline="") as file:
        table = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
        table.writeheader()
        table.writerows({name: _short(value) for name, value in row.items()} for row in rows)
    (given.out / "scale.png").write_bytes(figure.draw(report))
    if given.page is not None:
        given.page.write_text(page.filled(given.page.read_text(), report))
    for row in (*report["checks"], *report["limits"]):
        print({name: _short(value) for name, value in row.items()})
    print(report["off_percent"], report["ceilings"])


def _short(value: object) -> object:
    return float(f"{value:.5g}") if isinstance(value, float) else value


if __name__ == "__main__":
    main()
