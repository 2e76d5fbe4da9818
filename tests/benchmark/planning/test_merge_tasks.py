"""Merging suites whose objectives have keys that the plan holds in other words: metrics, constraints, known fronts."""

import pytest

from benchmark.cli.main import main

pytestmark = pytest.mark.slow

SUITE = """
repetitions = 2
clock = "modelled"
budget.trials = 3
algorithms.random.searcher = "random"
objectives.zdt1.metrics = ["f1", "f2"]
objectives.zdt2.constraints.f2.upper = 5
objectives.branin.discretise = 4
"""


def test_shards_of_a_constrained_suite_merge_with_their_known_fronts(tmp_path, monkeypatch):
    """Every run, and the file of the front as each shard has written it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tasks.toml").write_text(SUITE)
    for shard in ("1", "2"):
        words = ["--results", shard, "--shard", f"{shard}/2", "--jobs", "1", "--quiet"]
        assert main(["run", "tasks.toml", *words]) == 0
    assert main(["merge", "merged", "1", "2"]) == 0

    assert len(list(tmp_path.glob("merged/tasks/runs/*/random/*.jsonl"))) == 6
    assert not list(tmp_path.glob("merged/tasks/fronts/zdt2.csv"))  # What is best under a further bound is not known.
    merged, first = (tmp_path / name / "tasks/fronts/zdt1.csv" for name in ("merged", "1"))
    assert merged.read_bytes() == first.read_bytes()
