"""1 to 64 nodes, simulated with what was measured, after the model was held against suites that were run."""

from __future__ import annotations

import csv
import json
import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tests.perf.scale.model import Group, Outcome, Services, grouped, shared, simulate

NODES = (1, 2, 4, 8, 12, 16, 24, 32, 40, 48, 56, 64)
LENGTHS = (0.05, 1.0, 10.0, 60.0)
"""Mean seconds of a trial."""

SUITES = ("digits", "book_digits")
ENOUGH = 0.8
FILE_SERVERS = (0.002, 0.01, 0.05)
"""Seconds that an imagined file server takes for a record, one at a time."""

Cells = list[list[list[list[float]]]]


def services(report: dict[str, Any], backend: str) -> Services:
    """The measured services of a backend; means, since many of them add up."""
    alone, disk = report["alone"][backend], report["disk"]
    inside, across = (
        (alone[name]["mean"], alone[name + "_processor"]["mean"]) for name in ("trial_to_trial", "group_to_group")
    )
    sync = max(inside[0] - inside[1], disk[0]["mean"])
    keeps = min(sync, 1 / max(row["syncs_a_second"] for row in disk))
    # Four syncs a run besides those of its trials; the last trial's own is in the gap between two runs, too.
    rest = across[0] - across[1] - 5 * sync
    driver = 0.0 if backend == "shards" else alone["driver_seconds_a_group"]
    beats = [row for row in report["real"] if row["engine"] == backend]
    beat = sum(row["driver_share_idle"] * row["workers"] for row in beats) / sum(row["workers"] ** 2 for row in beats)
    return Services(
        driver=driver,
        latency=max(0.0, rest - driver),
        group=across[1] - inside[1],
        trial=inside[1],
        sync=sync,
        disk=keeps,
        beat=0.0 if backend == "shards" else beat,
    )


def predict(row: dict[str, Any], given: Services, cores: int) -> dict[str, Any]:
    """What the model says of a suite that was run here, told only when each worker could begin."""
    runs = [[lengths] for lengths in row["lengths"]]
    lead = given.driver + given.latency + given.group + 2 * given.sync
    ready = [max(0.0, first - lead) for first in row["first"]]
    workers = row["started"]
    if row["engine"] == "shards":
        spans = simulate(_dealt(runs, workers), given, cores=cores)
        wall = spans.wall - lead
    else:
        outcome = simulate([runs], given, workers=workers, cores=cores, ready=ready)
        wall = statistics.fmean(outcome.wall - first for first in row["first"])
    return {
        "engine": row["engine"],
        "workers": row["workers"],
        "wall": row["wall"],
        "predicted_wall": wall,
        "off_percent": 100 * (wall / row["wall"] - 1),
        "efficiency": row["efficiency"],
        "predicted_efficiency": row["trained"] / (workers * wall),
    }


