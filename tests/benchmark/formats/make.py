"""Writes what this version writes, files of every kind, for the versions to come.

`python -m tests.benchmark.formats.make 1` runs real commands in this process and writes `v1/` beside this file. Only
the operating system's release and the paths in tracebacks are replaced: they are of the machine. A folder is written
once and never again: it stands for what is on the disks of those who ran that version.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import platform
import shutil
import tempfile
from pathlib import Path
from unittest import mock

from analysis.__main__ import main as analyse
from benchmark.cli.main import main as benchmark
from benchmark.storage.ledger_format import encode_record, partial_path, read_ledger
from tests.benchmark.fakes.stacked_toy import toy_prices

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
NAME = "stored"
SUITE = """
title = "Stored formats"
seed = 6
repetitions = 2
clock = "modelled"
calibration = "prices.toml"
device = "cpu"
budget.trials = 4
objectives.branin = { noise = 1.0, epochs = 4 }
objectives.slots.name = "tests.benchmark.fakes.stacked_toy:StackedToy"
algorithms.random.searcher = "random"
algorithms.halving = { scheduler = { name = "successive_halving", eta = 2 }, searcher = "random" }
"""
FAILING = """
algorithms.bad.searcher = "tests.benchmark.fakes.crashing:RaisingSearcher"
"""


def make(target: Path) -> None:
    """Run the commands in a temporary folder, and keep what they wrote."""
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as place, mock.patch.object(platform, "release", return_value="0"):
        folder = Path(place)
        (folder / "prices.toml").write_text(toy_prices())
        (folder / f"{NAME}.toml").write_text(SUITE + FAILING)
        os.chdir(folder)  # No path of this machine in anything.
        try:
            _commands()
        finally:
            os.chdir(here)
        _interrupted(folder / "results" / NAME)
        shutil.copytree(folder, target, ignore=_dispensable)


def _commands() -> None:
    suite = f"{NAME}.toml"
    _call(benchmark, "run", suite, "--jobs", "1", "--quiet", code=1)
    for path in Path("results").rglob("*.failed"):
        _without_paths(path)
    _call(benchmark, "recheck", suite, "--jobs", "1", "--quiet", "--fresh", "2")
    _call(benchmark, "audit", suite, "--jobs", "1", "--quiet", "--sample", "4")
    _call(benchmark, "harvest", suite)
    _call(analyse, "tables", NAME)


def _without_paths(path: Path) -> None:
    crc, lines = 0, []
    for record in read_ledger(path).records:
        told = {key: text.replace(f"{ROOT}/", "") if key == "traceback" else text for key, text in record.items()}
        line, crc = encode_record(told, crc)
        lines.append(line)
    path.write_bytes(b"".join(lines))


def _call(command, *words: str, code: int = 0) -> None:
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        found = command(list(words))
    if found != code:
        raise SystemExit(f"{' '.join(words)} ended with {found}:\n{said.getvalue()}")


def _interrupted(folder: Path) -> None:
    """Beside the complete runs one that was killed in the middle of a line."""
    whole = folder / "runs" / "slots" / "halving" / "001.jsonl"
    lines = whole.read_bytes().splitlines(keepends=True)
    torn = folder / "interrupted" / "001.jsonl"
    torn.parent.mkdir()
    partial_path(torn).write_bytes(b"".join(lines[:4]) + lines[4][:100])


def _dispensable(folder: str, names: list[str]) -> list[str]:
    """Locks, and tables but for a few; the provenance names them all."""
    kept = ("provenance.json", "runs.csv", "trials.csv")
    return [name for name in names if name == ".lock" or (Path(folder).name == "tables" and name not in kept)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("version", type=int)
    make(HERE / f"v{parser.parse_args().version}")


if __name__ == "__main__":
    main()
