"""The clock and the calibration of a suite, and where the calibration's file lies."""

import json
from pathlib import Path

import pytest

from benchmark.errors import BadInput
from benchmark.suite.parsing import load, parse
from tests.benchmark.suite.toy_table import TABLE

CALIBRATION = """
format = 1
name = "desk"
device = "A CPU"
versions = {}
[[objectives]]
name = "softmax"
options = { data = "digits", split = "standard" }
date = "2024-03-01"
configurations = 2
held_out = 1
rounds = 1
rows = 1
spread = 0.0
median_error = 0.0
worst_error = 0.0
set_up = {}
epoch = { steps = 1.0 }
"""


PRICED = """
clock = "modelled"
calibration = "prices/desk.toml"
budget.trials = 1
objectives.softmax = {}
objectives.branin = {}
algorithms.random.searcher = "random"
"""


@pytest.fixture
def priced(tmp_path, monkeypatch):
    """A folder with a suite and, below it, a calibration; the working folder is another."""
    (tmp_path / "suites" / "prices").mkdir(parents=True)
    (tmp_path / "suites" / "priced.toml").write_text(PRICED)
    (tmp_path / "suites" / "prices" / "desk.toml").write_text(CALIBRATION)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    return tmp_path / "suites"


def identities(folder, *settings):
    """The identity of each objective's first run of the priced suite."""
    suite = load(str(folder / "priced.toml"), list(settings))
    return {run.objective.label: run.identity() for run in suite.runs()}


def test_a_calibration_lies_beside_its_suite(priced):
    """A path in a suite's file is relative to that file, wherever the command is given."""
    suite = load(str(priced / "priced.toml"))

    assert (suite.clock, suite.calibration.name, suite.calibration.device) == ("modelled", "desk", "A CPU")


def test_a_calibration_of_the_command_line_lies_here(priced):
    """A path after --set is relative to the working folder, as every path of a command line."""
    text = CALIBRATION.replace('"desk"', '"here"')
    Path("here.toml").write_text(text)

    assert load(str(priced / "priced.toml"), ["calibration=here.toml"]).calibration.name == "here"
    with pytest.raises(BadInput, match=r"calibration file 'prices/desk\.toml': there is no such file"):
        load(str(priced / "priced.toml"), ["calibration=prices/desk.toml"])


def test_the_identity_holds_the_calibrations_name_and_digest(priced):
    """So that no run goes on under other prices; no path and no coefficient is in it."""
    for label, identity in identities(priced).items():
        calibration = load(str(priced / "priced.toml")).calibration
        assert identity["calibration"] == {"name": "desk", "digest": calibration.digest(label)}
        assert json.loads(json.dumps(identity, allow_nan=False)) == identity


def test_other_prices_are_another_run(priced):
    """Of the objective whose prices they are, and of no other."""
    before = identities(priced)
    path = priced / "prices" / "desk.toml"
    path.write_text(CALIBRATION.replace("steps = 1.0", "steps = 1.5"))
    after = identities(priced)

    assert after["softmax"] != before["softmax"]
    assert after["branin"] == before["branin"]
    assert identities(priced, "clock=measured")["softmax"] != after["softmax"]


def test_no_calibration_leaves_the_identity_as_it_was():
    """Ledgers of suites without one stay valid."""
    assert all("calibration" not in run.identity() for run in parse("toy", TABLE).runs())


def test_keys_can_be_left_out(priced):
    """To calibrate a suite is possible before its calibration is there."""
    (priced / "prices" / "desk.toml").unlink()

    suite = load(str(priced / "priced.toml"), without=("clock", "calibration"))

    assert (suite.clock, suite.calibration) == ("measured", None)
