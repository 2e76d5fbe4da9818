"""What runs on a GPU have recorded: how much, by which kernels, and whether two folders hold the same."""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from benchmark.storage.ledger_format import Record, read_ledger
from tests.perf.gpu.session.verdict import leave_checks
from tests.perf.gpu.sizes import NAMES

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds")
"""Fields of an evaluation that differ from run to run."""

Ledgers = Mapping[str, list[Record]]


def main(arguments: list[str]) -> int:
    """Leave what one folder of results holds, compared with the other ones."""
    parser = argparse.ArgumentParser(prog="tests.perf.gpu ledgers", allow_abbrev=False)
    parser.add_argument("folder", type=Path)
    parser.add_argument("others", type=Path, nargs="*")
    parsed = parser.parse_args(arguments)
    ledgers = read_ledgers(parsed.folder)
    checks = {"kernels": trained_by_kernels(ledgers), "states": trained_to_an_end(ledgers)}
    checks |= {
        f"{parsed.folder.name} and {other.name}": agreement(ledgers, read_ledgers(other)) for other in parsed.others
    }
    return leave_checks({"checks": checks, **summary(ledgers)})


def read_ledgers(folder: Path) -> dict[str, list[Record]]:
    """The records of every run below a folder, finished or not, by path."""
    paths = [path for pattern in ("*.jsonl", "*.jsonl.part") for path in folder.rglob(pattern)]
    return {str(path.relative_to(folder)).removesuffix(".part"): read_ledger(path).records for path in sorted(paths)}


def evaluations(records: list[Record]) -> Iterator[Record]:
    """A run's evaluations without what is measured in them."""
    for record in records:
        if record["kind"] == "evaluation":
            yield {name: value for name, value in record.items() if name not in MEASURED}


def agreement(one: Ledgers, other: Ledgers) -> dict[str, Any]:
    """How many evaluations are equal in all that is not measured, and where the first other one is."""
    equal, total, first = 0, 0, None
    for run in sorted({*one, *other}):
        mine, theirs = (list(evaluations(ledgers.get(run, []))) for ledgers in (one, other))
        total += max(len(mine), len(theirs))
        for number, (a, b) in enumerate(zip(mine, theirs, strict=False)):
            if a == b:
                equal += 1
            elif first is None:
                first = f"{run}: evaluation {number}: {', '.join(name for name in a if a[name] != b.get(name))}"
        if len(mine) != len(theirs) and first is None:
            first = f"{run}: {len(mine)} evaluations and {len(theirs)}"
    return {"equal": equal, "of": total, "first_difference": first}


def trained_by_kernels(ledgers: Ledgers) -> dict[str, Any]:
    """How many runs of the three networks were trained by the kernels, and what the first other one says."""
    headers = {run: records[0] for run, records in ledgers.items() if records}
    networks = {run: each for run, each in headers.items() if each["run"]["objective"]["part"]["name"] in NAMES}
    others = [
        f"{run}: route {header['environment'].get('route')}, {header['environment'].get('route_reason', 'no reason')}"
        for run, header in networks.items()
        if not str(header["environment"].get("arithmetic")).startswith("triton-")
    ]
    first = next(iter(others), None)
    return {"equal": len(networks) - len(others), "of": len(networks), "first_difference": first}


def trained_to_an_end(ledgers: Ledgers) -> dict[str, Any]:
    """How many evaluations have a result, diverged ones included, and what the first other one says."""
    every = [(run, record) for run, records in ledgers.items() for record in evaluations(records)]
    others = [f"{run}: {each['state']}" for run, each in every if each["state"] not in ("ok", "diverged")]
    return {"equal": len(every) - len(others), "of": len(every), "first_difference": next(iter(others), None)}


def summary(ledgers: Ledgers) -> dict[str, Any]:
    """Counts of runs, evaluations, epochs and states, and the arithmetics that the headers name."""
    every = [record for records in ledgers.values() for record in evaluations(records)]
    headers = [records[0] for records in ledgers.values() if records]
    return {
        "runs": len(ledgers),
        "evaluations": len(every),
        "epochs": sum(record["epochs"] - record["start_epoch"] for record in every),
        "states": dict(Counter(record["state"] for record in every)),
        "arithmetic": sorted({str(header["environment"].get("arithmetic")) for header in headers}),
    }
