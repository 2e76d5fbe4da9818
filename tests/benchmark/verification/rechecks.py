"""A suite on the toy objective, its recheck, and what both leave behind."""

import json

from benchmark.cli.main import main
from benchmark.storage.ledger_format import read_ledger
from benchmark.verification.recheck import FILE
from tests.benchmark.commands import write_suite
from tests.benchmark.fakes.stacked_toy import suite

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "crc")


def write_toy_suite(folder, repetitions=3, options=""):
    """The file of a suite on the toy objective."""
    return write_suite(folder, suite(repetitions, options)) / "tiny.toml"


def run_command(path, results, command="run", jobs=1, *, exit_code=0, **options):
    """Run a command on a suite's file, which must end with an exit code; returns the suite's folder."""
    words = [word for name, value in options.items() for word in (f"--{name}", str(value))]
    arguments = [command, str(path), "--results", str(results), "--jobs", str(jobs), "--device", "cpu", "--quiet"]
    assert main([*arguments, *words]) == exit_code
    return results / path.stem


def evaluations(folder):
    """All evaluations of a folder's ledgers but for what is measured, by ledger."""
    found = {}
    for path in sorted(folder.glob("runs/*/*/*.jsonl")):
        header, *records = read_ledger(path).records
        dropped = {*MEASURED, *(("start", "end") if header["run"]["clock"] == "measured" else ())}
        found[str(path.relative_to(folder))] = [
            {key: value for key, value in record.items() if key not in dropped}
            for record in records
            if record["kind"] == "evaluation"
        ]
    return found


def recheck_outcome(folder):
    """What a recheck comes to: its file's bytes, and its evaluations."""
    return (folder / "recheck" / FILE).read_bytes(), evaluations(folder / "recheck")


def read_lists(folder):
    """The recheck's file."""
    return json.loads((folder / "recheck" / FILE).read_text())


def run_and_recheck(path, results, fresh):
    """Run a suite and its recheck."""
    run_command(path, results)
    return run_command(path, results, "recheck", fresh=fresh)
