"""`python -m analysis`: what it writes and prints, and how it refuses."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from analysis.__main__ import main
from benchmark.errors import shell_command
from tests import ROOT
from tests.analysis.figures.planted_fronts import plant as plant_fronts

CHOICE = {"kind": "categorical", "choices": [1, 2]}
CHECKED = """
import runpy, sys
sys.argv[1:] = {arguments!r}
try:
    runpy.run_module("analysis", run_name="__main__")
except SystemExit as end:
    assert end.code == 0, end.code
forbidden = {{"torch", "objectives", "algorithms", "benchmark.suite", "benchmark.tuning"}} & set(sys.modules)
assert not forbidden, forbidden
"""


@pytest.fixture
def results(suite, tmp_path):
    """A results folder with the suite "planted", two finished runs."""
    suite.run([(0.5, 0.6, 1.0), (0.3, 0.2, 3.0)], 0)
    suite.run([(0.6, 0.5, 2.0), (0.1, 0.3, 2.5)], 1)
    return tmp_path / "results"


def tree(folder):
    """Every file below a folder and its bytes."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_a_single_figure_is_drawn_and_one_that_is_not_there_is_refused(results, capsys):
    """`--only` takes a figure's name without suffix; another one is refused with all names, nothing written."""
    assert main(["plots", "planted", "--results", str(results), "--only", "anytimes"]) == 2
    output = capsys.readouterr().err
    assert not (results / "planted" / "figures").exists()
    assert main(["plots", "planted", "--results", str(results), "--only", "anytime-bowl"]) == 0
    drawn = sorted(path.name for path in (results / "planted" / "figures").iterdir())

    assert drawn == ["anytime-bowl.png", "anytime-bowl.svg", "anytime-bowl.txt", "provenance.json"]
    assert output.startswith("error: --only 'anytimes': no such figure, there are ")


@pytest.mark.parametrize(
    ("command", "written"),
    [
        ("tables", {"tables": 24}),
        ("plots", {"tables": 24, "figures": 37}),
    ],
)
def test_each_command_writes_its_files_and_names_them(results, capsys, command, written):
    """Tables, figures or both are written, listed, and followed by summary and timing; no draft stays behind."""
    assert main([command, "planted", "--results", str(results)]) == 0
    lines = capsys.readouterr().out.splitlines()
    made = {path for path in (results / "planted").glob("*/*") if path.is_file()}
    assert {Path(line.removeprefix("wrote ")) for line in lines if line.startswith("wrote ")} == made
    assert {name: len(list((results / "planted" / name).iterdir())) for name in written} == written
    assert len(made) == sum(written.values())
    assert lines[-3].split() == ["bowl", "random", "0.20", "±", "0.14", "0.250", "±", "0.071", "2", "of", "2"]
    assert lines[-1] == "charged 8.5 s (measured), paid 2 s of training: none of 4 evaluations shared"


def test_quiet_prints_nothing(results, capsys):
    """With --quiet the files are written without a word."""
    assert main(["tables", "planted", "--quiet", "--results", str(results)]) == 0
    assert capsys.readouterr() == ("", "")
    assert (results / "planted" / "tables" / "trajectory.csv").is_file()


@pytest.mark.slow
def test_a_fresh_process_writes_the_same_bytes_and_imports_no_torch(results, full_size_figures):
    """Another process, hash seed and time zone give the same files, from ledgers alone."""
    assert main(["plots", "planted", "--quiet", "--results", str(results)]) == 0
    before = tree(results)
    for name in ("tables", "figures"):
        for path in (results / "planted" / name).iterdir():
            path.unlink()
    code = CHECKED.format(arguments=["plots", "planted", "--results", str(results)])
    environment = os.environ | {"PYTHONHASHSEED": "4", "TZ": "Asia/Tokyo", "PYTHONIOENCODING": "utf-8"}
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=environment, capture_output=True)
    assert tree(results) == before


