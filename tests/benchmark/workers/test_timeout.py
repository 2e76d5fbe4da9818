"""Time limits: a trial that takes too long ends as `timeout`, however it hangs, and no other trial is affected."""

import json
import math
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from analysis.loading import ledgers as analysed
from benchmark.driver import stall_monitor
from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.driver.stall_monitor import PATIENCE, StallMonitor
from benchmark.errors import BadInput
from benchmark.reproducibility.isolated_objective import IsolatedObjective
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import parsing as suites
from benchmark.tuning.time_limit import GRACE_SECONDS, TimeLimit, TrialTimeout
from benchmark.tuning.trainer import Trainer
from benchmark.tuning.tuner import Job
from benchmark.workers.watchdog import Watchdog
from objectives.objective import Machine
from tests import ROOT
from tests.benchmark.fakes.hanging import Hanging

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "start", "end", "crc", "problem")
LIMIT = 0.4

SUITE = """
seed = 3
repetitions = 3
timeout = {limit}
clock = "{clock}"
budget.trials = 4
algorithms.random.searcher = "random"
[objectives.hanging]
name = "tests.benchmark.fakes.hanging:Hanging"
how = "{how}"
limit = {above}
mark = "{mark}"
"""


def write_suite(folder, how="sleep", *, clock="measured", above=0.8, limit=LIMIT):
    """A suite some of whose trials hang."""
    text = SUITE.format(limit=limit, clock=clock, how=how, above=above, mark=folder)
    (folder / "tiny.toml").write_text(text)
    return suites.load(str(folder / "tiny.toml"))


class Told(Quiet):
    """Remembers what it is told to say."""

    def __init__(self):
        self.said = []

    def say(self, message):
        self.said.append(message)


def run(suite, results, jobs):
    """Run a suite; returns its reports and what was said."""
    told = Told()
    return Runner(suite, results, jobs=jobs, machine=Machine(), listener=told).run(), told.said


def evaluations(folder):
    """All evaluations of a suite's folder, by ledger."""
    paths = sorted(folder.glob("runs/*/*/*.jsonl"))
    return {path.name: [r for r in read_ledger(path).records if r["kind"] == "evaluation"] for path in paths}


def bare(found):
    """Evaluations but for what is measured."""
    return {
        name: [{key: value for key, value in record.items() if key not in MEASURED} for record in told]
        for name, told in found.items()
    }


def check(found, above=0.8):
    """Those that hang, and only they, are recorded as timeout, with the limit as their time and no error."""
    told = [record for records in found.values() for record in records]
    assert len(told) == 12
    states = {record["state"] for record in told}
    assert states == {"ok", "timeout"}
    for record in told:
        assert (record["state"] == "timeout") == (record["config"]["x"] > above)
        if record["state"] == "timeout":
            assert (record["valid_error"], record["test_error"], record["valid_curve"]) == (None, None, [])
            assert record["train_seconds"] == LIMIT
            assert record["problem"] == f"training took longer than the suite's timeout of {LIMIT} s"
            assert record["epochs"] == record["start_epoch"]


@pytest.mark.parametrize("how", ["sleep", "busy"])
@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.faults)])
def test_a_trial_that_hangs_in_python_is_interrupted(tmp_path, how, jobs):
    """An alarm interrupts it, with one process as with two, and no process is killed."""
    reports, said = run(write_suite(tmp_path, how), tmp_path, jobs)

    assert {report.state for report in reports} == {"done"}
    [line] = said
    assert "took longer than the suite allows" in line
    check(evaluations(tmp_path / "tiny"))


@pytest.mark.parametrize("how", ["stop", *(pytest.param(h, marks=pytest.mark.faults) for h in ("locked", "stubborn"))])
@pytest.mark.slow
def test_a_trial_that_ignores_the_alarm_is_killed_with_its_worker(tmp_path, how):
    """A stopped trial, one in C with the lock held, and one that catches everything are killed and recorded."""
    reports, said = run(write_suite(tmp_path, how, above=0.9), tmp_path, jobs=2)

    assert {report.state for report in reports} == {"done"}
    found = evaluations(tmp_path / "tiny")
    check(found, above=0.9)
    killed = [message for message in said if "its process was killed" in message]
    assert len(killed) == sum(record["state"] == "timeout" for told in found.values() for record in told)
    assert all(message.startswith("runs/hanging/random/00") for message in killed)


