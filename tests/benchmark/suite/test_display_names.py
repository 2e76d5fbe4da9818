"""Names to display: checked, written for the analysis, and no part of what identifies a run."""

import copy
import json

import pytest

from benchmark.errors import BadInput
from benchmark.result_folder.recorded_plan import read_recorded_suite
from benchmark.result_folder.suite_json_writer import write_suite_json
from benchmark.suite.parsing import parse
from objectives.closed_form.functions import Branin

TABLE = {
    "budget": {"trials": 1},
    "objectives": {"branin": {}},
    "algorithms": {"tpe": {"searcher": "random"}, "gp": {"searcher": "gp"}},
}
FIELDS = {"objectives": "branin", "algorithms": "tpe"}


def named(**names):
    """The suite with names to display, by field."""
    table = copy.deepcopy(TABLE)
    for field, name in names.items():
        table[field][FIELDS[field]]["label"] = name
    return parse("toy", table)


def test_a_name_is_no_part_of_a_runs_identity():
    """Ledgers are continued whatever their algorithms and objectives are called, and lie in the same folders."""
    plain, changed = list(named().runs()), list(named(algorithms="TPE (Optuna)", objectives="Branin, 2-D").runs())
    assert [run.identity() for run in changed] == [run.identity() for run in plain]
    assert [run.path for run in changed] == [run.path for run in plain]
    assert all("display_name" not in json.dumps(run.identity()) for run in plain)
    assert changed[0].objective.part.options == {}


def test_the_plan_has_names_only_where_the_suite_has(tmp_path):
    """`suite.json` of a suite without names stays as it was; shards that differ in names alone are one suite."""
    plans = {}
    for key, names in {"plain": {}, "named": {"algorithms": "TPE (Optuna)", "objectives": "Branin"}}.items():
        (tmp_path / key).mkdir()
        write_suite_json(tmp_path / key, named(**names), {"branin": Branin()})
        plans[key] = read_recorded_suite(tmp_path / key)
    assert b"display_name" not in plans["plain"].data
    entries = [plans["named"].content[field][0] for field in FIELDS]
    assert [entry["display_name"] for entry in entries] == ["Branin", "TPE (Optuna)"]
    plans["plain"].check_same(plans["named"])
    plans["named"].check_same(plans["plain"])
    [first, *_] = plans["plain"].runs()
    assert plans["named"].identity(first) == plans["plain"].identity(first)


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "name", ["x", "TPE (Optuna)", "x" * 64, "\u00e9t\u00e9 100 %", "a\\b{_$&<b>", "\U0001f600", "1-1"]
)
def test_a_printable_name_is_kept(field, name):
    """Whatever can be seen may be a name."""
    assert getattr(named(**{field: name}), field)[0].display_name == name


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize(
    "name",
    [
        "", " ", " a", "a ", "x" * 65, "a\nb", "a\tb", "a\0b", "\u202eb", "a\u200bb", "\x1b[31m", "=1+1", "+1", "-1",
        "@x", 5, True, ["a"],
    ],
    ids=repr,
)  # fmt: skip
def test_a_bad_name_is_refused(field, name):
    """The message names the field, the value and what is allowed."""
    with pytest.raises(BadInput, match=rf"^{field}\.{FIELDS[field]}\.label = .*: need 1 to 64 printable characters"):
        named(**{field: name})


def test_two_that_would_be_one_are_refused():
    """Two algorithms of one name look alike in a legend, two labels that differ in case alone on some disks."""
    with pytest.raises(BadInput, match=r"algorithms\.gp\.label = 'gp': algorithms\.tpe is shown by this name too"):
        named(algorithms="gp")
    table = copy.deepcopy(TABLE)
    table["algorithms"]["TPE"] = {"searcher": "random"}
    with pytest.raises(BadInput, match="algorithms: labels 'tpe' and 'TPE' differ in case alone"):
        parse("toy", table)