def test_unfinished_runs_and_unplanned_ledgers_are_told(suite, tmp_path, capsys):
    """What the summary does not contain is said before it."""
    suite.set(repetitions=4)
    suite.run([(0.5, 0.5, 1.0)], 0)
    suite.run([(0.5, 0.5, 1.0)], 1, state="failed")
    suite.run([(0.5, 0.5, 1.0)], 2, state="partial")
    suite.run([(0.5, 0.5, 1.0)], 9)
    assert main(["tables", "planted", "--results", str(tmp_path / "results")]) == 0
    notes = [line for line in capsys.readouterr().out.splitlines() if line.startswith("note: ")]
    assert notes[:3] == [
        "note: 1 of 4 runs failed (algorithm crashed)",
        "note: 1 of 4 runs partial (not finished)",
        "note: 1 of 4 runs missing (not begun)",
    ]
    assert "1 ledger is not in the plan" in notes[3]
    assert notes[3].endswith("009.jsonl")


@pytest.mark.parametrize(
    ("arguments", "expected_text"),
    [
        (
            ["plots", "plantd"],
            "suite 'plantd': no such suite; in RESULTS there are planted (did you mean \"planted\"?)",
        ),
        (["plots", "xyz"], "suite 'xyz': no such suite; in RESULTS there are planted"),
        (["plots", "RESULTS/planted"], "no such suite"),
        (["plots", "../results/planted"], "no such suite"),
        (["plots", ""], "no such suite"),
        (["plots", "planted", "--resluts", "x"], "unknown argument '--resluts' (did you mean \"--results\"?)"),
        (["plots", "planted", "--result=x"], "unknown argument '--result=x' (did you mean \"--results\"?)"),
        (["plots", "planted", "again"], "unknown argument 'again'"),
        (["tabels", "planted"], "command 'tabels': not one of tables, figures, plots, report, live, compare, power"),
        (["reprot", "planted"], '(did you mean "report"?)'),
        (["plots"], "the following arguments are required: SUITE"),
        ([], "a command comes first"),
        (["plots", "planted", "--results"], "expected one argument"),
    ],
)
def test_a_bad_command_line_is_refused(results, capsys, arguments, expected_text):
    """One message says what is wrong, which value, and what is allowed; nothing is written."""
    arguments = [argument.replace("RESULTS", str(results)) for argument in arguments]
    message = check_refused(
        [*arguments, "--results", str(results)] if "--results" not in arguments else arguments, results, capsys
    )
    assert expected_text.replace("RESULTS", str(results)) in message


def check_refused(arguments, results, capsys):
    """Exit code 2, one line on stderr, nothing on stdout, nothing written; returns the line."""
    before = tree(results.parent)
    assert main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert "Traceback" not in err
    assert tree(results.parent) == before
    return err


def _absent(suite):
    return suite.folder.parent.parent / "absent"


def _file_for_results(suite):
    path = suite.folder.parent.parent / "file"
    path.write_text("not a folder")
    return path


@pytest.mark.parametrize(
    ("make", "expected_text"), [(_absent, "there is no such folder"), (_file_for_results, "not a folder")]
)
def test_a_bad_results_folder_is_refused(suite, results, capsys, make, expected_text):
    """A results folder that is absent, or a file, is named together with what to give instead."""
    folder = make(suite)
    message = check_refused(["plots", "planted", "--results", str(folder)], results, capsys)
    assert f"--results {folder}: {expected_text}; give the folder" in message


