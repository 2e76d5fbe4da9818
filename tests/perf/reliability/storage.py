"""What a ledger loses, what it accepts, what it costs and how fast it opens again."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from analysis.loading.records import read as analysis_read
from benchmark.errors import BadInput
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import FORMAT, LedgerError, encode_record, parse_ledger, partial_path, read_ledger
from tests.benchmark.records import END, FIRST, HEADER, SECOND
from tests.benchmark.records import write as write_ledger
from tests.benchmark.storage.test_ledger import KILLS_A_LEDGER, ROOT, appended, kill_writer
from tests.benchmark.storage.test_ledger_damage import flips
from tests.perf.reliability.row import Found, Row

EPOCHS = 5


def evaluation(index: int, rng: np.random.Generator) -> dict[str, Any]:
    """A record as a run of a suite has it, with curves of `EPOCHS` epochs: 0.7 kB."""
    curve, seconds = rng.random(EPOCHS).tolist(), rng.random()
    return {
        "kind": "evaluation", "index": index, "trial": index, "digest": f"{rng.integers(2**63):016x}",
        "config": {"learning_rate": rng.random(), "batch_size": int(rng.integers(32, 256))}, "start_epoch": 0,
        "epochs": EPOCHS, "asked_epochs": EPOCHS, "state": "ok", "valid_error": curve[-1], "test_error": curve[-2],
        "valid_curve": curve, "test_curve": curve[::-1], "train_seconds": seconds, "paid_seconds": seconds,
        "decide_seconds": 1e-5, "modelled_seconds": seconds, "start": float(index), "end": index + seconds,
    }  # fmt: skip


# Kills.


def kills(folder: Path, quick: bool) -> Found:
    """Kill a process that appends, again and again, and hold what is there against what it acknowledged."""
    rng, count = random.Random(5), 10 if quick else 500
    lost = wrong = acknowledged = torn = 0
    for number in range(count):
        path = folder / f"{number // KILLS_A_LEDGER:03d}.jsonl"
        last = kill_writer(path, rng)
        contents = read_ledger(partial_path(path))
        torn += bool(contents.torn)
        lost += max(0, last + 1 - len(contents.records))
        expected = appended(len(contents.records))
        wrong += sum(one != other for one, other in zip(contents.records, expected, strict=True))
        if (number + 1) % KILLS_A_LEDGER == 0 or number + 1 == count:
            acknowledged += len(contents.records) - 1
            print(f"  {number + 1} kills, {acknowledged} records", file=sys.stderr, flush=True)
    return {"kills": count, "records": acknowledged, "torn_tails": torn, "lost": lost, "wrong": wrong}


# Damage.


def damage(folder: Path, quick: bool) -> Found:
    """Cut an unfinished ledger at every byte, flip every bit of it and of a complete one; both readers."""
    records = [HEADER, FIRST, SECOND]
    part, data = write_ledger(folder / "part.jsonl", records)
    done, whole = write_ledger(folder / "done.jsonl", records, complete=True)
    cuts = [_repaired(folder / f"cut-{cut}.jsonl", data, cut, records) for cut in range(len(data) + 1)]
    flipped = list(_readings(part, data, records)) + list(_readings(done, whole, [*records, END]))
    if not quick:
        rng = np.random.default_rng(0)
        large = [HEADER, *(evaluation(index, rng) for index in range(4))]
        path, data = write_ledger(folder / "large.jsonl", large)
        flipped += _readings(path, data, large)
    return {
        "tears": len(cuts),
        "tears_not_repaired": cuts.count(False),
        "flips": len(flipped) // 2,
        "readings": len(flipped),
        "refused": flipped.count("refused"),
        "shorter_by_a_torn_tail": flipped.count("shorter"),
        "accepted_as_wrong_data": flipped.count("wrong"),
    }


def _repaired(path: Path, data: bytes, cut: int, records: list[dict[str, Any]]) -> bool:
    """Whether a ledger torn at a byte opens with its whole records, and goes on to the unbroken one."""
    partial_path(path).write_bytes(data[:cut])
    with Ledger(path) as ledger:
        count = len(ledger.records)
        sound = ledger.records == records[:count] and count == data[:cut].count(b"\n")
        for record in records[count:]:
            ledger.append(record)
    return sound and partial_path(path).read_bytes() == data


def _readings(path: Path, data: bytes, records: list[dict[str, Any]]) -> Iterator[str]:
    """What each reader makes of every single-bit flip."""
    complete = path.suffix == ".jsonl"
    for _, damaged in flips(data):
        path.write_bytes(damaged)
        try:
            yield _judged(read_ledger(path).records, records)
        except LedgerError:
            yield "refused"
        try:
            yield _judged(analysis_read(path, damaged, complete=complete), records)
        except BadInput:
            yield "refused"


def _judged(found: list[dict[str, Any]], records: list[dict[str, Any]]) -> str:
    """An unfinished ledger whose last newline is gone has a torn tail; nothing else may be accepted."""
    return "shorter" if found == records[:-1] else "wrong"


# The price of durability.


def durability(folder: Path, quick: bool) -> Found:
    """Append records, each beside a bare write and fsync of the same bytes, in turns."""
    count, rng = 100 if quick else 5000, np.random.default_rng(1)
    seconds: dict[str, list[float]] = {"ledger": [], "write_and_fsync": []}
    crc = encode_record(HEADER, 0)[1]
    rival = os.open(folder / "rival", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    with Ledger(folder / "000.jsonl") as ledger:
        ledger.append(HEADER)
        for index in range(count):
            record = evaluation(index, rng)
            line, crc = encode_record(record, crc)
            for side in sorted(seconds, reverse=bool(index % 2)):
                began = time.perf_counter()
                if side == "ledger":
                    ledger.append(record)
                else:
                    os.write(rival, line)
                    os.fsync(rival)
                seconds[side].append(time.perf_counter() - began)
    os.close(rival)
    same = (
        partial_path(folder / "000.jsonl").read_bytes() == encode_record(HEADER, 0)[0] + (folder / "rival").read_bytes()
    )
    told = {side: _milliseconds(values) for side, values in seconds.items()}
    return {
        "appends": count,
        "file_system": _file_system(folder),
        "bytes_a_record": len(line),
        "same_bytes": same,
        **told,
    }


def _file_system(folder: Path) -> str:
    """Return the type of the file system that holds a folder."""
    command = ["stat", "--file-system", "--format=%T", str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _milliseconds(seconds: list[float]) -> Found:
    ordered = 1000 * np.array(seconds)
    return {"median_ms": round(float(np.median(ordered)), 3), "p99_ms": round(float(np.quantile(ordered, 0.99)), 3)}


# Opening again.

OPENING = """
import json, sys, time
from pathlib import Path
from {module} import {name}