def _dealt(runs: list[list[list[float]]], of: int) -> list[list[list[list[float]]]]:
    return [runs[len(runs) * place // of : len(runs) * (place + 1) // of] for place in range(of)]


def cells(suite: str, reference: Path) -> Cells:
    """Seconds of every trial of a published suite, as trained side by side: by objective, algorithm, repetition."""
    paid: dict[tuple[str, str], float] = {}
    for cell in json.loads((reference / suite / "tables" / "timing.json").read_text())["cells"]:
        spent = cell["paid_seconds"] + cell["decide_seconds"]
        paid[cell["objective"], cell["algorithm"]] = spent / cell["charged_seconds"]
    found: dict[str, dict[str, list[list[float]]]] = {}
    with (reference / suite / "tables" / "runs.csv").open() as file:
        for row in csv.DictReader(file):
            place, trials = (row["objective"], row["algorithm"]), int(row["n_evaluations"])
            seconds = float(row["modelled_seconds"]) * paid[place] / trials
            found.setdefault(place[0], {}).setdefault(place[1], []).append([seconds] * trials)
    return [list(objective.values()) for objective in found.values()]


def scaled(suite: Cells, mean: float | None) -> Cells:
    """The same shape with trials of another mean length; None leaves it."""
    if mean is None:
        return suite
    flat = [seconds for objective in suite for algorithm in objective for run in algorithm for seconds in run]
    factor = mean * len(flat) / math.fsum(flat)
    return [[[[s * factor for s in run] for run in algorithm] for algorithm in objective] for objective in suite]


def scenario(suite: Cells, nodes: int, style: str, given: Services) -> Outcome:
    """A suite on so many nodes, with one worker each, by one driver or by shards."""
    if style == "shards":
        return simulate(shared(suite, nodes), given)
    return simulate([grouped(suite, nodes)], given, workers=nodes)


def sweep(report: dict[str, Any], reference: Path) -> list[dict[str, Any]]:
    """Simulated: every suite, length of trials, style and number of nodes."""
    rows = []
    for name in SUITES:
        published = cells(name, reference)
        for length in (None, *LENGTHS):
            suite = scaled(published, length)
            for style in ("dask", "shards"):
                given = services(report, style)
                start = report["alone"][style]["start_seconds"]
                after = _merging(report, suite) if style == "shards" else 0.0
                for nodes in NODES:
                    outcome = scenario(suite, nodes, style, given)
                    causes = losses(suite, nodes, style, given) if nodes in (16, 64) else {}
                    rows.append(_row(name, length, style, nodes, outcome, start + after) | causes)
    return rows


def _row(name: str, length: float | None, style: str, nodes: int, outcome: Outcome, extra: float) -> dict[str, Any]:
    return {
        "suite": name,
        "trial_seconds": "published" if length is None else length,
        "style": style,
        "nodes": nodes,
        "wall": outcome.wall,
        "efficiency": outcome.efficiency,
        "efficiency_with_start_and_merge": outcome.trained / (nodes * (outcome.wall + extra)),
        "driver_busy": outcome.driver,
        "disk_busy": outcome.disk,
        "syncs_a_second": outcome.syncs / outcome.wall,
        "longest_group": outcome.longest,
    }


def _merging(report: dict[str, Any], suite: Cells) -> float:
    """Seconds to merge the shards' ledgers afterwards, by what the million took for each record."""
    bulk_seconds = report["bulk"]["merge"]["seconds"] - report["bulk"]["nothing"]["seconds"]
    records = sum(len(run) for objective in suite for algorithm in objective for run in algorithm)
    return float(report["bulk"]["nothing"]["seconds"] + bulk_seconds * records / report["bulk"]["trials"])


def losses(suite: Cells, nodes: int, style: str, given: Services) -> dict[str, float]:
    """Efficiency lost to each cause, added one after the other: whole groups, workers, disk, driver."""
    steps = (
        ("lost_to_whole_groups", Services()),
        ("lost_to_workers", Services(group=given.group, trial=given.trial)),
        ("lost_to_disk", replace(given, driver=0.0, latency=0.0, beat=0.0)),
        ("lost_to_driver", given),
    )
    left, found = 1.0, {}
    for name, so_far in steps:
        efficiency = scenario(suite, nodes, style, so_far).efficiency
        found[name], left = left - efficiency, efficiency
    return found


def limits(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """For every suite, length and style: the largest number of nodes up to which efficiency stays above `ENOUGH`."""
    found = []
    for key in dict.fromkeys((row["suite"], row["trial_seconds"], row["style"]) for row in rows):
        own = [row for row in rows if (row["suite"], row["trial_seconds"], row["style"]) == key]
        found.append(
            {
                **dict(zip(("suite", "trial_seconds", "style"), key, strict=True)),
                "nodes": _until(own, "efficiency"),
                "nodes_with_start_and_merge": _until(own, "efficiency_with_start_and_merge"),
                "at_64": own[-1]["efficiency"],
                "first_cause_at_64": max(
                    (name for name in own[-1] if name.startswith("lost")), key=own[-1].__getitem__
                ),
            }
        )
    return found


def _until(rows: Sequence[dict[str, Any]], name: str) -> int:
    good = 0
    for row in rows:
        if row[name] < ENOUGH:
            break
        good = row["nodes"]
    return good


def servers(report: dict[str, Any], reference: Path) -> list[dict[str, Any]]:
    """Simulated: digits' shape on file servers slower than this disk; their seconds are assumed."""
    published, rows = cells("digits", reference), []
    for seconds in FILE_SERVERS:
        given = replace(services(report, "dask"), sync=seconds, disk=seconds)
        for length in LENGTHS:
            outcomes = {nodes: scenario(scaled(published, length), nodes, "dask", given) for nodes in (16, 64)}
            rows += [
                {"assumed_seconds": seconds, "trial_seconds": length, "nodes": nodes,
                 "efficiency": outcome.efficiency, "disk_busy": outcome.disk}
                for nodes, outcome in outcomes.items()
            ]  # fmt: skip
    return rows


def orders(reference: Path) -> list[dict[str, Any]]:
    """Simulated without any service time: what another order of the groups, or runs by themselves, would save."""
    rows = []
    for name in SUITES:
        published = cells(name, reference)
        dear = sorted(published, key=lambda objective: -math.fsum(math.fsum(map(math.fsum, a)) for a in objective))
        for nodes in (8, 16, 32, 64):
            groups = grouped(published, nodes)
            first = _one_by_one(grouped([one], nodes) for one in dear)
            apart, first_apart = _apart(groups), _apart(first)
            ways = {"as_it_is": groups, "dear_first": first, "runs_apart": apart, "dear_first_runs_apart": first_apart}
            told = {way: simulate([tasks], Services(), workers=nodes).efficiency for way, tasks in ways.items()}
            rows.append({"suite": name, "nodes": nodes, "groups": len(groups), **told})
    return rows


def _apart(groups: list[Group]) -> list[Group]:
    return [[run] for group in groups for run in group]


def _one_by_one(parts: Iterable[list[Group]]) -> list[Group]:
    return [group for part in parts for group in part]


def ceilings(report: dict[str, Any]) -> dict[str, float]:
    """Where driver and disk are full, whatever the suite: by arithmetic from what was measured."""
    dask = services(report, "dask")
    return {
        "driver_groups_a_second_at_64": (1 - 64 * dask.beat) / dask.driver,
        "driver_share_of_64_idle_workers": 64 * dask.beat,
        "least_group_seconds_at_64": 64 * dask.driver / (1 - 64 * dask.beat),
        "disk_records_a_second": 1 / dask.disk,
        "least_trial_seconds_at_64": 64 * dask.disk,
        "looks_a_second_at_64": 64 / 0.25,
        "disk_seconds_of_looks_a_second_at_64": 64 / 0.25 * report["look"]["median"],
    }


def simulated(report: dict[str, Any], reference: Path) -> dict[str, Any]:
    """The report with everything that is simulated, checked against what was measured first."""
    given = {backend: services(report, backend) for backend in report["alone"]}
    cores = report["machine"]["cores"]
    checks = [predict(row, given[row["engine"]], cores) for row in report["real"]]
    rows = sweep(report, reference)
    return report | {
        "services": {backend: asdict(one) for backend, one in given.items()},
        "checks": checks,
        "off_percent": {
            "median": statistics.median(abs(row["off_percent"]) for row in checks),
            "most": max(abs(row["off_percent"]) for row in checks),
        },
        "simulated": rows,
        "limits": limits(rows),
        "orders": orders(reference),
        "file_servers": servers(report, reference),
        "ceilings": ceilings(report),
    }