@pytest.mark.parametrize(
    ("text", "expected_text"),
    [
        ("{", "not valid JSON"),
        ("\x80", "not valid JSON"),
        ("[1]", "need a JSON object, got [1]"),
        ("{}", "format None is not 1, which this version reads"),
        ({"format": 9}, "format 9 is not 1, which this version reads"),
        ({"repetitions": 0}, "repetitions = 0: need a whole number in 1..1000"),
        ({"repetitions": "5"}, "repetitions = '5': need a whole number"),
        ({"budget": {"runtime": -1}}, "budget.runtime = -1: need a number > 0"),
        (
            {"clock": "modeled"},
            "clock = 'modeled': not one of measured, modelled, tabulated (did you mean \"modelled\"?)",
        ),
        ({"clock": None}, "clock = None: not one of measured, modelled"),
        ({"clock": "modelled"}, "clock = 'modelled', but they were recorded with 'measured'"),
        ({"calibration": "h200"}, "calibration = 'h200': need null, or a table with name and device"),
        ({"calibration": {"name": "h200"}}, "calibration.device = None: need some text"),
        ({"calibration": {"name": " ", "device": "cpu"}}, "calibration.name = ' ': need some text"),
        (
            {"clock": "modelled", "calibration": {"name": "h200", "device": "H200"}},
            "not the plan of the ledgers beside it: clock = 'modelled', but they were recorded with 'measured'",
        ),
        ({"budget": {}}, "budget = {}: need at least one of trials, evaluations, epochs, runtime"),
        ({"endpoint": "test"}, "endpoint = 'test': not one of test_error, valid_error, score (did you mean"),
        ({"control": "rendom"}, "control = 'rendom': no such algorithm (did you mean \"random\"?)"),
        (
            {"objectives": [{"label": "a", "space": {"x": CHOICE}, "best_error": 1.0, "chance_error": 0.5}]},
            "best_error = 1.0 and chance_error = 0.5 of a: need finite numbers, best below chance",
        ),
        ({"objectives": [{"label": "a", "space": {"x": CHOICE}}]}, "chance_error = None: need a value of type"),
        ({"objectives": []}, "objectives = []: need a list of tables, at least one"),
        ({"algorithms": []}, "algorithms = []: need a list of tables, at least one"),
        ({"algorithms": [{"label": "../up"}]}, "algorithms: label '../up': need 1 to 64 letters without accents"),
        ({"algorithms": [{"label": "=1+1"}]}, "algorithms: label '=1+1': need 1 to 64 letters without accents"),
        ({"algorithms": [{"label": "a"}, {"label": "a"}]}, "algorithms: label 'a' is there twice"),
        ({"algorithms": [{"label": "a"}, {"label": "A"}]}, "algorithms: labels 'a' and 'A' differ in case alone"),
        ({"algorithms": [{"label": "a", "display_name": "=1"}]}, "algorithms.a.display_name = '=1': need 1 to 64"),
        ({"objectives": [{"label": "a", "space": {"x": {"kind": "odd"}}}]}, "space.x.kind = 'odd': need float"),
        ({"objectives": [{"label": "a", "space": {"x": {"kind": "int", "low": 1}}}]}, "high = None"),
        ({"objectives": [{"label": "a", "space": {}}]}, "space of a: need at least one hyperparameter"),
        (
            {"objectives": [{"label": "a", "space": {"x": {"kind": "ordinal", "choices": [1, "2"]}}}]},
            "space.x.choices = [1, '2']: need numbers",
        ),
        ({"objectives": [{"label": "a", "space": {"x": {"kind": "ordinal", "choices": []}}}]}, "need numbers"),
        ({"objectives": [{"label": "a", "space": {"x": {"kind": "ordinal"}}}]}, "choices = None"),
        (
            {"objectives": [{"label": "a", "space": {"x": {**CHOICE, "when": {"parent": "x", "values": [1]}}}}]},
            "space.x.when = {'parent': 'x', 'values': [1]}: need a table of parent, one of [], and values, a list",
        ),
        ({"objectives": [{"label": "a", "space": {"x": CHOICE, "y": {**CHOICE, "when": "x"}}}]}, "when = 'x'"),
        (
            {"objectives": [{"label": "a", "space": {"x": CHOICE, "y": {**CHOICE, "when": {"parent": "x"}}}}]},
            "one of ['x'], and values, a list",
        ),
        (
            {
                "objectives": [
                    {
                        "label": "bowl",
                        "space": {"x": CHOICE, "y": {**CHOICE, "when": {"parent": "x", "values": [1]}}},
                        "default": {"x": 1},
                        "chance_error": 0.9,
                    }
                ]
            },
            "configuration of bowl: y = nothing is not in the planned space",
        ),
        (
            {
                "objectives": [
                    {
                        "label": "bowl",
                        "space": {"x": CHOICE, "y": {**CHOICE, "when": {"parent": "x", "values": [1]}}},
                        "default": {"x": 2, "y": 1},
                        "chance_error": 0.9,
                    }
                ]
            },
            "configuration of bowl: y = 1 is not in the planned space",
        ),
        (
            (lambda space: {"objectives": [{"label": "bowl", "space": space, "chance_error": 1}]})(
                {"x": {"kind": "int", "low": 1, "high": 2}}
            ),
            "not the plan of the ledgers beside it: configuration of bowl: x = nothing is not in the planned space",
        ),
        (
            (lambda space: {"objectives": [{"label": "bowl", "space": space, "chance_error": 1}]})(
                {"learning_rate": {"kind": "categorical", "choices": [1]}}
            ),
            "learning_rate = 0.1 is not in the planned space",
        ),
    ],
)
def test_an_unreadable_plan_is_refused(suite, results, capsys, text, expected_text):
    """A suite.json that cannot be used is named with the field and its value."""
    if isinstance(text, dict):
        text = json.dumps(suite.plan | text)
    (suite.folder / "suite.json").write_bytes(text.encode("latin-1"))
    message = check_refused(["plots", "planted", "--results", str(results)], results, capsys)
    assert f"{suite.folder / 'suite.json'}: " in message
    assert expected_text in message