@pytest.mark.faults
def test_one_process_and_two_record_the_same(tmp_path):
    """Interrupted and killed trials leave the same ledgers, apart from measured values."""
    found = []
    for how, jobs in (("sleep", 1), ("stop", 2), ("sleep", 2)):
        run(write_suite(tmp_path, how), tmp_path / how / str(jobs), jobs)
        found.append(bare(evaluations(tmp_path / how / str(jobs) / "tiny")))
    assert found[0] == found[1] == found[2]


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
        for told in evaluations(tmp_path / clock / "tiny").values():
            for record in [record for record in told if record["state"] == "timeout"]:
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
    return Job(
        index=0,
        trial=0,
        config={"x": x},
        suggestion={"x": x},
        start_epoch=start_epoch,
        epochs=epochs,
        start=0.0,
        decide_seconds=0.0,
    )


def test_repeating_the_epochs_of_a_paused_trial_does_not_count(tmp_path):
    """After a restart a promoted trial first repeats its earlier epochs, whose time is not limited."""
    trainer = Trainer(
        IsolatedObjective(Hanging(pace=0.15), "it"),
        suite_seed=0,
        objective_name="tests.benchmark.fakes.hanging:Hanging",
        repetition=0,
        machine=Machine(),
        limit=TimeLimit(seconds=0.25, run=Path("runs/a")),
    )
    assert trainer.train(job(epochs=2)).state == "timeout"
    training = trainer.train(job(epochs=2, start_epoch=1))

    assert (training.state, training.epochs, len(training.valid_curve)) == ("ok", 2, 1)


def test_the_analysis_counts_a_timeout_as_an_infinite_error(tmp_path):
    """Timeouts are in the analysis's table, with an infinite error."""
    run(write_suite(tmp_path), tmp_path, jobs=1)

    for repetition, told in enumerate(evaluations(tmp_path / "tiny").values()):
        found = analysed.find(tmp_path / "tiny", "hanging", "random", repetition).evaluations
        late = found["state"] == "timeout"
        assert sum(late) == sum(record["state"] == "timeout" for record in told)
        assert all(math.isinf(error) for error in found["valid_error"][late])


# The suite's key.


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


# The alarm.


def test_the_alarm_repeats_for_code_that_catches_it():
    """Code that catches everything is interrupted again; afterwards the alarm is off and its handler restored."""
    caught = []

    def keeps():
        while len(caught) < 2:
            try:
                time.sleep(30)
            except BaseException as error:
                caught.append(error)

    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TrialTimeout, match=r"timeout of 0\.05 s"):
        TimeLimit(seconds=0.05, run=Path("a")).call_within(0, 1, keeps)
    assert [type(error) for error in caught] == [TrialTimeout, TrialTimeout]
    assert {str(error) for error in caught} == {"training took longer than the suite's timeout of 0.05 s"}
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_outside_the_main_thread_the_limit_is_checked_afterwards():
    """No alarm can interrupt another thread; a call that took too long still counts as a timeout."""
    raised = []

    def late():
        try:
            TimeLimit(seconds=0.01, run=Path("a")).call_within(0, 1, lambda: time.sleep(0.05))
        except TrialTimeout as error:
            raised.append(error)

    thread = threading.Thread(target=late)
    thread.start()
    thread.join()
    assert [str(error) for error in raised] == ["training took longer than the suite's timeout of 0.01 s"]


def test_a_call_within_the_limit_returns_its_result(tmp_path):
    """The note for the watchdog is removed afterwards."""
    assert TimeLimit(seconds=30.0, run=Path("a"), notes=tmp_path).call_within(
        0, 1, lambda: list(tmp_path.iterdir())
    ) == [tmp_path / str(os.getpid())]
    assert list(tmp_path.iterdir()) == []


