"""One run's execution: recorded evaluations are replayed and checked, the rest is trained and recorded."""

import math
from dataclasses import replace

import pytest

from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import failed_path, partial_path, read_ledger
from benchmark.tuning import execution
from benchmark.tuning.evaluation import ImpureTrial, evaluation_record
from benchmark.tuning.execution import (
    RunExecution,
    build_trainer,
)
from benchmark.tuning.factory import build_scheduler
from benchmark.tuning.record_replay import REPLAYED, RecordedOutcomes, ReplayMismatch
from benchmark.tuning.tuner import Job
from objectives.metric import Metric
from objectives.objective import Machine
from tests.benchmark.fakes.stacked_toy import StackedToy
from tests.benchmark.tuning.executions import drive_execution, run_of, settings

JOB = Job(
    index=2, trial=1, config={"x": 3}, suggestion={"x": 3}, start_epoch=1, epochs=4, start=8.0, decide_seconds=0.5
)


def record(**changes):
    """The job's evaluation as it is recorded."""
    training = build_trainer(run_of(), StackedToy(), Machine()).train(JOB)
    return {**evaluation_record(JOB, training, 2.0, None), **changes}


def shortened(folder, run, evaluations, change=None):
    """Turn a complete ledger into an unfinished one of so many evaluations; the header may change."""
    path = folder / run.path
    header, *records = read_ledger(path).records
    path.unlink()
    with Ledger(path) as ledger:
        ledger.append(change(header) if change else header)
        for one in records[:evaluations]:
            ledger.append(one)
    return path


# Replay.


def test_a_recorded_evaluation_is_its_outcome():
    """Error, epochs, end and state come from the record, whatever the job would give now."""
    outcome = RecordedOutcomes(Metric("error")).replay(
        JOB, record(valid_error=0.25, epochs=3, end=99.0, state="diverged")
    )

    assert (outcome.error, outcome.epochs, outcome.end, outcome.state) == (0.25, 3, 99.0, "diverged")


def test_a_recorded_crash_is_an_infinite_error():
    """A ledger holds no infinity: it says null."""
    assert RecordedOutcomes(Metric("error")).replay(JOB, record(valid_error=None, state="crashed")).error == math.inf


@pytest.mark.parametrize("name", [*REPLAYED, "asked_epochs"])
def test_another_proposal_is_told(name):
    """Each thing proposed must be what was recorded; the message has both and why that may be."""
    other = {"x": 4} if name == "config" else 77
    now = JOB.epochs if name == "asked_epochs" else getattr(JOB, name)

    with pytest.raises(ReplayMismatch) as refused:
        RecordedOutcomes(Metric("error")).replay(JOB, record(**{name: other}))

    assert str(refused.value) == (
        f"evaluation 2: {name} was recorded as {other!r}, now {now!r} is proposed; "
        "the algorithm does not repeat itself, or its code has changed"
    )


def test_what_is_recorded_is_not_trained_again(tmp_path):
    """Whatever whole records are there: the rest is asked for, and the ledger is that of an unbroken run."""
    run = run_of(clock="measured")
    whole, asked = drive_execution(run, settings(tmp_path))
    assert (whole.state, whole.evaluations, whole.problem, asked) == ("done", 3, None, [0, 1, 2])
    unbroken = [one for one in read_ledger(tmp_path / run.path).records if one["kind"] == "evaluation"]
    assert whole.best_error == min(one["valid_error"] for one in unbroken)

    for kept in range(4):
        before = read_ledger(tmp_path / run.path).records[1 : 1 + kept]
        shortened(tmp_path, run, kept)
        report, asked = drive_execution(run, settings(tmp_path))
        assert asked == [0, 1, 2][kept:]
        assert report == whole
        records = read_ledger(tmp_path / run.path).records
        assert [one["kind"] for one in records] == ["header", *["evaluation"] * 3, "end"]
        assert records[-1]["evaluations"] == 3
        assert [one["config"] for one in records[1:-1]] == [one["config"] for one in unbroken]
        assert records[1 : 1 + kept] == before


