"""A user's own function with its suite, as the documents show them, runs as written."""

import json
import re

import pytest

from benchmark.cli.main import main
from tests import ROOT

MARK = "def accuracy("
SHOWN = {
    name: text
    for name in ("README.md", "docs/objectives-and-algorithms.md")
    if MARK in (text := (ROOT / name).read_text())
}
"""Documents that show it."""


def block(text, language, containing):
    """The fenced block of a language that contains a text."""
    (code,) = [code for code in re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL) if containing in code]
    return code


@pytest.mark.parametrize("name", SHOWN)
def test_the_function_and_its_suite_are_short(name):
    """Twelve lines of Python and eight of TOML, empty ones apart."""
    lengths = {
        language: sum(bool(line.strip()) for line in block(SHOWN[name], language, mark).splitlines())
        for language, mark in (("python", MARK), ("toml", "my_forest:accuracy"))
    }
    assert lengths["python"] <= 12
    assert lengths["toml"] <= 8


@pytest.mark.slow
@pytest.mark.parametrize("name", SHOWN)
def test_ones_own_function_runs_as_written(name, tmp_path, monkeypatch, capsys):
    """Saved to two files beside each other; only the number of trials is less."""
    (tmp_path / "my_forest.py").write_text(block(SHOWN[name], "python", MARK))
    (tmp_path / "forests.toml").write_text(block(SHOWN[name], "toml", "my_forest:accuracy"))
    monkeypatch.chdir(tmp_path)

    words = ["run", "forests.toml", "--jobs", "1", "--results", "results"]
    assert main([*words, "--set", "budget.trials=2", "--set", "repetitions=1"]) == 0

    assert "forest: my_forest:accuracy over max_features, max_depth, criterion (read from my_forest:space)" in (
        capsys.readouterr().err
    )
    plan = json.loads((tmp_path / "results/forests/suite.json").read_text())
    assert [metric["goal"] for metric in plan["objectives"][0]["metrics"]] == ["max"]
    for ledger in (tmp_path / "results/forests/runs/forest").glob("*/000.jsonl"):
        records = [json.loads(line) for line in ledger.read_text().splitlines()]
        values = [record["valid_metrics"]["accuracy"][0] for record in records if record["kind"] == "evaluation"]
        assert len(values) == 2
        assert all(0.5 < value < 1 for value in values)
