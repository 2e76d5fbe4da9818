"""Functions as the objectives of runs: what is charged, tested, recorded, harvested, replayed and audited."""

from dataclasses import replace

import pytest

from benchmark.batching.run_group import execute_group
from benchmark.construction.objective_factory import build_objective
from benchmark.reproducibility.environment import describe_environment
from benchmark.storage.ledger_format import evaluations_of, read_ledger
from benchmark.suite.parsing import parse
from benchmark.tabular.harvest import harvest
from benchmark.tuning.run_settings import RunSettings
from benchmark.verification.replay_check import first_divergence
from objectives.objective import Machine
from tests.benchmark.fakes import functions

pytestmark = pytest.mark.slow

FAKES = "tests.benchmark.fakes.functions"


def suite_of(function, *, evaluations=4, scheduler="basic", clock="measured", **entry):
    """A suite of one function and random search."""
    objective = {"function": f"{FAKES}:{function}", "space": f"{FAKES}:config_space", **entry}
    table = {"budget": {"evaluations": evaluations}, "clock": clock, "objectives": {"f": objective}}
    return parse("suite", {**table, "algorithms": {"random": {"searcher": "random", "scheduler": scheduler}}})


def executed(suite, folder, **changes):
    """The evaluations of its one run."""
    environment = describe_environment("cpu", 1)
    settings = RunSettings(folder=folder / suite.name, machine=Machine(), environment=environment, **changes)
    (run,) = suite.runs()
    (report,) = execute_group([run], settings)
    assert report.state == "done", report.problem
    return evaluations_of(read_ledger(folder / suite.name / run.path).records)


@pytest.mark.parametrize("function", ["sleeping", "lying", "epochs_that_sleep"])
def test_the_harness_charges_what_an_outside_stopwatch_shows(tmp_path, monkeypatch, function):
    """Whatever the function says of itself: what passes inside of it, and at most what a busy machine adds."""
    passed = []
    monkeypatch.setattr(functions, "noted", passed.append)
    epochs = {"max_epochs": 3} if function == "epochs_that_sleep" else {}
    records = executed(suite_of(function, **epochs), tmp_path)

    assert len(passed) == len(records) == 4
    for record, seconds in zip(records, passed, strict=True):
        charged = record["end"] - record["start"]
        assert charged >= 0.015  # What it sleeps in all; its stopwatch also counts what passes between epochs.
        assert abs(charged - seconds) < 5
        assert record.get("reported_seconds") == (3600.0 if function == "lying" else None)


def test_a_tabulated_clock_charges_what_the_function_reports(tmp_path):
    """Nothing is charged for deciding, so the run is the same every time."""
    records = executed(suite_of("lying", clock="tabulated"), tmp_path)
    assert [record["end"] for record in records] == [3600.0, 7200.0, 10800.0, 14400.0]


def test_nothing_reported_under_a_tabulated_clock_is_an_error(tmp_path):
    """The record says what to do."""
    records = executed(suite_of("accuracy", clock="tabulated", metrics=["accuracy"]), tmp_path)
    assert {record["state"] for record in records} == {"error"}
    assert 'it reports no seconds, which clock = "tabulated" charges' in records[0]["problem"]


def test_a_failure_under_a_tabulated_clock_is_charged_what_was_reported_before(tmp_path):
    """By every epoch that ended; with no report at all the time that passed, so that a budget of seconds ends."""
    records = executed(suite_of("failing_late", clock="tabulated", max_epochs=3), tmp_path)
    assert {record["state"] for record in records} == {"error"}
    assert [record["end"] for record in records] == [120.0, 240.0, 360.0, 480.0]
    assert {record["reported_seconds"] for record in records} == {120.0}

    records = executed(suite_of("failing_at_once", clock="tabulated"), tmp_path / "at once")
    for record in records:
        assert record["end"] - record["start"] == pytest.approx(record["train_seconds"])
        assert record["train_seconds"] > 0
        assert "reported_seconds" not in record


def test_incumbents_alone_are_tested(tmp_path):
    """In the order in which a run meets them; the others' test metrics are not known."""
    suite = suite_of("accuracy", evaluations=8, test=f"{FAKES}:test_accuracy", metrics=["accuracy"])
    best = float("-inf")
    for record in executed(suite, tmp_path):
        (accuracy,) = record["valid_metrics"]["accuracy"]
        expected = {"accuracy": [accuracy - 1]} if accuracy > best else None
        best = max(best, accuracy)
        assert record.get("test_metrics") == expected
        assert record["test_error"] == (None if expected is None else -expected["accuracy"][0])


def test_a_test_that_fails_changes_no_state(tmp_path):
    """It is recorded, and the algorithm goes on with the validation metric."""
    suite = suite_of("accuracy", test=f"{FAKES}:failing_test", metrics=["accuracy"])
    records = executed(suite, tmp_path)
    assert {record["state"] for record in records} == {"ok"}
    assert "no test data" in records[0]["test_problem"]


def test_an_undeclared_metric_is_recorded_as_an_error(tmp_path):
    """With the objective's label, the metric and the remedy."""
    problem = executed(suite_of("undeclared"), tmp_path)[0]["problem"]
    assert (
        f"objectives.f ({FAKES}:undeclared), epoch 1: the metric 'auc' is not declared, declared are error" in problem
    )
    assert "declare it among the objective's metrics" in problem


@pytest.mark.parametrize("function", ["epochs_of_loss", "retrained"])
def test_functions_of_several_epochs_are_promoted_harvested_and_replayed(tmp_path, function):
    """A generator goes on, a function that is told the epochs trains anew; a table answers as training did."""
    metrics = {"metrics": ["loss", "size"]} if function == "epochs_of_loss" else {}
    suite = suite_of(function, evaluations=13, scheduler="asha", max_epochs=9, **metrics)
    records = executed(suite, tmp_path)

    promoted = [record for record in records if record["epochs"] > 1]
    assert promoted
    assert all((record["start_epoch"] > 0) == (function == "epochs_of_loss") for record in promoted)
    for record in promoted:
        measured = [error is not None for error in record["valid_curve"]]
        assert all(measured) if function == "epochs_of_loss" else measured == [*[False] * (len(measured) - 1), True]
    (run,) = suite.runs()
    whole = read_ledger(tmp_path / suite.name / run.path).records
    assert first_divergence(run, build_objective(run.objective), whole, "done") is None

    assert len(list(harvest(suite, tmp_path / suite.name, tmp_path / "tables"))) == 1
    replayed = executed(suite, tmp_path / "replayed", tables=tmp_path / "tables", train=False)
    times = ("train_seconds", "paid_seconds", "decide_seconds", "start", "end", "crc")
    bare = [[{k: v for k, v in one.items() if k not in times} for one in side] for side in (records, replayed)]
    assert bare[0] == bare[1]


def test_a_suite_of_declared_metrics_is_continued_under_the_same_metrics_alone(tmp_path):
    """They are a part of what a run is, and no ledger of a suite without any has a word of them."""
    suite = suite_of("accuracy", metrics=["accuracy"])
    (run,) = suite.runs()
    assert run.identity()["objective"]["metrics"] == ["accuracy"]
    (plain,) = replace(suite, objectives=parse("s", {**OTHER, "budget": {"trials": 1}}).objectives).runs()
    assert set(plain.identity()["objective"]) == {"label", "part"}


OTHER = {"objectives": {"branin": {}}, "algorithms": {"random": {"searcher": "random"}}}
