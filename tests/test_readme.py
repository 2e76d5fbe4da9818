"""What the README shows works: its suite, its algorithm, its objective, its commands."""

import re

import pytest

from benchmark.cli.main import main
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import parsing as suites
from objectives.objective import Machine
from tests import ROOT
from tests.objectives.classification.own_network import OwnNetwork

TEXT = (ROOT / "README.md").read_text()


def block(language, containing):
    """The README's fenced block of a language that contains a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", TEXT, flags=re.DOTALL)
    (found,) = [code for code in blocks if containing in code]
    return found


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A folder on the path with the README's two modules in it."""
    (tmp_path / "my_search.py").write_text(block("python", "class Shrink"))
    (tmp_path / "my_objective.py").write_text(block("python", "class OwnNetwork"))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_algorithm_is_short():
    """A complete algorithm takes at most 25 lines."""
    code = block("python", "class Shrink")
    assert len([line for line in code.splitlines() if line.strip()]) <= 25


def test_the_suite_with_ones_own_algorithm_runs(modules):
    """The README's suite, with fewer repetitions and epochs, trains and completes."""
    path = modules / "readme.toml"
    path.write_text(block("toml", "my_search:Shrink"))
    short = ["repetitions=1", "budget.trials=4", "objectives.lenet.epochs=1"]
    own = ["objectives.own.name=my_objective:OwnNetwork", "objectives.own.epochs=2"]
    suite = suites.load(str(path), short + own)

    reports = Runner(suite, modules, jobs=1, machine=Machine(), listener=Quiet()).run()

    assert [(r.state, r.problem) for r in reports] == [("done", None)] * 6
    assert min(r.best_error for r in reports if r.run.objective.label == "own") < 0.5


def test_ones_own_network_is_short_tested_and_stacked():
    """The README's objective is the one that the tests train, takes at most 30 lines, and is stacked by torch.func."""
    code = block("python", "class OwnNetwork")
    assert (ROOT / "tests/objectives/classification/own_network.py").read_text().endswith(code)
    assert len([line for line in code.splitlines() if line.strip()]) <= 30
    assert OwnNetwork().stack(Machine()).route == "functional"


def test_ones_own_network_trains_side_by_side_under_its_own_calibration(modules):
    """Calibrated and named in a suite, it trains in a stack; no table depends on the size of the stack."""
    path = modules / "own.toml"
    path.write_text(OWN)
    assert main(["calibrate", str(path), "--configs", "6", "--rounds", "1", "--out", str(modules / "mine.toml")]) == 0
    path.write_text(OWN + 'clock = "modelled"\ncalibration = "mine.toml"\n')
    found = []
    for capacity in (1, 16):
        results = modules / str(capacity)
        Runner(suites.load(str(path)), results, jobs=1, machine=Machine(), listener=Quiet(), capacity=capacity).run()
        ledgers = sorted((results / "own").glob("runs/*/*/*.jsonl"))
        assert {read_ledger(ledger).records[0]["environment"]["route"] for ledger in ledgers} == {"functional"}
        found.append([row for ledger in ledgers for row in unmeasured(ledger)])
    assert len(found[0]) == 2 * 2 * 3 + 4
    assert found[0] == found[1]


OWN = """
repetitions = 2
budget.trials = 3
algorithms.random.searcher = "random"
algorithms.local.searcher = "local"
objectives.own = { name = "my_objective:OwnNetwork", epochs = 2 }
"""


def unmeasured(ledger):
    """Evaluations without measured seconds, and the end record."""
    measured = ("train_seconds", "paid_seconds", "decide_seconds", "crc")
    records = read_ledger(ledger).records[1:]
    return [{name: value for name, value in record.items() if name not in measured} for record in records]


def test_the_commands_exist():
    """Every make target that the README names is in the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))
    named = set(re.findall(r"(?:`|^)make ([a-z]+)", TEXT, flags=re.MULTILINE))

    assert named <= targets
    assert {"bench", "test", "plots", "smoke"} <= named
