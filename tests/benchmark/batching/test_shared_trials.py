"""The batcher: a trial that several runs ask for, and what fails beside them."""

from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from benchmark.batching import run_group
from benchmark.batching.batcher import TrialBatcher
from benchmark.batching.run_group import execute_group
from benchmark.storage.ledger_format import partial_path, read_ledger
from benchmark.tuning.run_settings import FatalEvaluation
from tests.benchmark.batching.test_batcher import (
    alone,
    ledgers,
    objective_of,
    open_files,
    paid,
    settings_of,
    side,
    suite_of,
)
from tests.benchmark.fakes.stacked_toy import CHANCE, StackedToy, ToyStack

pytestmark = pytest.mark.usefixtures("no_disk")

# One trial, several runs.


def script(*steps):
    """An algorithm that asks for these pairs of x and epochs in turn."""
    return {"scheduler": {"name": "tests.benchmark.fakes.stacked_toy:Script", "steps": [list(step) for step in steps]}}


def scripted(algorithms, repetitions=1, **options):
    """A suite of scripts."""
    options = {"epochs": 4, "choices": 1000, **options}
    table = {label: script(*steps) for label, steps in algorithms.items()}
    return suite_of(options, repetitions=repetitions, budget={"evaluations": 100}, algorithms=table)


def only(folder, algorithm, repetition=0):
    """The evaluations of one run of an algorithm."""
    path = Path(folder, "runs", "toy", algorithm, f"{repetition:03d}.jsonl")
    return [record for record in read_ledger(path).records if record["kind"] == "evaluation"]


def test_two_algorithms_share_a_trial_and_are_both_charged(tmp_path):
    """It is trained once; the second run is charged as much and has paid nothing."""
    _, stack = side(scripted({"a": [(7, 4)], "b": [(7, 4)]}), tmp_path)

    (a,), (b,) = only(tmp_path, "a"), only(tmp_path, "b")
    assert sum(stack.trained.values()) == 4
    assert sorted([a["paid_seconds"], b["paid_seconds"]]) == [0.0, 4.0]
    assert a["train_seconds"] == b["train_seconds"] == 4.0
    assert a["end"] == b["end"] == a["modelled_seconds"] > 0
    assert a["valid_curve"] == b["valid_curve"]


@pytest.mark.parametrize("capacity", [1, 2, 7])
def test_waiters_for_different_epochs_are_served_on_the_way(tmp_path, capacity):
    """Whoever wants fewer epochs gets them while the trial stays in its slot for the others."""
    suite = scripted({"one": [(7, 1)], "three": [(7, 3)], "steps": [(7, 1), (7, 2), (7, 4)], "two": [(7, 2)]})

    _, stack = side(suite, tmp_path, capacity)

    curves = {
        label: [error for record in only(tmp_path, label) for error in record["valid_curve"]]
        for label in ("one", "two", "three", "steps")
    }
    assert set(stack.trained.values()) == {1}
    assert sum(stack.trained.values()) == paid(tmp_path) == 4
    assert {label: len(curve) for label, curve in curves.items()} == {"one": 1, "two": 2, "three": 3, "steps": 4}
    assert all(curve == curves["steps"][: len(curve)] for curve in curves.values())


def test_without_resume_a_promotion_is_charged_in_full_and_trained_once(tmp_path):
    """`resume = false` is a way of charging; what is known is not trained again for it."""
    suite = replace(scripted({"steps": [(7, 1), (7, 2), (7, 4)]}), resume=False)

    _, stack = side(suite, tmp_path)

    records = only(tmp_path, "steps")
    assert [record["start_epoch"] for record in records] == [0, 0, 0]
    assert [len(record["valid_curve"]) for record in records] == [1, 2, 4]
    assert [record["paid_seconds"] for record in records] == [1.0, 1.0, 2.0]
    assert sum(stack.trained.values()) == 4


@pytest.mark.parametrize("capacity", [1, 5])
@pytest.mark.parametrize("order", [["whole", "part"], ["part", "whole"]])
@pytest.mark.parametrize("wait", [[], [(1, 4), (2, 4), (6, 4)]], ids=["at once", "later"])
def test_a_trial_that_raises_serves_the_epochs_before(tmp_path, capacity, order, wait):
    """Who asks for fewer epochs than it takes to raise gets them, whoever asked for more before."""
    steps = {"whole": [(3, 4), (3, 4), (8, 1)], "part": [*wait, (3, 2), (3, 4)]}
    suite = scripted({label: steps[label] for label in order}, raising=3)

    reports, _ = side(suite, tmp_path / "stacked", capacity)

    alone(suite, tmp_path / "solo")
    assert {report.state for report in reports} == {"done"}
    assert ledgers(tmp_path / "stacked") == ledgers(tmp_path / "solo")
    assert [record["state"] for record in only(tmp_path / "stacked", "part")][-2:] == ["ok", "error"]


