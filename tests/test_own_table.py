"""docs/offline-tables.md: a stranger's CSV file becomes an objective by the lines that are printed there."""

import re

import pytest

from analysis.__main__ import main as analyse
from benchmark.cli.main import main
from benchmark.storage.ledger_format import read_ledger
from tests import ROOT

SECTION = (ROOT / "docs/offline-tables.md").read_text().partition("## A table of your own")[2]


@pytest.fixture
def files(tmp_path, monkeypatch):
    """The printed file, mapping and suite in a folder of their own, which is the current one."""
    blocks = re.findall(r"```(?:csv|toml)\n(.*?)```", SECTION, re.DOTALL)
    for name, text in zip(("sweep.csv", "sweep.toml", "suite.toml"), blocks, strict=True):
        (tmp_path / name).write_text(text)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_mapping_has_twelve_lines(files):
    """Twelve lines of TOML are enough, blank ones not counted."""
    lines = (files / "sweep.toml").read_text().splitlines()
    assert len([line for line in lines if line.strip()]) <= 12


@pytest.mark.slow
def test_the_printed_file_becomes_an_objective(files, capsys):
    """Import, run: every record is a row of the file, its test value and the seconds of its epochs beside it."""
    assert main(["offline-tables", "import", "sweep.toml"]) == 0
    printed = capsys.readouterr().out
    assert "sweep.npz: 3 configurations, 1 seed, 2 epochs, typical training 7.7 s" in printed
    assert "lr, float: 0.001 to 0.02, log" in printed
    assert main(["run", "suite.toml", "--jobs", "1", "--quiet"]) == 0
    rows = {(0.001, 0.70, 0.69, 6.0), (0.01, 0.81, 0.80, 7.7), (0.02, 0.66, 0.64, 7.9)}
    ledgers = sorted((files / "results/suite/runs").rglob("*.jsonl"))
    assert len(ledgers) == 5
    for ledger in ledgers:
        for record in read_ledger(ledger).records:
            if record["kind"] == "evaluation":
                found = record["config"]["lr"], -record["valid_error"], -record["test_error"]
                assert (*found, round(record["reported_seconds"], 9)) in rows


@pytest.mark.slow
def test_its_results_are_analysed_as_any(files):
    """Tables and figures are drawn of the runs on an imported table."""
    assert main(["offline-tables", "import", "sweep.toml"]) == 0
    assert main(["run", "suite.toml", "--jobs", "1", "--quiet"]) == 0
    assert analyse(["plots", "suite.toml", "--quiet"]) == 0
    assert (files / "results/suite/tables/summary.csv").is_file()
