"""`reprice`: a suite's results on other prices, nothing trained; and what `--reuse` and `--stack` refuse."""

import json
from pathlib import Path

import pytest

from benchmark.cli.main import main
from benchmark.storage.ledger_format import read_ledger
from objectives import OBJECTIVES
from tests.benchmark.evaluations import evaluations
from tests.benchmark.fakes.stacked_toy import invented_calibration

pytestmark = pytest.mark.slow  # A suite of a network is trained first.

SUITE = """
seed = 5
repetitions = 2
clock = "modelled"
calibration = "one.toml"
budget.trials = 3
objectives.softmax = {{ epochs = 3 }}
objectives.lenet = {{ epochs = 1 }}
algorithms.random.searcher = "random"
algorithms.halving = {{ scheduler = "successive_halving", searcher = "random" }}
{more}
"""


def made(folder, more=""):
    """The suite's file, beside two calibrations of invented numbers; one is twice the other."""
    names = {name: OBJECTIVES[name](epochs=1) for name in ("softmax", "lenet")}
    text = invented_calibration(names).to_toml()
    (folder / "one.toml").write_text(text)
    lines = [line.replace("= 0.", "= 10.") if line.startswith("steps") else line for line in text.splitlines()]
    (folder / "other.toml").write_text("\n".join(lines) + "\n")
    path = folder / "tiny.toml"
    path.write_text(SUITE.format(more=more))
    return path


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with the suite and its results under the first calibration."""
    folder = tmp_path_factory.mktemp("trained")
    assert run("run", made(folder), folder / "results") == 0
    return folder


def run(verb, path, results, *options):
    """One command on the suite; returns its exit code."""
    return main([verb, str(path), "--results", str(results), "--quiet", *options])


def test_repriced_results_are_those_of_a_run_on_the_other_prices(trained, tmp_path):
    """Same trials, errors and promotions; prices, starts and ends as if it had been run so; nothing is paid."""
    options = ["--calibration", str(trained / "other.toml"), "--reuse", str(trained / "results/tiny")]
    assert run("reprice", trained / "tiny.toml", tmp_path / "repriced", *options) == 0
    assert run("run", trained / "tiny.toml", tmp_path / "run", "--set", f"calibration={trained}/other.toml") == 0

    repriced, rerun = evaluations(tmp_path / "repriced/tiny"), evaluations(tmp_path / "run/tiny")
    assert len(repriced) == 8
    assert repriced == rerun
    assert repriced != evaluations(trained / "results/tiny")
    for path in (tmp_path / "repriced/tiny").glob("runs/*/*/*.jsonl"):
        header, *records = read_ledger(path).records
        assert [record["paid_seconds"] for record in records[:-1]] == [0.0] * (len(records) - 1)
        original = read_ledger(trained / "results/tiny" / path.relative_to(tmp_path / "repriced/tiny")).records[0]
        assert header["environment"] == original["environment"]


def test_a_trial_that_is_not_recorded_is_not_trained(trained, tmp_path, capsys):
    """A longer suite asks for more than there is: its runs are refused, each with the reason."""
    options = ["--calibration", str(trained / "one.toml"), "--reuse", str(trained / "results/tiny")]
    assert run("reprice", trained / "tiny.toml", tmp_path, *options, "--set", "budget.trials=4") == 1
    output = capsys.readouterr().err
    assert "asks for a trial that is not recorded" in output
    assert "8 of 8 runs are not done" in output


def test_reuse_trains_what_is_missing(trained, tmp_path):
    """The same longer suite with `run --reuse`: known trials are free, new ones paid."""
    options = ["--reuse", str(trained / "results/tiny"), "--set", "budget.trials=4"]
    assert run("run", trained / "tiny.toml", tmp_path / "more", *options) == 0
    assert run("run", trained / "tiny.toml", tmp_path / "scratch", "--set", "budget.trials=4") == 0
    assert evaluations(tmp_path / "more/tiny") == evaluations(tmp_path / "scratch/tiny")
    ledger = read_ledger(tmp_path / "more/tiny/runs/softmax/random/000.jsonl").records[1:-1]
    assert [record["paid_seconds"] == 0 for record in ledger] == [True, True, True, False]


REFUSED = {
    "no calibration": (["reprice", "SUITE"], "calibration"),
    "unknown calibration": (["reprice", "SUITE", "--calibration", "none"], "calibration 'none'"),
    "no results": (["reprice", "SUITE", "--calibration", "ONE", "--reuse", "nowhere"], "--reuse 'nowhere'"),
    "onto itself": (
        ["reprice", "SUITE", "--calibration", "ONE", "--reuse", "RESULTS/tiny", "--results", "RESULTS"],
        "need another folder",
    ),
    "nothing of the suite": (
        ["reprice", "SUITE", "--calibration", "ONE", "--reuse", "EMPTY", "--results", "NEW"],
        "no run of the suite tiny is recorded there",
    ),
    "reuse without ledgers": (["run", "SUITE", "--reuse", "."], "--reuse '.'"),
    "reuse on the measured clock": (
        ["run", "SUITE", "--set", "clock=measured", "--reuse", "RESULTS/tiny", "--results", "NEW"],
        "clock is measured",
    ),
    "reuse of other objectives": (
        ["run", "closed_form", "--reuse", "RESULTS/tiny", "--results", "NEW"],
        "nothing is recorded there of branin, hartmann6",
    ),
    "precision on a CPU": (["run", "SUITE", "--precision", "tf32"], "--precision 'tf32': allowed on cpu are ieee"),
    "stack of none": (["run", "SUITE", "--stack", "0"], "--stack '0'"),
    "stack of words": (["run", "SUITE", "--stack", "many"], "--stack 'many'"),
    "stack too large": (["run", "SUITE", "--stack", "4097"], "--stack '4097'"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_bad_input_is_refused(case, trained, tmp_path, monkeypatch, capsys):
    """Exit 2, one message, nothing written."""
    words, expected = REFUSED[case]
    (tmp_path / "empty/runs").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    places = {
        "SUITE": trained / "tiny.toml",
        "ONE": trained / "one.toml",
        "RESULTS": trained / "results",
        "RESULTS/tiny": trained / "results/tiny",
        "EMPTY": tmp_path / "empty",
        "NEW": tmp_path / "new",
    }
    assert main([str(places.get(word, word)) for word in words]) == 2
    output = capsys.readouterr().err
    assert output.startswith("error: ")
    assert output.count("\n") == 1
    assert expected in output
    assert sorted(path.name for path in Path(tmp_path).rglob("*")) == ["empty", "runs"]


def test_the_plan_names_the_calibration(trained):
    """The analysis learns whose clock it draws."""
    plan = json.loads((trained / "results/tiny/suite.json").read_text())
    assert plan["calibration"] == {"name": "invented", "device": "none"}
    assert plan["clock"] == "modelled"
