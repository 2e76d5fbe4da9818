"""`compare` writes what a suite writes, goes on where it stopped, and shows what the analysis makes of it."""

import os
import re
import subprocess
import sys

import pandas as pd
import pytest
from scipy import stats

import benchmark
from analysis import __main__ as analysis
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.errors import BadInput
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite.parsing import parse
from objectives.closed_form.functions import Branin
from objectives.metric import Metric
from objectives.objective import Machine

SPACE = {"x": stats.uniform(-5, 10), "kind": ["a", "b"]}


def objective_with(shift):
    """A function that only this process can have."""

    def objective(x, kind):
        return (x - shift) ** 2 + (kind == "b")

    return objective


def compare(*arguments, results, **options):
    preset = {"repetitions": 2, "trials": 3, "progress": False, "clock": "measured"}
    return benchmark.compare(*arguments, results=results, **{**preset, **options})


def trials(folder):
    """What every ledger of a folder of runs records of its trials, by its path."""
    return {
        str(path.relative_to(folder)): [
            (r["config"], r["valid_error"], r["state"]) for r in read_ledger(path).records[1:-1]
        ]
        for path in sorted(folder.glob("runs/*/*/*.jsonl"))
    }


def test_the_ledgers_are_those_of_a_suite(tmp_path):
    """The same comparison as a suite records the same trials in files of the same names."""
    ours = compare(Branin(noise=1.0), None, ["random", "local"], results=tmp_path / "a", seed=4, repetitions=1)
    table = {
        "seed": 4,
        "repetitions": 1,
        "budget": {"trials": 3},
        "objectives": {"branin": {"noise": 1.0}},
        "algorithms": {name: {"searcher": name} for name in ("random", "local")},
    }
    Runner(parse("branin", table), tmp_path / "b", jobs=1, machine=Machine(), listener=Quiet()).run()

    assert ours.folder == tmp_path / "a" / "branin"
    assert len(trials(ours.folder)) == 2
    assert trials(ours.folder) == trials(tmp_path / "b" / "branin")


@pytest.mark.slow
def test_it_goes_on_and_is_extended(tmp_path):
    """More repetitions and another algorithm leave what is recorded as it is, to the byte."""
    first = compare(objective_with(1), SPACE, ["random"], results=tmp_path, name="own")
    before = {path: path.read_bytes() for path in first.folder.glob("runs/*/*/*.jsonl")}
    again = compare(objective_with(1), SPACE, ["random", "local"], results=tmp_path, name="own", repetitions=3)
    assert again.folder == first.folder
    assert len(before) == 2
    assert len(trials(again.folder)) == 6
    assert {path: path.read_bytes() for path in before} == before


@pytest.mark.slow
def test_an_edited_function_is_another_comparison(tmp_path):
    """Without a name it has a folder of its own; under a name it is refused before anything is written."""
    folders = [compare(objective_with(shift), SPACE, ["random"], results=tmp_path).folder for shift in (1, 1, 2)]
    assert folders[0] == folders[1] != folders[2]

    compare(objective_with(1), SPACE, ["random"], results=tmp_path, name="own")
    before = trials(tmp_path / "own")
    for objective, space in ((objective_with(2), SPACE), (objective_with(1), {**SPACE, "x": stats.uniform(0, 1)})):
        with pytest.raises(
            BadInput, match=r"own: holds results of another __main__:(objective|space) than is given now"
        ):
            compare(objective, space, ["random"], results=tmp_path, name="own")
    assert trials(tmp_path / "own") == before


