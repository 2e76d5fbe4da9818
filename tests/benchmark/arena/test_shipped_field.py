"""The field that comes with the package: it is of the suite `arena`, small, and its random search comes out again."""

import numpy as np
import pytest

from benchmark.arena.field.agreement import check_agreement, check_algorithms
from benchmark.arena.field.field_place import find_field, load_field
from benchmark.suite.parsing import load
from tests.benchmark.arena.toy_arena import call

LARGEST = 10_000_000
"""Bytes of the file."""
DIGITS = "digits_mlp,digits_lenet"
"""Tasks whose tables come with the package."""


def test_it_is_of_the_suite_and_whole(monkeypatch, tmp_path):
    """Whatever tables are there, the suite's seed, budget, tasks and algorithms are those of the field."""
    monkeypatch.setenv("INCUMBENT_DATA", str(tmp_path))
    suite, (path, field) = load("arena"), load_field(None, "arena")
    check_agreement(suite, field, path)
    check_algorithms(suite, field, path)
    assert find_field(None, "arena").stat().st_size < LARGEST
    assert (len(field.objectives), len(field.algorithms), field.repetitions) == (22, 21, 30)
    assert (field.state == 0).all()


def test_its_runs_are_anytime_curves():
    """In a run times rise and validation errors fall, and trials are no more than evaluations."""
    _, field = load_field(None, "arena")
    for number in range(0, len(field.state), 97):
        run = field.run(number)
        assert np.isfinite(run["time"]).all()
        assert (np.diff(run["time"]) >= 0.0).all()
        assert (np.diff(run["valid"]) < 0.0).all()
        assert len(run["time"]) <= run["trials"] <= run["evaluations"]


@pytest.mark.parametrize("method", ["random", "sobol"])
def test_a_method_of_the_field_comes_out_the_same(method, tmp_path, monkeypatch, capsys):
    """Entered on the tables that are shipped, it equals its own runs to the bit, on any machine: it uses no library."""
    monkeypatch.chdir(tmp_path)
    assert call("enter", method, "--tasks", DIGITS, "--repetitions", "3", "--jobs", "1", "--quiet") == 0
    assert f"all runs are those of {method} to the bit\nall differences from it are 0" in capsys.readouterr().out
