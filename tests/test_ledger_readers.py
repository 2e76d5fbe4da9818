"""What the runner writes, the analysis reads: two readers of one format, held against each other."""

import math
import random

import pytest

from analysis.errors import BadInput
from analysis.loading.records import read as analysis_read
from analysis.loading.results import load
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.storage.ledger_format import LedgerError
from benchmark.storage.ledger_format import read_ledger as benchmark_read
from benchmark.suite import parsing as suites
from objectives.objective import Machine

SUITE = """
seed = 11
repetitions = 3
n_workers = 3
budget.epochs = 40
algorithms.random.searcher = "random"
algorithms.halving = { scheduler = "successive_halving", searcher = "random" }
algorithms.bad.searcher = "tests.benchmark.fakes.crashing:RaisingSearcher"
objectives.branin = { noise = 1.0, epochs = 4 }
objectives.stumbling.name = "tests.benchmark.fakes.crashing:RaisingOrDiverging"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A finished suite with parallel workers, promotions, failed runs, and failed and diverged trials."""
    base = tmp_path_factory.mktemp("readers")
    (base / "mixed.toml").write_text(SUITE)
    suite = suites.load(str(base / "mixed.toml"))
    Runner(suite, base, jobs=1, machine=Machine(), listener=Quiet()).run()
    return base / "mixed"


def test_the_analysis_reads_what_the_runner_wrote(folder):
    """States of runs and evaluations, errors, clocks and epochs arrive as written."""
    results = load(folder)
    frame = results.evaluations

    assert {run.algorithm: run.state for run in results.runs} == {"random": "done", "halving": "done", "bad": "failed"}
    assert set(frame["state"]) == {"ok", "error", "diverged"}
    written = []
    for path in sorted(folder.glob("runs/*/*/*.jsonl*")):
        for record in benchmark_read(path).records:
            if record["kind"] == "evaluation":
                error = math.inf if record["valid_error"] is None else record["valid_error"]
                written.append((record["digest"], record["end"], record["epochs"], error))
    assert len(written) == len(frame)
    assert sorted(w[1:] for w in written) == sorted(
        zip(frame["end"], frame["epochs"], frame["valid_error"], strict=True)
    )


def test_no_worker_is_used_twice_at_a_time(folder):
    """With three simulated workers at most three evaluations of a run overlap on its clock."""
    frame = load(folder).evaluations
    for _, run in frame.groupby(["objective", "algorithm", "repetition"]):
        overlap = [((run["start"] < end) & (run["end"] >= end)).sum() for end in run["end"]]
        assert max(overlap) <= 3


def test_both_readers_refuse_the_same_damage(folder):
    """A flipped bit anywhere in a complete ledger is refused by both."""
    path = next(folder.glob("runs/*/random/000.jsonl"))
    data = path.read_bytes()
    rng = random.Random(0)
    damaged = path.with_name("999.jsonl")
    for _ in range(200):
        place = rng.randrange(len(data))
        bad = data[:place] + bytes([data[place] ^ (1 << rng.randrange(8))]) + data[place + 1 :]
        damaged.write_bytes(bad)
        with pytest.raises(LedgerError):
            benchmark_read(damaged)
        with pytest.raises(BadInput):
            analysis_read(damaged, bad, complete=True)
    damaged.unlink()