@pytest.mark.slow
def test_metrics_are_shown_in_their_direction(tmp_path):
    """A function's metrics may be objects; tables are data frames."""
    accuracy = Metric("accuracy", goal="max", best=1.0)
    results = compare(
        lambda x, kind: 1 - x**2 / 100,
        SPACE,
        ["random"],
        metrics=accuracy,
        default={"x": 0.0, "kind": "a"},
        results=tmp_path,
    )
    assert isinstance(results.tables["summary"], pd.DataFrame)
    assert results.tables["trials"]["valid_error"].max() == 1.0
    assert re.search(r"random +accuracy \(higher is better\) +1(\.0*)? ± 0", repr(results))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"trials": None}, "budget = {}: need a table"),
        ({"trails": 3}, r'trails: unknown key.*did you mean "title"|trails: unknown key'),
        ({"jobs": 0}, "jobs = 0: need a whole number"),
        ({"metrics": {"loss": {"goal": "up"}}}, "goal = 'up'"),
        ({"name": "Mixed Case"}, "suite name 'Mixed Case'"),
    ],
)
def test_bad_input_writes_nothing(tmp_path, options, message):
    """The messages are those of a suite."""
    with pytest.raises(BadInput, match=message):
        compare(objective_with(1), SPACE, ["random"], results=tmp_path / "results", **options)
    assert not (tmp_path / "results").exists()


def test_a_library_that_is_not_installed(tmp_path, monkeypatch):
    """The message says what to install."""
    from algorithms.interop import optional_method

    monkeypatch.setattr(optional_method, "_version", lambda distribution: None)
    with pytest.raises(BadInput, match=r"optuna is not installed: pip install '.\[optuna\]'"):
        compare(objective_with(1), SPACE, ["tpe"], results=tmp_path)


@pytest.mark.slow
def test_what_cannot_be_sent_to_a_process(tmp_path):
    """It is named, with what to do, and works in this process."""
    held = (number for number in [1.0])

    def objective(x, kind):
        return x**2 + (held is None)

    with pytest.raises(BadInput, match=r"__main__:objective: cannot be sent to another process .* or use jobs=1"):
        compare(objective, SPACE, ["random"], results=tmp_path, jobs=2)
    assert len(trials(compare(objective, SPACE, ["random"], results=tmp_path).folder)) == 2


@pytest.mark.slow
def test_an_error_is_recorded_and_said(tmp_path, capsys):
    """A function that raises fails its trials, not the comparison."""

    def objective(x, kind):
        raise RuntimeError("no data")

    results = compare(objective, SPACE, ["random"], results=tmp_path)
    assert {state for rows in trials(results.folder).values() for _, _, state in rows} == {"error"}
    assert "RuntimeError: no data" in capsys.readouterr().err


@pytest.mark.faults
def test_a_trial_that_hangs_is_killed_and_not_the_notebook(tmp_path):
    """With a timeout, trials train in another process even for one job."""
    here = os.getpid()

    def objective(x, kind):
        if os.getpid() == here:
            raise RuntimeError("trained in the notebook's own process")
        return x**2

    results = compare(objective, SPACE, ["random"], results=tmp_path, timeout=60, repetitions=1, trials=1)
    assert [state for rows in trials(results.folder).values() for _, _, state in rows] == ["ok"]


@pytest.mark.slow
def test_figures_and_report_are_the_analysis_own(tmp_path):
    """`plot` writes the bytes that the command writes, and shows them; `report` writes the page."""
    results = compare(Branin(), None, ["random", "local"], results=tmp_path, clock="modelled", calibration="epyc")
    figures = results.plot("anytime-branin")
    shown = figures["anytime-branin"].read_bytes()
    figures["anytime-branin"].unlink()
    words = ["plots", "branin", "--results", str(tmp_path), "--only", "anytime-branin", "--quiet"]
    assert analysis.main(words) == 0
    assert figures["anytime-branin"].read_bytes() == shown
    assert "data:image/png;base64," in figures._repr_html_()
    assert "<table" in results._repr_html_()
    assert "data:image/png;base64," in results._repr_html_()
    assert results.report().read_text().startswith("<!DOCTYPE html>")


def test_start_up_stays_light():
    """Importing the package imports neither torch nor what `compare` needs."""
    code = "import sys, benchmark; assert not {'torch', 'numpy', 'benchmark.comparison'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
