"""A suite of which a part has gone on under a larger budget, as every command sees it."""

import shutil

import pytest

from analysis.__main__ import main as analyse
from benchmark.cli.main import main
from benchmark.storage.ledger_format import evaluations_of, read_ledger

pytestmark = pytest.mark.slow  # Suites by whole command lines.

SUITE = """
seed = 4
repetitions = 2
clock = "modelled"
calibration = "epyc"
device = "cpu"
budget.trials = 3
objectives.branin = { noise = 1.0 }
algorithms.random.searcher = "random"
algorithms.local.searcher = "local"
"""
LARGER = ("--set", "budget.trials=5")
MEASURED = ("train_seconds", "paid_seconds", "decide_seconds")


def command(name, folder, *words):
    """Run a command of the benchmark on the folder's suite."""
    return main([name, str(folder / "tiny.toml"), "--results", str(folder), *words])


def run(folder, *words):
    """Run the suite there."""
    assert command("run", folder, "--jobs", "1", "--quiet", *words) == 0


def evaluations(folder):
    """What the ledgers hold, without what is measured."""
    return {
        path.relative_to(folder): [
            {name: value for name, value in record.items() if name not in MEASURED}
            for record in evaluations_of(read_ledger(path).records)
        ]
        for path in sorted((folder / "tiny").glob("runs/*/*/*.jsonl"))
    }


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """A folder with the suite under the smaller budget."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "tiny.toml").write_text(SUITE)
    run(folder)
    return folder


@pytest.fixture(scope="module")
def mixed(small, tmp_path_factory):
    """A copy of it, half of which has gone on."""
    folder = shutil.copytree(small, tmp_path_factory.mktemp("mixed") / "here")
    run(folder, *LARGER, "--shard", "1/2")
    return folder


def test_what_has_not_gone_on_yet_is_partial(small, mixed, capsys):
    """Status, audit, repair, recheck and the analysis agree; under the smaller budget everything is done."""
    assert command("status", mixed, *LARGER) == 0
    assert "2 of 4 runs done" in capsys.readouterr().out
    assert command("status", mixed) == 0
    assert "4 of 4 runs done" in capsys.readouterr().out
    assert command("repair", mixed, *LARGER) == 0
    assert "no ledger is damaged" in capsys.readouterr().out
    assert command("audit", mixed, *LARGER, "--sample", "all", "--jobs", "1") == 0
    assert "4 of 4 recorded runs propose and charge again what they recorded" in capsys.readouterr().out
    assert command("recheck", mixed, *LARGER, "--fresh", "1", "--jobs", "1", "--quiet") == 0

    assert analyse(["tables", "tiny", "--results", str(mixed), "--quiet"]) == 0

    totals = (mixed / "tiny/tables/totals.csv").read_text().splitlines()
    assert [line.split(",")[2:7] for line in totals[1:]] == [["2", "0", "1", "0", "8"]] * 2
    assert analyse(["verify", str(mixed / "tiny/tables/summary.csv")]) == 0


def test_merged_and_finished_they_are_those_of_a_fresh_suite(small, mixed, tmp_path, capsys):
    """A part that has gone on and one that has not are one suite; a folder of the smaller budget is another."""
    for name in ("merged", "fresh"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tiny.toml").write_text(SUITE)
    assert main(["merge", str(tmp_path / "merged"), str(mixed)]) == 1
    assert "2 of 4 runs done" in capsys.readouterr().out
    assert main(["merge", str(tmp_path / "other"), str(mixed), str(small)]) == 2
    assert "budget.trials was 5 and is now 3" in capsys.readouterr().err

    run(tmp_path / "merged", *LARGER)
    run(tmp_path / "fresh", *LARGER)

    assert evaluations(tmp_path / "merged") == evaluations(tmp_path / "fresh")


def test_a_smaller_budget_is_refused_before_anything_is_written(mixed, capsys):
    """The plan stays, too."""
    before = (mixed / "tiny/suite.json").read_bytes()

    assert command("run", mixed, "--jobs", "1") == 2

    assert "recorded with a larger budget: budget.trials was 5 and is now 3" in capsys.readouterr().err
    assert (mixed / "tiny/suite.json").read_bytes() == before