@pytest.mark.parametrize("ended_here", [True, False])
def test_killed_between_its_end_and_its_name_it_is_done(tmp_path, ended_here):
    """Nothing is proposed, trained or written: the ledger gets its final name, whichever machine it is."""
    run = run_of()
    whole, _ = drive_execution(run, settings(tmp_path))
    path = tmp_path / run.path
    if not ended_here:
        shortened(tmp_path, run, 4, lambda header: {**header, "environment": {**header["environment"], "torch": "0.1"}})
        partial_path(path).rename(path)
    data = path.read_bytes()
    path.rename(partial_path(path))

    report, asked = drive_execution(run, settings(tmp_path, allow_mixed=True))

    assert (report, asked) == (whole, [])
    assert path.read_bytes() == data
    assert not partial_path(path).exists()


def test_an_end_of_another_run_is_refused(tmp_path):
    """A part file that has ended is held against the run like any other, before it gets its name."""
    drive_execution(run_of(), settings(tmp_path))
    path = tmp_path / run_of().path
    path.rename(partial_path(path))

    report, _ = drive_execution(run_of(budget={"trials": 2}), settings(tmp_path))

    assert report.state == "refused"
    assert not path.exists()


def test_an_algorithm_that_does_not_repeat_itself_fails(tmp_path):
    """Its ledger is set aside with both proposals in it; the report says the same."""
    run = run_of()
    drive_execution(run, settings(tmp_path))
    path = shortened(tmp_path, run, 0)
    with Ledger(path) as ledger:
        ledger.append(record(index=0, trial=0, config={"x": 99}))

    report, asked = drive_execution(run, settings(tmp_path))

    assert (report.state, asked) == ("failed", [])
    assert "was recorded as" in report.problem
    assert not partial_path(path).exists()
    failure = read_ledger(failed_path(path)).records[-1]
    assert (failure["kind"], failure["error"]) == ("failure", report.problem)
    assert "ReplayMismatch" in failure["traceback"]


def test_a_trial_that_came_out_otherwise_fails_its_run(tmp_path):
    """The harness finds it in training; the run's ledger tells it, cut to a thousand characters."""
    run = run_of()
    trained = build_trainer(run, StackedToy(), Machine())
    steps = RunExecution(run, StackedToy(), settings(tmp_path), "reference").steps({"toy": "0" * 64})
    steps.send(None)
    assert trained is not None

    with pytest.raises(StopIteration) as stop:
        steps.throw(ImpureTrial("x" * 2000))

    assert stop.value.value.state == "failed"
    failure = read_ledger(failed_path(tmp_path / run.path)).records[-1]
    assert failure["error"] == "x" * 1000


# The header.


def test_a_change_of_machine_is_refused_or_marked_once(tmp_path):
    """Without leave nothing is written; with it one mark says where the other machine begins."""
    run = run_of()
    drive_execution(run, settings(tmp_path))
    path = shortened(
        tmp_path, run, 1, lambda header: {**header, "environment": {**header["environment"], "torch": "0.1"}}
    )
    before = partial_path(path).read_bytes()

    report, asked = drive_execution(run, settings(tmp_path))
    assert (report.state, asked) == ("refused", [])
    assert "recorded on another machine or library version: torch was '0.1'" in report.problem
    assert partial_path(path).read_bytes() == before

    steps = RunExecution(run, StackedToy(), settings(tmp_path, allow_mixed=True), "reference").steps({"toy": "0" * 64})
    next(steps)
    steps.close()
    report, _ = drive_execution(run, settings(tmp_path, allow_mixed=True))
    assert report.state == "done"
    kinds = [one["kind"] for one in read_ledger(path).records]
    assert kinds == ["header", "evaluation", "resumed", "evaluation", "evaluation", "end"]


