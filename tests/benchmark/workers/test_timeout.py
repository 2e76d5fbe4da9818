"""Time limits: a trial that takes too long ends as `timeout`, however it hangs, and no other trial is affected."""

import math
from pathlib import Path

import pytest

from analysis.loading import ledgers as analysed
from benchmark.errors import BadInput
from benchmark.reproducibility.isolated_objective import IsolatedObjective
from benchmark.suite import parsing as suites
from benchmark.tuning.time_limit import TimeLimit
from benchmark.tuning.trainer import Trainer
from objectives.objective import Machine
from tests.benchmark.fakes.hanging import Hanging
from tests.benchmark.fakes.hanging_suite import (
    LIMIT,
    assert_timeouts_recorded,
    evaluations,
    run,
    without_measured,
    write_suite,
)
from tests.benchmark.tuning.jobs import make_job

# Of an alarm within a destructor or a weak reference's callback Python only tells; it is raised again a second later.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.mark.parametrize("how", ["sleep", "busy"])
@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.faults)])
def test_a_trial_that_hangs_in_python_is_interrupted(tmp_path, how, jobs):
    """An alarm interrupts it, with one process as with two, and no process is killed."""
    reports, messages = run(write_suite(tmp_path, how), tmp_path, jobs)

    assert {report.state for report in reports} == {"done"}
    [line] = messages
    assert "took longer than the suite allows" in line
    assert_timeouts_recorded(evaluations(tmp_path / "tiny"))


@pytest.mark.parametrize("how", ["stop", *(pytest.param(h, marks=pytest.mark.faults) for h in ("locked", "stubborn"))])
@pytest.mark.slow
def test_a_trial_that_ignores_the_alarm_is_killed_with_its_worker(tmp_path, how):
    """A stopped trial, one in C with the lock held, and one that catches everything are killed and recorded."""
    reports, messages = run(write_suite(tmp_path, how, above=0.9), tmp_path, jobs=2)

    assert {report.state for report in reports} == {"done"}
    recorded = evaluations(tmp_path / "tiny")
    assert_timeouts_recorded(recorded, above=0.9)
    killed = [message for message in messages if "its process was killed" in message]
    assert len(killed) == sum(record["state"] == "timeout" for records in recorded.values() for record in records)
    assert all(message.startswith("runs/hanging/random/00") for message in killed)


@pytest.mark.faults
def test_one_process_and_two_record_the_same(tmp_path):
    """Interrupted and killed trials leave the same ledgers, apart from measured values."""
    recorded = []
    for how, jobs in (("sleep", 1), ("stop", 2), ("sleep", 2)):
        run(write_suite(tmp_path, how), tmp_path / how / str(jobs), jobs)
        recorded.append(without_measured(evaluations(tmp_path / how / str(jobs) / "tiny")))
    assert recorded[0] == recorded[1] == recorded[2]


def test_a_recorded_timeout_is_not_trained_again(tmp_path):
    """A resumed run replays a timeout like any other evaluation."""
    suite = write_suite(tmp_path)
    run(suite, tmp_path, jobs=1)
    before = evaluations(tmp_path / "tiny")
    for path in (tmp_path / "tiny").glob("runs/*/*/*.jsonl"):
        lines = path.read_bytes().splitlines(keepends=True)
        path.with_name(path.name + ".part").write_bytes(b"".join(lines[:-1]))
        path.unlink()
    for mark in tmp_path.glob("[0-9]*"):
        mark.unlink()

    run(suite, tmp_path, jobs=1)

    assert evaluations(tmp_path / "tiny") == before
    assert not list(tmp_path.glob("[0-9]*"))


@pytest.mark.slow
def test_the_clock_charges_a_timeout(tmp_path):
    """The measured clock charges the limit, the modelled one the price of all requested epochs."""
    for clock in ("measured", "modelled"):
        run(write_suite(tmp_path, clock=clock), tmp_path / clock, jobs=1)
        for records in evaluations(tmp_path / clock / "tiny").values():
            for record in [record for record in records if record["state"] == "timeout"]:
                charged = record["end"] - record["start"]
                expected = LIMIT + record["decide_seconds"] if clock == "measured" else 2 * 3.0
                assert charged == pytest.approx(expected)
                assert record["paid_seconds"] >= LIMIT


def test_a_timeout_is_a_failed_training_without_an_error(tmp_path):
    """The trainer reports the state, no error, no epochs and the limit as time; nothing is paused."""
    trainer = Trainer(
        IsolatedObjective(Hanging(limit=0.0), "it"),
        suite_seed=0,
        objective_name="tests.benchmark.fakes.hanging:Hanging",
        repetition=0,
        machine=Machine(),
        limit=TimeLimit(seconds=0.1, run=Path("runs/a")),
    )
    training = trainer.train(job(epochs=2))

    assert (training.state, training.valid_error, training.epochs) == ("timeout", None, 0)
    assert training.train_seconds == 0.1
    assert trainer.paused == {}


def job(epochs, start_epoch=0, x=0.5):
    """An evaluation of trial 0."""
    return make_job({"x": x}, epochs, start_epoch)


def test_repeating_the_epochs_of_a_paused_trial_does_not_count(tmp_path):
    """After a restart a promoted trial first repeats its earlier epochs, whose time is not limited."""
    trainer = Trainer(
        IsolatedObjective(Hanging(pace=0.4), "it"),
        suite_seed=0,
        objective_name="tests.benchmark.fakes.hanging:Hanging",
        repetition=0,
        machine=Machine(),
        limit=TimeLimit(seconds=0.7, run=Path("runs/a")),
    )
    assert trainer.train(job(epochs=2)).state == "timeout"
    training = trainer.train(job(epochs=2, start_epoch=1))

    assert (training.state, training.epochs, len(training.valid_curve)) == ("ok", 2, 1)


def test_the_analysis_counts_a_timeout_as_an_infinite_error(tmp_path):
    """Timeouts are in the analysis's table, with an infinite error."""
    run(write_suite(tmp_path), tmp_path, jobs=1)

    for repetition, records in enumerate(evaluations(tmp_path / "tiny").values()):
        recorded = analysed.find(tmp_path / "tiny", "hanging", "random", repetition).evaluations
        late = recorded["state"] == "timeout"
        assert sum(late) == sum(record["state"] == "timeout" for record in records)
        assert all(math.isinf(error) for error in recorded["valid_error"][late])


@pytest.mark.parametrize("value", ["0", "-1", "true", '"1"', "nan", "inf", "1e10", "[1]"])
def test_a_bad_timeout_is_refused(tmp_path, value):
    """The message names the field, the value and what is allowed."""
    with pytest.raises(BadInput, match=r"tiny\.toml: timeout = .*: need a number of seconds > 0, at most 1000000000"):
        write_suite(tmp_path, limit=value)


def test_a_timeout_is_in_the_identity_only_where_there_is_one(tmp_path):
    """Ledgers without a limit can be continued; another limit is another suite."""
    limited = write_suite(tmp_path)
    (tmp_path / "tiny.toml").write_text((tmp_path / "tiny.toml").read_text().replace("\ntimeout", "\n# timeout"))
    free = suites.load(str(tmp_path / "tiny.toml"))

    assert "timeout" not in next(free.runs()).identity()
    assert next(limited.runs()).identity() == {**next(free.runs()).identity(), "timeout": LIMIT}
