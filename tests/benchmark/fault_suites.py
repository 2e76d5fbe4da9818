"""Suites for faults, the command that runs the suite of a folder, and what its ledgers hold."""

import json

from benchmark.storage.ledger_format import read_ledger
from tests.benchmark.fakes.stacked_toy import toy_prices

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "crc")
SUITES = {
    "alone": """
seed = 3
repetitions = 2
budget.trials = 2
algorithms.random.searcher = "random"
[objectives.deadly]
name = "tests.benchmark.fakes.crashing:Crashing"
""",
    "stacked": """
seed = 3
repetitions = 1
clock = "modelled"
calibration = "prices.toml"
budget.evaluations = 4
algorithms.random.searcher = "random"
algorithms.halving = { scheduler = "successive_halving", searcher = "random" }
[objectives.slots]
name = "tests.benchmark.fakes.stacked_toy:StackedToy"
""",
}


def written(folder, kind):
    """Write a suite into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prices.toml").write_text(toy_prices())
    (folder / "tiny.toml").write_text(SUITES[kind])
    return folder


def command(folder, jobs=1):
    """The arguments that run the suite of a folder into the folder's results."""
    words = ["run", str(folder / "tiny.toml"), "--results", str(folder / "results"), "--device", "cpu"]
    return [*words, "--jobs", str(jobs), "--quiet"]


def evaluations(folder):
    """The evaluations of the complete ledgers below a folder, without what is measured."""
    by_ledger = {}
    for path in sorted(folder.glob("results/tiny/runs/*/*/*.jsonl")):
        header, *records = read_ledger(path).records
        left_out = {*MEASURED, *(("start", "end") if header["run"]["clock"] == "measured" else ())}
        by_ledger[str(path.relative_to(folder))] = [
            {key: value for key, value in record.items() if key not in left_out}
            for record in records
            if record["kind"] == "evaluation"
        ]
    return by_ledger


def stored(path):
    """The records of a run, whatever its file is called now."""
    names = (path, path.with_name(path.name + ".part"), path.with_name(path.name + ".failed"))
    (there,) = [name for name in names if name.exists()]
    with_tail = there.read_bytes()
    return [json.loads(line) for line in with_tail[: with_tail.rfind(b"\n") + 1].splitlines()]
