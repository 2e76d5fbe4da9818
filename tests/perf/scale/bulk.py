"""A suite of a million trials in the parts that four shards left: what merge, status and resume take for it."""

from __future__ import annotations

import json
import sys
import time
import zlib
from pathlib import Path
from typing import Any

from benchmark.storage.ledger_format import FORMAT
from benchmark.suite.model import Run, Suite
from tests.perf.million import measure
from tests.perf.scale.service import wide

SHARDS = 4
REPETITIONS = 50


def weigh(scratch: Path, trials: int) -> dict[str, Any]:
    """Plant so many trials, merge them, and time what reads them.

    Args:
        scratch: an empty folder.
        trials: of the suite, a multiple of a thousand runs.
    """
    from benchmark.suite import parsing as suites

    path = scratch / "bulk.toml"
    path.write_text(wide(REPETITIONS, trials // (20 * REPETITIONS)))
    suite = suites.load(str(path))
    began = time.perf_counter()
    folders = _plant(suite, scratch)
    planted, (size, ledgers) = time.perf_counter() - began, _size(folders)
    base = [sys.executable, "-m", "benchmark"]
    there = [str(path), "--results", str(scratch / "all")]
    return {
        "trials": trials,
        "ledgers": ledgers,
        "bytes": size,
        "plant_seconds": planted,
        "nothing": measure([*base, "list"]),
        "merge": measure([*base, "merge", str(scratch / "all"), *map(str, folders)]),
        "merge_again": measure([*base, "merge", str(scratch / "all"), *map(str, folders)]),
        "status": measure([*base, "status", *there]),
        "resume": measure([*base, "run", *there, "--device", "cpu", "--jobs", "1", "--quiet"]),
    }


def _plant(suite: Suite, scratch: Path) -> list[Path]:
    """Write the ledgers, each with its own header, and the plan into a folder for each shard."""
    from benchmark.planning.shard import split_runs
    from benchmark.reproducibility.environment import describe_environment
    from benchmark.result_folder.suite_json_writer import write_suite_json
    from benchmark.tuning.factory import check_suite

    objectives, bodies = check_suite(suite), _bodies(suite.budget.trials or 0)
    environment = {**describe_environment("cpu", 1), "arithmetic": "", "route": "alone"}
    folders = []
    for number, runs in enumerate(split_runs(suite, SHARDS)):
        folder = scratch / str(number) / suite.name
        folder.mkdir(parents=True)
        write_suite_json(folder, suite, objectives)
        for run in runs:
            path = folder / run.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(_ledger([_header(run, environment), *bodies]))
        folders.append(folder)
    return folders


def _header(run: Run, environment: dict[str, Any]) -> bytes:
    header = {"kind": "header", "format": FORMAT, "run": run.identity(), "data": {}, "environment": environment}
    return _text({**header, "created": "2024-02-29T00:00:00+00:00"})


def _bodies(trials: int) -> list[bytes]:
    """Records like those of ten epochs, without checksums, and the end."""
    curve = [0.9 / (epoch + 1) / 3 for epoch in range(10)]
    records: list[dict[str, Any]] = [
        {
            "kind": "evaluation", "index": index, "trial": index, "digest": f"{zlib.crc32(b'%d' % index):016x}",
            "config": {"learning_rate": 0.1 / (index + 1), "batch_size": 32 + index % 200}, "start_epoch": 0,
            "epochs": 10, "asked_epochs": 10, "state": "ok", "valid_error": curve[-1], "test_error": curve[-2],
            "valid_curve": curve, "test_curve": curve, "train_seconds": 1.1 / 3, "paid_seconds": 1.1 / 3,
            "decide_seconds": 1e-05, "modelled_seconds": 1.1 / 3, "start": index / 3,
            "end": (index + 1) / 3,
        }
        for index in range(trials)
    ]  # fmt: skip
    return [_text(record) for record in [*records, {"kind": "end", "reason": "budget", "evaluations": trials}]]


def _text(record: dict[str, Any]) -> bytes:
    return json.dumps(record, separators=(",", ":")).encode()


def _ledger(bodies: list[bytes]) -> bytes:
    """Lines with their checksums, each continued from the one before."""
    crc, lines = 0, []
    for body in bodies:
        crc = zlib.crc32(body, crc)
        lines.append(body[:-1] + b',"crc":"%08x"}\n' % crc)
    return b"".join(lines)


def _size(folders: list[Path]) -> tuple[int, int]:
    sizes = [path.stat().st_size for folder in folders for path in folder.rglob("*.jsonl")]
    return sum(sizes), len(sizes)