def test_an_empty_suite_is_refused(suite, tmp_path, capsys):
    """A suite without any ledger is told how to be run."""
    message = check_refused(["plots", "planted", "--results", str(tmp_path / "results")], tmp_path / "results", capsys)
    command = shell_command("benchmark", "run", "planted")
    assert f"no run is recorded there yet; run the suite first: {command}" in message


def test_a_damaged_ledger_is_refused(suite, results, capsys):
    """Damage is told with file, line, byte and remedy, and no table is written from the rest."""
    path = suite.folder / "runs" / "bowl" / "random" / "001.jsonl"
    path.write_bytes(path.read_bytes().replace(b"0.1,", b"0.2,", 1))
    message = check_refused(["plots", "planted", "--results", str(results)], results, capsys)
    assert f"{path}: line 3 (byte " in message
    assert "checksum does not match; restore the file, or keep what is whole of it by `" in message
    assert "benchmark repair SUITE`" in message


@pytest.mark.parametrize("name", ["planted/tables", "planted/figures", "planted/runs/bowl/local", "stray"])
def test_a_file_in_the_place_of_a_folder_is_refused(suite, results, capsys, name):
    """A file where a folder must be is named before anything is written."""
    suite.algorithm("local")
    (results / name).write_text("in the way")
    arguments = ["plots", "stray" if name == "stray" else "planted", "--results", str(results)]
    message = check_refused(arguments, results, capsys)
    assert str(results / name) in message


def test_a_folder_without_a_plan_is_refused(results, capsys):
    """A folder that is no suite's is told apart from one that is not there."""
    (results / "other").mkdir()
    message = check_refused(["plots", "other", "--results", str(results)], results, capsys)
    assert f"{results / 'other'} holds no suite.json; in {results} there are planted" in message


def test_an_interrupted_write_leaves_the_old_file(results, monkeypatch):
    """When writing fails half-way, the table of before is still there and no draft is."""
    assert main(["tables", "planted", "--quiet", "--results", str(results)]) == 0
    before = tree(results)

    def full(self, target):
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    assert main(["tables", "planted", "--quiet", "--results", str(results)]) == 2
    assert tree(results) == before


@pytest.mark.slow
def test_the_terminal_has_hypervolumes_where_there_are_several_metrics(suite, capsys):
    """Behind the summary of the first metric."""
    table = plant_fronts(suite).tables["hypervolume_summary"]
    assert main(["tables", "planted", "--results", str(suite.folder.parent)]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if "hypervolume (higher is better)" in line]
    assert [line.split()[1] for line in lines] == table["algorithm"].tolist()