# The watchdog.


def test_no_process_is_killed_twice(monkeypatch):
    """A process that takes long to die is killed once."""
    kills = []
    monkeypatch.setattr("benchmark.workers.watchdog.os.kill", lambda *arguments: kills.append(arguments))
    with Watchdog(lambda message: None) as watchdog:
        # The note bears another number, that of nobody to be killed in earnest here.
        limit = TimeLimit(seconds=0.001 - GRACE_SECONDS, run=Path("runs/a"), notes=watchdog.notes)
        with limit._deadline_noted(3, limit.seconds):
            (watchdog.notes / str(os.getpid())).rename(watchdog.notes / "999999999")
            deadline = time.monotonic() + 30
            while not kills and time.monotonic() < deadline:
                time.sleep(0.01)
            time.sleep(0.5)
    assert kills == [(999999999, signal.SIGKILL)]
    assert [one.index for one in watchdog.pop_overdue()] == [3]


TRAINING = """
import sys, time
from pathlib import Path
from types import SimpleNamespace
from benchmark.tuning.time_limit import TimeLimit
limit = TimeLimit(seconds=float(sys.argv[2]), run=Path("runs/a/b/000.jsonl"), notes=Path(sys.argv[1]))
def ignores_alarm():
    print("begun", flush=True)
    while True:
        try: time.sleep(30)
        except BaseException: pass
limit.call_within(7, 1, ignores_alarm)
"""