def test_the_header_says_what_the_run_depends_on(tmp_path):
    """Identity, data, machine with arithmetic and route, and the hour; libraries of another run are not taken over."""
    run = run_of()
    where = settings(tmp_path)
    where = replace(where, environment={**where.environment, "libraries": {"other": "1"}})

    drive_execution(run, where)

    header = read_ledger(tmp_path / run.path).records[0]
    assert header["run"] == run.identity()
    assert header["data"] == {"toy": "0" * 64}
    assert (header["environment"]["arithmetic"], header["environment"]["route"]) == ("reference", "alone")
    assert "libraries" not in header["environment"]
    assert header["created"].endswith("+00:00")


def test_the_header_says_what_the_algorithm_is_made_of_and_lacks(tmp_path, monkeypatch):
    """Versions that the algorithm itself tells, and what of its lacks matters to this run; it is let go at the end."""
    let_go = []

    def foreign(run, objective):
        scheduler = build_scheduler(run, objective)
        scheduler.versions, scheduler.lacks = {"theirs": "1.5"}, {"pending": "forgets them", "copy": "cannot"}
        scheduler.close = lambda: let_go.append(scheduler)
        return scheduler

    monkeypatch.setattr(execution, "build_scheduler", foreign)
    run = run_of(n_workers=2)
    drive_execution(run, settings(tmp_path))

    header = read_ledger(tmp_path / run.path).records[0]
    assert header["environment"]["libraries"] == {"theirs": "1.5"}
    assert header["lacks"] == {"pending": "forgets them"}
    assert len(let_go) == 1


def test_a_refused_header_is_named_by_its_file(tmp_path):
    """It is the unfinished ledger's."""
    drive_execution(run_of(), settings(tmp_path))
    path = shortened(tmp_path, run_of(), 1, lambda header: {**header, "data": {"toy": "1" * 64}})

    report, _ = drive_execution(run_of(), settings(tmp_path))

    assert report.problem.startswith(f"{partial_path(path)}: recorded with another suite: toy was ")


@pytest.mark.parametrize(("tables", "durable"), [(None, True), ("tables", False)])
def test_only_what_a_table_answered_may_be_lost(tmp_path, monkeypatch, tables, durable):
    """Trainings wait for the disk, answers of a table do not."""
    asked = []

    class Watched(Ledger):
        def __init__(self, path, *, durable, reopen):
            asked.append(durable)
            super().__init__(path, durable=durable, reopen=reopen)

    monkeypatch.setattr(execution, "Ledger", Watched)

    drive_execution(run_of(), settings(tmp_path, tables=None if tables is None else tmp_path / tables))

    assert asked == [durable]


def test_the_last_record_says_why_the_run_ended(tmp_path):
    """By its budget, or because the algorithm has nothing left."""
    grid = run_of(algorithms={"own": {"searcher": {"name": "grid", "levels": 2}}})
    drive_execution(run_of(), settings(tmp_path / "whole"))
    drive_execution(grid, settings(tmp_path / "grid"))

    ends = [read_ledger(tmp_path / name / grid.path).records[-1] for name in ("whole", "grid")]

    assert [end["reason"] for end in ends] == ["budget", "exhausted"]


# Outcomes.


def test_an_evaluation_is_charged_and_told_as_it_went(tmp_path):
    """By the given clock: its price is in the record, its end and state are what the algorithm hears of."""

    class Fixed:
        def require_seconds(self, job, training):
            return training

        def add_metrics(self, job, training, train_seconds, machine):
            return training

        def charge(self, job, training):
            return 3.0, 2.0

    clock = Fixed()
    going = RunExecution(run_of(), StackedToy(diverging=1), settings(tmp_path), "reference", clock=clock)
    trained = replace(build_trainer(run_of(), StackedToy(), Machine()).train(JOB), state="diverged")
    with Ledger(tmp_path / "000.jsonl") as ledger:
        ledger.append({"kind": "header", "format": 1})
        outcome = going._record(JOB, trained, ledger)
        recorded = ledger.records[-1]

    assert going.clock is clock
    assert recorded["modelled_seconds"] == 2.0
    assert (outcome.state, outcome.end) == ("diverged", JOB.start + 3.0)
