"""What the README and the page of objectives show works: suite, algorithm, network, commands."""

import importlib
import re

import numpy as np
import pytest

from tests import ROOT

TEXT = (ROOT / "README.md").read_text()
PAGE = (ROOT / "docs" / "objectives-and-algorithms.md").read_text()
OWN = """
repetitions = 2
budget.trials = 3
algorithms.random.searcher = "random"
algorithms.local.searcher = "local"
objectives.own = { name = "my_objective:OwnNetwork", epochs = 2 }
"""


def block(language, containing):
    """The fenced block of a language that contains a text, of the README or, for the network, of its page."""
    text = PAGE if containing == "class OwnNetwork" else TEXT
    blocks = re.findall(rf"```{language}\n(.*?)```", text, flags=re.DOTALL)
    (code,) = [code for code in blocks if containing in code]
    return code


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """A folder on the path with the two modules shown in it."""
    (tmp_path / "my_search.py").write_text(block("python", "class Shrink"))
    (tmp_path / "my_objective.py").write_text(block("python", "class OwnNetwork"))
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def test_the_first_commands_are_shown():
    """What a newcomer needs: run, test, draw, try."""
    assert {"bench", "test", "plots", "smoke"} <= set(re.findall(r"(?:`|^)make ([a-z-]+)", TEXT, flags=re.MULTILINE))


@pytest.mark.parametrize(("language", "containing"), [("python", "class Shrink"), ("python", "class OwnNetwork")])
def test_the_examples_are_short(language, containing):
    """A complete algorithm takes at most 25 lines, a complete objective at most 30."""
    lines = [line for line in block(language, containing).splitlines() if line.strip()]
    assert len(lines) <= (25 if containing == "class Shrink" else 30)


def test_the_objective_is_the_one_that_the_tests_train():
    """The network shown is that of the tests of stacking, to the letter."""
    own_network = ROOT / "tests" / "objectives" / "classification" / "own_network.py"
    assert own_network.read_text().endswith(block("python", "class OwnNetwork"))


def test_the_algorithm_searches_a_space(modules):
    """The README's searcher begins with the default, stays in the space and gets better."""
    from objectives.closed_form.functions import Branin

    branin = Branin()
    searcher_class = importlib.import_module("my_search").Shrink
    searcher = searcher_class(branin.space, np.random.default_rng(0), initial_config={"x1": 0.0, "x2": 0.0}, shrink=0.8)
    errors = []
    for _ in range(30):
        config = branin.space.check(searcher.sample_configuration())
        errors.append(branin(**config))
        searcher.update(config, errors[-1])

    assert min(errors) < 0.2 * errors[0]


def test_the_suite_with_ones_own_algorithm_is_accepted(modules):
    """The README's suite, with the README's objective too, passes every check that comes before training."""
    from benchmark.suite import parsing
    from benchmark.tuning.factory import check_suite

    path = modules / "readme.toml"
    path.write_text(block("toml", "my_search:Shrink"))
    suite = parsing.load(str(path), ["objectives.own.name=my_objective:OwnNetwork"])
    objectives = check_suite(suite)

    assert len(list(suite.runs())) == 2 * 3 * 50
    assert objectives


@pytest.mark.slow
def test_the_suite_with_ones_own_algorithm_runs(modules):
    """The README's suite, with fewer repetitions and epochs, trains and completes."""
    from benchmark.driver.progress import Quiet
    from benchmark.driver.runner import Runner
    from benchmark.suite import parsing
    from objectives.objective import Machine

    path = modules / "readme.toml"
    path.write_text(block("toml", "my_search:Shrink"))
    short = ["repetitions=1", "budget.trials=4", "objectives.lenet.epochs=1"]
    own = ["objectives.own.name=my_objective:OwnNetwork", "objectives.own.epochs=2"]
    suite = parsing.load(str(path), short + own)

    reports = Runner(suite, modules, jobs=1, machine=Machine(), listener=Quiet()).run()

    assert [(r.state, r.problem) for r in reports] == [("done", None)] * 6
    assert min(r.best_error for r in reports if r.run.objective.label == "own") < 0.5


@pytest.mark.slow
def test_ones_own_network_trains_side_by_side_under_its_own_calibration(modules):
    """Calibrated and named in a suite, it trains in a stack; no table depends on the size of the stack."""
    from benchmark.cli.main import main
    from benchmark.driver.progress import Quiet
    from benchmark.driver.runner import Runner
    from benchmark.storage.ledger_format import read_ledger
    from benchmark.suite import parsing
    from objectives.objective import Machine

    path = modules / "own.toml"
    path.write_text(OWN)
    assert main(["calibrate", str(path), "--configs", "6", "--rounds", "1", "--out", str(modules / "mine.toml")]) == 0
    path.write_text(OWN + 'clock = "modelled"\ncalibration = "mine.toml"\n')
    recorded = []
    for capacity in (1, 16):
        results = modules / str(capacity)
        Runner(parsing.load(str(path)), results, jobs=1, machine=Machine(), listener=Quiet(), capacity=capacity).run()
        ledgers = sorted((results / "own").glob("runs/*/*/*.jsonl"))
        assert {read_ledger(ledger).records[0]["environment"]["route"] for ledger in ledgers} == {"functional"}
        recorded.append([row for ledger in ledgers for row in unmeasured(read_ledger(ledger).records[1:])])
    assert len(recorded[0]) == 2 * 2 * 3 + 4
    assert recorded[0] == recorded[1]


def unmeasured(records):
    """Evaluations without measured seconds, and the end record."""
    measured = ("train_seconds", "paid_seconds", "decide_seconds", "crc")
    return [{name: value for name, value in record.items() if name not in measured} for record in records]