def test_a_diverged_trial_ends_for_all_who_asked(tmp_path):
    """It is worth the chance error to those who get that far, and frees its slot for others."""
    suite = scripted({"far": [(4, 4), (4, 4)], "near": [(4, 1), (4, 4)], "other": [(5, 4)]}, diverging=2)

    _, stack = side(suite, tmp_path, capacity=1)

    states = {label: [record["state"] for record in only(tmp_path, label)] for label in ("far", "near", "other")}
    assert states == {"far": ["diverged", "diverged"], "near": ["ok", "diverged"], "other": ["ok"]}
    far = only(tmp_path, "far")
    assert [(record["epochs"], record["valid_error"], len(record["valid_curve"])) for record in far[:1]] == [
        (2, CHANCE, 2)
    ]
    assert sum(stack.trained.values()) == 2 + 4


def test_the_crash_given_is_recorded_and_not_trained(tmp_path):
    """The evaluation that killed its process is lost, the others are trained."""
    suite = scripted({"a": [(1, 4), (2, 4), (5, 4)]}, log=str(tmp_path / "log"))
    fatal = FatalEvaluation(index=1, reason="SIGKILL", seconds=2.5)

    (report,) = execute_group(list(suite.runs()), settings_of(tmp_path), fatal, tmp_path / "marker")

    records = only(tmp_path, "a")
    assert report.state == "done"
    assert [record["state"] for record in records] == ["ok", "crashed", "ok"]
    assert (records[1]["problem"], records[1]["train_seconds"], records[1]["valid_error"]) == ("SIGKILL", 2.5, None)
    assert not [line for line in (tmp_path / "log").read_text().splitlines() if line.startswith("2 ")]
    assert (tmp_path / "marker").exists()


# Failures of others.


def half(path, records):
    """Cut a finished ledger after so many records."""
    lines = path.read_bytes().splitlines(keepends=True)
    partial_path(path).write_bytes(b"".join(lines[:records]))
    path.unlink()


def test_an_impure_trial_fails_only_the_runs_that_need_it(tmp_path):
    """A trial that comes out otherwise when it is rebuilt is trusted by nobody; runs without it go on."""
    steps = {"a": [(1, 2), (1, 4)], "b": [(1, 2), (5, 1), (1, 4)], "c": [(2, 2), (2, 4)]}
    suite = scripted(steps, drift=str(tmp_path / "drift"))
    side(suite, tmp_path)
    for label in steps:
        half(tmp_path / "runs/toy" / label / "000.jsonl", 2)
    half_c = tmp_path / "runs/toy/c/000.jsonl.part"
    half_c.unlink()
    (tmp_path / "drift").touch()

    reports, _ = side(suite, tmp_path)

    problems = {report.run.algorithm.label: (report.state, report.problem) for report in reports}
    assert {label: state for label, (state, _) in problems.items()} == {"a": "failed", "b": "failed", "c": "done"}
    for label in ("a", "b"):
        assert "epoch 1 of {'x': 1}: recorded" in problems[label][1]
        assert "does not repeat itself" in problems[label][1]
        failed = read_ledger(tmp_path / "runs/toy" / label / "000.jsonl.failed").records
        assert failed[-1]["kind"] == "failure"
    (tmp_path / "drift").unlink()
    pending = [run for run in suite.runs() if run.algorithm.label != "c"]
    assert {report.state for report in side(suite, tmp_path, order=pending)[0]} == {"done"}


def test_an_algorithm_that_raises_fails_alone(tmp_path):
    """Its trial may go on for others; its run is set aside with the reason."""
    algorithms = {"bad": {"searcher": "tests.benchmark.fakes.crashing:RaisingSearcher"}, "good": {"searcher": "random"}}
    suite = suite_of(algorithms=algorithms)

    reports, _ = side(suite, tmp_path)

    assert Counter((r.run.algorithm.label, r.state) for r in reports) == {("bad", "failed"): 3, ("good", "done"): 3}
    assert all("out of ideas" in report.problem for report in reports if report.state == "failed")