@pytest.mark.slow
def test_the_watchdog_kills_only_overdue_processes():
    """It reports the evaluation; processes in time, or with the number of a dead process's note, are not killed."""
    told = []
    with Watchdog(told.append) as watchdog:
        late, early = (
            subprocess.Popen(
                [sys.executable, "-c", TRAINING, str(watchdog.notes), seconds],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
            for seconds in ("0.1", "60")
        )
        bystander = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
        note = {"run": "x", "index": 0, "until": 0.0, "reason": "", "seconds": 1.0}
        (watchdog.notes / str(bystander.pid)).write_text(json.dumps(note))
        try:
            for process in (late, early):
                assert process.stdout.readline() == "begun\n"
            assert late.wait(GRACE_SECONDS + 20) == -signal.SIGKILL
            (overdue,) = watchdog.pop_overdue()
            assert not (watchdog.notes / str(late.pid)).exists()
            assert (str(overdue.run), overdue.index, overdue.seconds) == ("runs/a/b/000.jsonl", 7, 0.1)
            assert (early.poll(), bystander.poll()) == (None, None)
            assert watchdog.pop_overdue() == []
            assert not (watchdog.notes / str(bystander.pid)).exists()
        finally:
            for process in (late, early, bystander):
                process.kill()
                process.communicate()
    assert not watchdog.notes.exists()
    assert told == []


@pytest.mark.faults
def test_the_only_process_stops_when_its_trial_ignores_the_alarm(tmp_path):
    """With one job no process could record it: the suite says so and stops in good order; two jobs complete it."""
    write_suite(tmp_path, "stubborn")
    words = [sys.executable, "-m", "benchmark", "run", str(tmp_path / "tiny.toml"), "--results", str(tmp_path)]
    done = subprocess.run(
        [*words, "--device", "cpu", "--jobs", "1"], cwd=ROOT, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 143
    assert "does not react to the alarm, and its process is the only one; with --jobs 2" in done.stderr

    subprocess.run([*words, "--device", "cpu", "--jobs", "2", "--quiet"], cwd=ROOT, check=True, timeout=120)

    check(evaluations(tmp_path / "tiny"))


# The stall monitor: a suite without a limit does not hang without a warning.


class Ledgers:
    """A stall monitor over a folder of unfinished ledgers that grow when they are told to."""

    def __init__(self, folder):
        self.folder, self.now, self.said, self.in_flight = folder, 0.0, [], {}
        self.monitor = StallMonitor(folder, self.in_flight, self.said.append)

    def start(self, *names):
        """Begin to execute runs side by side."""
        runs = [SimpleNamespace(path=Path("runs", name)) for name in names]
        self.in_flight.update({run.path: runs for run in runs})
        self.after(0)

    def record(self, name):
        """Let a run record something."""
        path = self.folder / "runs" / f"{name}.part"
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab") as file:
            file.write(b"x\n")

    def after(self, seconds):
        """Return the warnings of a look that much later."""
        self.now += seconds
        self.said.clear()
        self.monitor.look(self.now)
        return list(self.said)


def test_a_stalled_run_is_named_after_twice_the_longest_wait_and_a_minute(tmp_path):
    """Until then nothing; then which run, for how long, and what to do; again when the wait has doubled."""
    ledgers = Ledgers(tmp_path)
    ledgers.start("a")
    ledgers.start("b")
    ledgers.record("a")
    assert ledgers.after(50) == []
    assert ledgers.monitor.longest_wait == 50
    ledgers.record("a")
    assert ledgers.after(2 * 50 + PATIENCE - 50) == []
    (line,) = ledgers.after(2 * 110 + PATIENCE + 1 - 160)
    assert line.startswith("runs/b (evaluation 0): nothing recorded for 281 s, the longest wait so far was 110 s.")
    assert "give it a `timeout`" in line
    del ledgers.in_flight[Path("runs", "a")]
    assert ledgers.after(281) == []
    assert len(ledgers.after(1)) == 1


def test_runs_side_by_side_are_silent_together_and_finished_ones_not_at_all(tmp_path):
    """Some wait for a slot as long as others train; whoever is no longer in flight is not waited for."""
    ledgers = Ledgers(tmp_path)
    ledgers.start("a", "b", "c")
    for _ in range(5):
        ledgers.record("b")
        assert ledgers.after(PATIENCE - 1) == []
    del ledgers.in_flight[Path("runs", "a")]
    (line,) = ledgers.after(10 * PATIENCE)
    assert line.startswith("runs/b (evaluation 0) and 2 runs beside it: nothing recorded")
    ledgers.in_flight.clear()
    assert ledgers.after(10_000) == []


@pytest.mark.slow
def test_a_suite_without_a_timeout_tells_of_a_hanging_trial(tmp_path, monkeypatch):
    """The run is named while it is silent, ends as it would have, and its records are those of an unwatched run."""
    suite = write_suite(tmp_path, limit=1000, above=1.0)
    text = (
        (tmp_path / "tiny.toml")
        .read_text()
        .replace("\ntimeout = 1000", "")
        .replace("repetitions = 3", "repetitions = 1")
    )
    (tmp_path / "tiny.toml").write_text(text + "pace = 0.1\n")
    suite = suites.load(str(tmp_path / "tiny.toml"))
    assert suite.timeout is None
    run(suite, tmp_path / "unwatched", jobs=1)
    monkeypatch.setattr(Runner, "_price", lambda self, group: 0.0)
    monkeypatch.setattr(stall_monitor, "PATIENCE", -1e9)
    monkeypatch.setattr(stall_monitor, "SECONDS_BETWEEN_LOOKS", 0.02)

    reports, said = run(suite, tmp_path / "watched", jobs=1)

    assert [report.state for report in reports] == ["done"]
    assert any(line.startswith("runs/hanging/random/000.jsonl (evaluation ") for line in said)
    found = [bare(evaluations(tmp_path / name / "tiny")) for name in ("unwatched", "watched")]
    charged = ("start", "end", "train_seconds", "paid_seconds", "decide_seconds")
    assert not set(charged) & set(found[0]["000.jsonl"][0])
    assert found[0] == found[1]


def test_no_warning_comes_before_twice_the_price_of_what_trains(tmp_path):
    """The first record of a slow objective may be expected later than after a minute."""
    ledgers = Ledgers(tmp_path)
    ledgers.monitor.price = lambda group: 100.0
    ledgers.start("a")
    assert ledgers.after(200) == []
    assert len(ledgers.after(1)) == 1
