"""One run's execution: crashes and failures are recorded or reported."""

import math
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from benchmark.reproducibility.isolated_objective import IsolatedObjective
from benchmark.storage.ledger_format import LedgerError, failed_path, read_ledger
from benchmark.storage.resume_check import RunRefused
from benchmark.suite import parsing as suites
from benchmark.tuning import execution
from benchmark.tuning.execution import (
    build_trainer,
    execute_run,
    note_training_start,
)
from benchmark.tuning.run_report import failure_report
from benchmark.tuning.run_settings import FatalEvaluation
from objectives.epoch import Epoch
from objectives.objective import Machine
from tests.benchmark.fakes.stacked_toy import StackedToy
from tests.benchmark.tuning.executions import OBJECTIVE, TABLE, drive_execution, run_of, settings


def test_what_raises_before_the_first_trial_fails_its_run(tmp_path, monkeypatch):
    """In a worker it would end every other run too: it is in the report, with type and place."""

    def broken(run, objective):
        raise ArithmeticError("no such algorithm today")

    monkeypatch.setattr(execution, "build_scheduler", broken)

    report, asked = drive_execution(run_of(), settings(tmp_path))

    assert (report.state, asked) == ("failed", [])
    assert "ArithmeticError: no such algorithm today" in report.problem
    assert "in broken" in report.problem


def test_a_failure_has_the_traceback_of_its_cause(tmp_path):
    """What the algorithm raised, not what became of it on the way."""
    run = run_of(algorithms={"own": {"searcher": "tests.benchmark.fakes.crashing:RaisingSearcher"}})

    report, _ = drive_execution(run, settings(tmp_path))

    traceback = read_ledger(failed_path(tmp_path / run.path)).records[-1]["traceback"]
    assert report.state == "failed"
    assert "in sample_configuration" in traceback
    assert "AlgorithmError" not in traceback


def test_a_crash_is_recorded_instead_of_trained(tmp_path):
    """Only the evaluation that is named; it is charged, has no error, and the run goes on."""
    fatal = FatalEvaluation(index=1, reason="signal 9", seconds=2.5, state="timeout")

    report, asked = drive_execution(run_of(), settings(tmp_path), fatal)

    assert (report.state, report.evaluations, asked) == ("done", 3, [0, 2])
    crashed = read_ledger(tmp_path / run_of().path).records[2]
    assert (crashed["state"], crashed["valid_error"], crashed["problem"]) == ("timeout", None, "signal 9")
    assert (crashed["train_seconds"], crashed["paid_seconds"]) == (2.5, 2.5)


def test_a_complete_run_is_refused(tmp_path):
    """Nothing is appended to it; the report names the file."""
    drive_execution(run_of(), settings(tmp_path))

    report, _ = drive_execution(run_of(), settings(tmp_path))

    assert report.state == "refused"
    assert report.problem.startswith(f"{tmp_path / run_of().path}: complete already")
    assert (report.evaluations, report.best_error) == (0, math.inf)


@pytest.mark.parametrize(
    ("error", "state"),
    [(LedgerError("damaged"), "refused"), (RunRefused("another suite"), "refused"), (ValueError("no"), "failed")],
)
def test_what_could_not_be_executed_is_reported(error, state):
    """A refusal in its own words, everything else with its type."""
    report = failure_report(run_of(), error)

    assert (report.state, report.evaluations, report.best_error) == (state, 0, math.inf)
    assert report.problem == str(error) if state == "refused" else "ValueError: no" in report.problem


def test_execute_reports_what_is_raised_outside_the_ledger(tmp_path):
    """An objective that cannot be built fails its run, not the process."""
    report = execute_run(
        run_of(objectives={"toy": {"name": OBJECTIVE, "epochs": 2, "nonsense": 1}}), settings(tmp_path)
    )

    assert report.state == "failed"
    assert "nonsense" in report.problem
    assert list(tmp_path.iterdir()) == []


def test_execute_notes_when_a_training_starts(tmp_path):
    """The marker is written for whoever finds the process dead; without one nothing is."""
    note_training_start(None)
    report = execute_run(run_of(), settings(tmp_path / "out"), marker=tmp_path / "marker")

    assert report.state == "done"
    assert math.isfinite(float((tmp_path / "marker").read_text()))


def test_execute_records_a_crash_and_reports_its_own_run(tmp_path):
    """The evaluation that is named is not trained; what goes wrong is told of this run."""
    report = execute_run(run_of(), settings(tmp_path), FatalEvaluation(index=1, reason="signal 9", seconds=2.5))
    again = execute_run(run_of(objectives={"toy": {"name": OBJECTIVE, "nonsense": 1}}), settings(tmp_path))

    states = [one["state"] for one in read_ledger(tmp_path / run_of().path).records if one["kind"] == "evaluation"]
    assert (report.state, states[1]) == ("done", "crashed")
    assert again.run.path == run_of().path


@dataclass(frozen=True, slots=True, kw_only=True)
class Telling(StackedToy):
    """Says what it is given, and changes what it should leave alone."""

    def prepare(self, machine):
        return {"prepared on": machine.device}

    def arithmetic(self, machine, *, stacked):
        return f"{machine.device}, stacked: {stacked}"

    def train(self, config, seed, machine):
        threads = torch.get_num_threads()
        torch.set_num_threads(3)
        yield Epoch(valid_error=0.5, test_error=threads / 10, seconds=1.0)


def test_execute_trains_where_it_is_told_with_one_thread(tmp_path, monkeypatch):
    """Data and arithmetic are those of the machine, a trial at a time; a trial that takes threads keeps none."""
    told, trainers = IsolatedObjective(Telling(epochs=1), "objectives.telling"), []
    machine = Machine(data=tmp_path)

    def watched(*given):
        trainers.append(given)
        return build_trainer(*given)

    monkeypatch.setattr(execution, "build_objective", lambda entry: told)
    monkeypatch.setattr(execution, "build_trainer", watched)
    where = replace(settings(tmp_path, notes=tmp_path / "notes"), machine=machine)

    report = execute_run(run_of(), where)

    header, *evaluations, _ = read_ledger(tmp_path / run_of().path).records
    assert report.state == "done"
    assert header["data"] == {"prepared on": "cpu"}
    assert header["environment"]["arithmetic"] == "cpu, stacked: False"
    assert [(run.path, *rest) for run, *rest in trainers] == [(run_of().path, told, machine, tmp_path / "notes")]
    assert [one["test_error"] for one in evaluations] == [0.1, 0.1, 0.1]


def test_a_limit_is_the_runs_own():
    """Without a timeout there is none."""
    assert build_trainer(run_of(), StackedToy(), Machine()).limit is None
    limit = build_trainer(run_of(timeout=9.0), StackedToy(), Machine()).limit
    assert (limit.seconds, limit.run, limit.notes) == (9.0, run_of().path, None)
    assert build_trainer(run_of(timeout=9.0), StackedToy(), Machine(), Path("notes")).limit.notes == Path("notes")


@pytest.mark.parametrize("name", [OBJECTIVE, "branin"])
def test_a_trainer_seeds_by_suite_objective_and_repetition(tmp_path, name):
    """The label of an objective and its algorithm have no part in it."""
    *_, run = suites.parse("toy", {**TABLE, "repetitions": 2, "objectives": {"toy": {"name": name}}}).runs()
    machine = Machine(data=tmp_path)

    trainer = build_trainer(run, StackedToy(), machine)

    assert trainer.seed_key == (5, name, 1)
    assert trainer.machine is machine