def test_a_locked_ledger_refuses_its_own_run(tmp_path):
    """What another process writes is not touched, and the other runs go on."""
    from benchmark.storage.ledger import Ledger

    suite = scripted({"a": [(1, 2)], "b": [(1, 2)]})
    with Ledger(tmp_path / "runs/toy/a/000.jsonl"):
        objective = StackedToy(epochs=4, choices=1000)
        stack = ToyStack(objective, 2)
        reports = TrialBatcher(list(suite.runs()), objective, settings_of(tmp_path), stack, {"toy": "0" * 64}).execute()

    states = {report.run.algorithm.label: report.state for report in reports}
    assert states == {"a": "refused", "b": "done"}


class Broken(ToyStack):
    """A stack that raises when it is used for the fourth time."""

    def advance(self):
        if self.work.steps >= 4:
            raise RuntimeError("the device is lost")
        return super().advance()


@dataclass(frozen=True, slots=True, kw_only=True)
class OnBroken(StackedToy):
    """The toy objective on a stack that breaks."""

    def stack(self, machine, capacity=None):
        return Broken(self, 1)


def test_a_broken_stack_fails_the_runs_that_were_not_done(tmp_path, monkeypatch):
    """Every run is reported once; those that were complete by then are reported as done."""
    suite = scripted({"a": [(1, 4)], "b": [(2, 4)], "c": [(5, 4)]})
    monkeypatch.setattr(run_group, "build_objective", lambda entry: OnBroken(**entry.part.options))

    reports = execute_group(list(suite.runs()), settings_of(tmp_path))

    assert open_files(tmp_path) == []
    assert Counter(report.run.algorithm.label for report in reports) == {"a": 1, "b": 1, "c": 1}
    finished = {path.parent.name for path in tmp_path.glob("runs/*/*/*.jsonl")}
    assert finished == {"a"}
    assert {report.run.algorithm.label for report in reports if report.state == "done"} == finished
    assert all("the device is lost" in report.problem for report in reports if report.state != "done")


def test_an_admission_that_raises_is_the_trials_error(tmp_path):
    """A network that cannot be built is an error of its trial; the slot stays free for others."""

    class Choosy(ToyStack):
        def admit(self, ticket, config, seed, saved=None):
            if config["x"] == 2:
                raise ValueError("no such network")
            super().admit(ticket, config, seed, saved)

    suite = scripted({"a": [(1, 4), (2, 4), (5, 4)], "b": [(2, 1), (2, 4)]})
    stack = Choosy(objective_of(suite), 1)

    reports = TrialBatcher(list(suite.runs()), stack.objective, settings_of(tmp_path), stack, {}).execute()

    assert {report.state for report in reports} == {"done"}
    assert [record["state"] for record in only(tmp_path, "a")] == ["ok", "error", "ok"]
    assert [record["state"] for record in only(tmp_path, "b")] == ["error", "error"]
    assert all("no such network" in record["problem"] for record in only(tmp_path, "b"))


@pytest.mark.parametrize("where", ["admit", "advance"])
def test_a_device_that_fails_is_no_trials_error(tmp_path, monkeypatch, where):
    """After an illegal access every training on the device fails: nothing is recorded of it, and the runs stay open."""

    class Lost(ToyStack):
        def admit(self, ticket, config, seed, saved=None):
            if where == "admit" and config["x"] == 2:
                raise torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
            super().admit(ticket, config, seed, saved)

        def advance(self):
            error = torch.AcceleratorError("CUDA error: an illegal memory access was encountered")
            lost = [ticket for ticket, slot in self.slots.items() if slot.config["x"] == 2]
            return [(ticket, error) for ticket in lost] or super().advance()

    suite = scripted({"a": [(1, 4), (2, 4), (5, 4)]})
    monkeypatch.setattr(StackedToy, "stack", lambda self, machine, capacity=None: Lost(self, 1))
    monkeypatch.setattr(run_group, "build_objective", lambda entry: StackedToy(**entry.part.options))

    [report] = execute_group(list(suite.runs()), settings_of(tmp_path))

    assert report.state == "failed"
    assert "illegal memory access" in report.problem
    [path] = tmp_path.glob("runs/*/*/*.jsonl.part")
    assert [record["state"] for record in read_ledger(path).records if record["kind"] == "evaluation"] == ["ok"]
