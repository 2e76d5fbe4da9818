"""A user's own function of two metrics with its suite, as the page on objectives shows them, runs as written."""

import csv
import json

import pytest

from analysis.__main__ import main as analyse
from benchmark.cli.main import main
from tests import ROOT
from tests.test_own_function import block

SHOWN = (ROOT / "docs/objectives-and-algorithms.md").read_text()


def test_the_suite_is_short():
    """Fifteen lines, empty ones apart."""
    assert sum(bool(line.strip()) for line in block(SHOWN, "toml", "my_tree:tree").splitlines()) <= 15


@pytest.mark.slow
def test_two_metrics_run_as_written(tmp_path, monkeypatch):
    """Saved to two files beside each other: both metrics are optimised, and their hypervolume is in the tables."""
    (tmp_path / "my_tree.py").write_text(block(SHOWN, "python", "def tree("))
    (tmp_path / "trees.toml").write_text(block(SHOWN, "toml", "my_tree:tree"))
    monkeypatch.chdir(tmp_path)

    assert main(["run", "trees.toml", "--jobs", "1", "--results", "results"]) == 0
    assert analyse(["tables", "trees.toml", "--results", "results"]) == 0

    plan = json.loads((tmp_path / "results/trees/suite.json").read_text())["objectives"][0]
    assert [(metric["goal"], metric["reference"]) for metric in plan["metrics"]] == [("max", 0.1), ("min", 300)]
    assert plan["constraints"] == [{"metric": "leaves", "lower": None, "upper": 150.0}]
    with (tmp_path / "results/trees/tables/hypervolume_summary.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["algorithm"] for row in rows} == {"random", "sobol"}
