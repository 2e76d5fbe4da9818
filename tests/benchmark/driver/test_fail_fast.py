"""The first failure stops a suite that is to stop at it; what is recorded stays, and the suite can go on."""

import shlex

import pytest

from benchmark.cli.main import main
from benchmark.driver.fail_fast import SuiteStopped
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import parsing as suites
from benchmark.tuning.execution import execute_run
from benchmark.tuning.run_settings import FatalEvaluation, RunSettings
from objectives.objective import Machine
from tests.benchmark.fakes.stacked_toy import toy_prices

TRIALS, REPETITIONS = 5, 2
TOY = "tests.benchmark.fakes.stacked_toy:StackedToy"
RAISING_SEARCHER = "tests.benchmark.fakes.crashing:RaisingSearcher"
RANDOM = {"searcher": "random"}

ALONE = {"clock": "measured"}
STACKED = {"clock": "modelled"}
AT_LENGTH = {"epochs": 4, "choices": 1000}


def runner(folder, objective, algorithms, fail_fast=True, **changes):
    """The runner of a small suite in this process."""
    (folder / "prices.toml").write_text(toy_prices())
    table = {
        "seed": 5,
        "repetitions": REPETITIONS,
        "calibration": str(folder / "prices.toml"),
        "budget": {"trials": TRIALS},
        "algorithms": algorithms,
        "objectives": {"toy": {"name": TOY, **AT_LENGTH, **objective}},
        **changes,
    }
    suite = suites.parse("small", table)
    return Runner(suite, folder, jobs=1, machine=Machine(), listener=Quiet(), fail_fast=fail_fast)


def records(folder):
    """What the ledgers of the suite hold, whatever their names."""
    return {path.name: read_ledger(path).records for path in sorted(folder.glob("small/runs/*/*/*.jsonl*"))}


def states(folder):
    """States of all recorded evaluations."""
    found = [record["state"] for ledger in records(folder).values() for record in ledger if "state" in record]
    return {state: found.count(state) for state in found}


@pytest.mark.parametrize("clock", [ALONE, STACKED], ids=["alone", "stacked"])
def test_the_first_evaluation_that_raises_stops_a_suite(tmp_path, clock):
    """No other is recorded; what failed stops no later call, which goes on to the end without the option."""
    arguments = {"raising": 2}, {"plain": RANDOM}
    with pytest.raises(SuiteStopped) as stopped:
        runner(tmp_path, *arguments, **clock).run()

    assert states(tmp_path)["error"] == 1
    assert "objective toy, algorithm plain, repetition " in str(stopped.value)
    assert "error: ArithmeticError: x = " in str(stopped.value)
    assert str(tmp_path / "small/runs/toy/plain/00") in str(stopped.value)
    reports = runner(tmp_path, *arguments, fail_fast=False, **clock).run()
    assert {report.state for report in reports} == {"done"}
    assert sum(states(tmp_path).values()) == REPETITIONS * TRIALS


@pytest.mark.parametrize("clock", [ALONE, STACKED], ids=["alone", "stacked"])
def test_the_first_run_that_fails_stops_a_suite(tmp_path, clock):
    """The others are not begun, or go no further; the failed run is tried again by the next call."""
    algorithms = {"bad": {"searcher": RAISING_SEARCHER}, "plain": RANDOM}
    for _ in range(2):
        with pytest.raises(SuiteStopped) as stopped:
            runner(tmp_path, {}, algorithms, **clock).run()
        assert "algorithm bad, repetition 0, run failed: " in str(stopped.value)
        assert "out of ideas" in str(stopped.value)
        assert "runs/toy/bad/000.jsonl.failed)" in str(stopped.value)
    failures = [name for name, ledger in records(tmp_path).items() if ledger[-1]["kind"] == "failure"]
    assert failures == ["000.jsonl.failed"]


@pytest.mark.parametrize("clock", [ALONE, STACKED], ids=["alone", "stacked"])
def test_an_evaluation_that_diverges_stops_nothing(tmp_path, clock):
    """It has a result, the chance error."""
    reports = runner(tmp_path, {"diverging": 1}, {"plain": RANDOM}, **clock).run()

    assert {report.state for report in reports} == {"done"}
    assert states(tmp_path)["diverged"] > 0


def test_a_recorded_failure_stops_no_later_call(tmp_path):
    """Neither one in a finished run nor one in a run that goes on, once nothing new fails."""
    runner(tmp_path, {"raising": 2}, {"plain": RANDOM}, fail_fast=False, **ALONE).run()
    path = tmp_path / "small/runs/toy/plain/000.jsonl"
    path.with_name("000.jsonl.part").write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))
    path.unlink()
    assert all("error" in [record.get("state") for record in ledger] for ledger in records(tmp_path).values())

    reports = runner(tmp_path, {"raising": 2}, {"plain": RANDOM}, **ALONE).run()

    assert [report.state for report in reports] == ["done"]
    assert states(tmp_path)["error"] > 1


@pytest.mark.parametrize("state", ["crashed", "timeout"])
def test_an_evaluation_that_ended_its_process_stops_its_run(tmp_path, state):
    """It is recorded, and the run goes no further; the next call does."""
    small = runner(tmp_path, {}, {"plain": RANDOM}, **ALONE)
    run = next(iter(small.suite.runs()))
    settings = RunSettings(folder=tmp_path / "small", machine=Machine(), environment={}, fail_fast=True)
    fatal = FatalEvaluation(index=2, reason="SIGKILL", seconds=1.0, state=state)

    assert execute_run(run, settings, fatal).state == "stopped"
    assert [record.get("state") for record in records(tmp_path)["000.jsonl.part"]] == [None, "ok", "ok", state]
    assert execute_run(run, settings, fatal).state == "done"


RAISING = """
seed = 3
repetitions = 4
budget.trials = 5
algorithms.random.searcher = "random"
objectives.bad.name = "tests.benchmark.fakes.crashing:RaisingOrDiverging"
"""


@pytest.mark.slow
def test_a_command_says_what_stopped_it_and_how_to_go_on(tmp_path, capfd):
    """Exit code 1 and a last line; its command goes on, and without the option to the end."""
    (tmp_path / "tiny.toml").write_text(RAISING)
    words = ["run", str(tmp_path / "tiny.toml"), "--results", str(tmp_path), "--jobs", "2", "--device", "cpu"]

    assert main([*words, "--fail-fast"]) == 1

    line = capfd.readouterr().err.splitlines()[-1]
    assert line.startswith("stopped at the first failure: objective bad, algorithm random, repetition ")
    assert ": error: ArithmeticError: stumbled (" in line
    command = shlex.split(line.rpartition("past any failure): ")[2])
    assert command[command.index("run") :] == [*words, "--fail-fast"]
    assert main([*words, "--jobs", "1"]) == 0
    assert len(list((tmp_path / "tiny/runs/bad/random").glob("*.jsonl"))) == 4