path = Path(sys.argv[1])
# Not getrusage, whose maximum a process inherits from the one that started it.
peak = lambda: 1024 * int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0])
before, began, worked = peak(), time.perf_counter(), time.process_time()
{work}
told = {{"records": count, "seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - worked}}
print(json.dumps({{**told, "peak_megabytes": peak() / 1e6, "megabytes_before": before / 1e6}}))
"""
READERS = {
    "to_go_on": ("benchmark.storage.ledger", "Ledger", "with Ledger(path) as ledger: count = len(ledger.records)"),
    "by_the_analysis": (
        "analysis.loading.records", "read",
        "part = path.with_name(path.name + '.part'); count = len(read(part, part.read_bytes(), complete=False))",
    ),
}  # fmt: skip


def reopening(folder: Path, quick: bool) -> Found:
    """Open a ledger of 100 000 evaluations, in processes that do nothing else; medians of five."""
    count, rng, crc = 1000 if quick else 100_000, np.random.default_rng(2), 0
    path = folder / "000.jsonl"
    with partial_path(path).open("wb") as file:
        for index in range(-1, count):
            record = evaluation(index, rng) if index >= 0 else {"kind": "header", "format": FORMAT}
            line, crc = encode_record(record, crc)
            file.write(line)
    found: Found = {"records": count, "megabytes": round(partial_path(path).stat().st_size / 1e6, 1)}
    rounds = [{reader: _opened(path, *how) for reader, how in READERS.items()} for _ in range(1 if quick else 5)]
    for reader in READERS:
        assert all(one[reader]["records"] == count + 1 for one in rounds)
        found[reader] = {
            name: round(float(np.median([one[reader][name] for one in rounds])), 3)
            for name in ("seconds", "processor_seconds", "peak_megabytes", "megabytes_before")
        }
    assert len(parse_ledger(partial_path(path), partial_path(path).read_bytes()).records) == count + 1
    return found


def _opened(path: Path, module: str, name: str, work: str) -> Found:
    program = OPENING.format(module=module, name=name, work=work)
    done = subprocess.run([sys.executable, "-c", program, str(path)], cwd=ROOT, capture_output=True, check=True)
    told: Found = json.loads(done.stdout)
    return told


ROWS = {
    "kills": Row(
        figure="acknowledged records lost or wrong over 500 `kill -9` of a writer",
        target="0",
        measure=kills,
        met=lambda found: found["lost"] == found["wrong"] == 0,
    ),
    "damage": Row(
        figure="torn tails, at every byte, that are not repaired; single-bit flips accepted as wrong data",
        target="0; 0",
        measure=damage,
        met=lambda found: found["tears_not_repaired"] == found["accepted_as_wrong_data"] == 0,
    ),
    "durability": Row(
        figure="a durable append; beside it a bare `write` and `fsync` of the same bytes",
        target="median at most 1 ms, p99 at most 15 ms",
        measure=durability,
        met=lambda found: found["ledger"]["median_ms"] <= 1 and found["ledger"]["p99_ms"] <= 15,
    ),
    "reopening": Row(
        figure="opening a ledger of 100 000 records: to go on, and by the analysis",
        target="at most 2 s and 300 MB",
        measure=reopening,
        met=lambda found: all(
            found[reader]["seconds"] <= 2 and found[reader]["peak_megabytes"] <= 300 for reader in READERS
        ),
    ),
}
