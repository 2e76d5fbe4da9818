"""Writing `suite.json`: what the analysis needs is in it, unchanged files are left alone, failures are named."""

import json
from datetime import date

import pytest

from benchmark.errors import BadInput
from benchmark.result_folder.suite_json_writer import write_suite_json
from benchmark.storage.suite_json import SUITE_JSON
from benchmark.suite import parsing as suites
from objectives.closed_form.functions import Branin

TABLE = {
    "title": "Tiny",
    "seed": 3,
    "repetitions": 2,
    "clock": "measured",
    "budget": {"trials": 4},
    "objectives": {"plane": {"name": "branin", "noise": 0.5}},
    "algorithms": {"random": {"searcher": "random"}},
}


def written(folder, **changes):
    """Write the plan of a suite and return its file and what that holds."""
    suite = suites.parse("tiny", {**TABLE, **changes})
    write_suite_json(folder, suite, {"plane": Branin(noise=0.5)})
    return folder / SUITE_JSON, json.loads((folder / SUITE_JSON).read_text())


def test_the_plan_holds_what_the_analysis_needs(tmp_path):
    """Everything that is not in a ledger, and limits of the budget only where there are some."""
    _, plan = written(tmp_path)
    branin = Branin(noise=0.5)

    assert plan == {
        "format": 1,
        "name": "tiny",
        "title": "Tiny",
        "seed": 3,
        "repetitions": 2,
        "clock": "measured",
        "n_workers": 1,
        "calibration": None,
        "resume": True,
        "budget": {"trials": 4},
        "endpoint": "test_error",
        "control": None,
        "objectives": [
            {
                "label": "plane",
                "name": "branin",
                "options": {"noise": 0.5},
                "space": branin.space.describe(),
                "max_epochs": branin.max_epochs,
                "default": branin.default,
                "best_error": branin.best_error,
                "chance_error": branin.chance_error,
            }
        ],
        "algorithms": plan["algorithms"],
    }
    assert [entry["label"] for entry in plan["algorithms"]] == ["random"]


def test_the_plan_names_its_calibration(tmp_path):
    """With prices, whose device's they are is there."""
    _, plan = written(tmp_path, clock="modelled", calibration="epyc")

    assert plan["calibration"]["name"] == "epyc"
    assert set(plan["calibration"]) == {"name", "device"}


def test_the_plan_names_targets_where_there_are_some(tmp_path):
    """Errors of an objective to say the time to; without any there is no such field."""
    _, plan = written(tmp_path, targets={"plane": [0.5, 0.25]})

    assert plan["targets"] == {"plane": [0.5, 0.25]}


def test_the_plan_is_text_to_read_and_holds_what_json_has_no_type_for(tmp_path):
    """A line for every value, indented by a space; a date among an algorithm's options is its text."""
    path, plan = written(tmp_path, algorithms={"own": {"searcher": {"name": "random", "since": date(2026, 1, 2)}}})

    assert path.read_text() == json.dumps(plan, indent=1) + "\n"
    assert plan["algorithms"][0]["searcher"]["options"] == {"since": "2026-01-02"}


def test_an_unchanged_plan_is_left_alone_and_a_changed_one_replaced(tmp_path):
    """The same suite writes nothing; another one the whole file, with no other file beside it."""
    path, _ = written(tmp_path)
    before = path.stat()

    written(tmp_path)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    _, plan = written(tmp_path, repetitions=5)

    assert plan["repetitions"] == 5
    assert path.read_text().endswith("}\n")
    assert [file.name for file in tmp_path.iterdir()] == [SUITE_JSON]


def test_a_plan_that_cannot_be_written_is_refused(tmp_path):
    """The message names the file and the system's reason."""
    (tmp_path / SUITE_JSON).mkdir()

    with pytest.raises(BadInput, match=rf"plan .*/{SUITE_JSON}: cannot be written \(Is a directory\)"):
        written(tmp_path)
