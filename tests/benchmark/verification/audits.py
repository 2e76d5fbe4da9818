"""Suites that run and are audited, and what came of it."""

import json

from benchmark.cli.main import main
from tests.benchmark.commands import write_suite
from tests.benchmark.fakes.stacked_toy import suite
from tests.benchmark.records import rewrite

TRAINING = """
seed = 7
repetitions = 1
clock = "modelled"
calibration = "prices.toml"
budget.evaluations = 8
objectives.softmax = { epochs = 4 }
objectives.dropout_mlp = { epochs = 4 }
algorithms.random.searcher = "random"
algorithms.halving = { scheduler = { name = "successive_halving", eta = 2, prefact = 1 }, searcher = "random" }
"""
TOGETHER = "raising = 2, diverging = 2"


def write_toy_suite(folder, options=TOGETHER):
    """The file of a suite on the toy objective."""
    return write_suite(folder, suite(2, options)) / "tiny.toml"


def run_suite(path, *words, jobs=1):
    """Run a suite into its own folder; the folder of its results."""
    results = str(path.parent)
    main(["run", str(path), "--results", results, "--jobs", str(jobs), "--device", "cpu", "--quiet", *words])
    return path.parent / path.stem


def run_audit(path, *words, jobs=1, sample="all"):
    """Audit a suite; exit code and report."""
    arguments = ["--results", str(path.parent), "--jobs", str(jobs), "--device", "cpu", "--quiet", "--sample", sample]
    code = main(["audit", str(path), *arguments, *words])
    report = path.parent / path.stem / "audit" / "report.json"
    return code, json.loads(report.read_text()) if report.exists() else None


def suite_files(folder):
    """Every file of a suite but those of its audit."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and "audit" not in path.parts)
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


def rewrite_first(folder, change):
    """Change the records of the first ledger that has what the change looks for; the ledger."""
    for path in sorted(folder.glob("runs/*/*/*.jsonl")):
        try:
            rewrite(path, change)
        except StopIteration:
            continue
        return path
    raise AssertionError("no ledger has it")


def evaluations(records):
    """The evaluations among records."""
    return [record for record in records if record["kind"] == "evaluation"]


def differing_trials(report, route="retrained"):
    """The trials that are not identical, by their first divergence."""
    return {
        (trial["objective"], trial["algorithm"], trial["repetition"], trial["trial"]): trial[route]
        for trial in report["trials"]
        if trial[route]["verdict"] != "identical"
    }
