"""Disks that fail under a whole suite: a message with path and remedy, nothing half acknowledged, and it goes on."""

import errno
import json
import os
import shutil
import subprocess
import sys
import time

import pytest

from benchmark.cli.main import main
from benchmark.storage import ledger_format
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import read_ledger
from benchmark.suite import parsing as suites
from benchmark.tuning.execution import note_training_start
from benchmark.workers import isolated_run
from tests import ROOT
from tests.benchmark.fakes.failing_disk import CALLS, FAULTS, FailingDisk, raise_os_error, write_half
from tests.benchmark.fakes.stacked_toy import toy_prices
from tests.benchmark.fakes.unpicklable import LONG_CURVE
from tests.benchmark.fault_suites import command, evaluations

pytestmark = pytest.mark.slow  # Each test takes a second or more; make test has cheaper ones of the same.


SUITES = {
    "alone": """
seed = 3
repetitions = 2
budget.trials = 2
algorithms.random.searcher = "random"
[objectives.deadly]
name = "tests.benchmark.fakes.crashing:Crashing"
""",
    "stacked": """
seed = 3
repetitions = 1
clock = "modelled"
calibration = "prices.toml"
budget.evaluations = 4
algorithms.random.searcher = "random"
algorithms.halving = { scheduler = "successive_halving", searcher = "random" }
[objectives.slots]
name = "tests.benchmark.fakes.stacked_toy:StackedToy"
""",
}


def written(folder, kind):
    """Write a suite into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "prices.toml").write_text(toy_prices())
    (folder / "tiny.toml").write_text(SUITES[kind])
    return folder


@pytest.fixture(scope="module", params=SUITES)
def unbroken(request, tmp_path_factory):
    """A suite's kind, and what it records on a sound disk."""
    folder = written(tmp_path_factory.mktemp("unbroken"), request.param)
    assert main(command(folder)) == 0
    return request.param, evaluations(folder)


@pytest.fixture
def acknowledged(monkeypatch):
    """Every record of which `append` said that it is durable, with its ledger's name."""
    records = []
    append = Ledger.append

    def noting(self, record):
        append(self, record)
        records.append((self.path, record))

    monkeypatch.setattr(Ledger, "append", noting)
    return records


def stored(path):
    """The records of a run, whatever its file is called now."""
    names = (path, path.with_name(path.name + ".part"), path.with_name(path.name + ".failed"))
    (there,) = [name for name in names if name.exists()]
    with_tail = there.read_bytes()
    return [json.loads(line) for line in with_tail[: with_tail.rfind(b"\n") + 1].splitlines()]


def check_message(message, folder):
    """Every problem names a path and a remedy; none is a traceback."""
    assert "Traceback" not in message
    problems = [line for line in message.splitlines() if "-m benchmark run" not in line.partition("again: ")[2]]
    assert problems
    for problem in problems:
        assert str(folder / "results") in problem
        assert "MiB are free there; make room" in problem or "cannot be written (" in problem


def go_through(call, action, once, kind, expected, folder, acknowledged, capsys):
    """Let the n-th call fail for n = 1, 2, ... until a run passes without a fault; returns that n."""
    for at in range(1, 200):
        here = written(folder / str(at), kind)
        acknowledged.clear()
        with FailingDisk(here / "results", call, action, at, once=once).failing() as disk:
            code = main(command(here))
        message = capsys.readouterr().err
        if not disk.failed:
            assert (code, message, evaluations(here)) == (0, "", expected)
            return at
        for path, record in acknowledged:
            assert record in [{k: v for k, v in told.items() if k != "crc"} for told in stored(path)]
        if code == 0:  # A short write that was made good, or a folder that was there already.
            assert call == "mkdir" or (action, once) == (write_half, True)
            assert evaluations(here) == expected
        else:
            check_message(message, here)
        assert main(command(here)) == 0
        assert evaluations(here) == expected
        assert not list(here.glob("results/tiny/runs/*/*/*.part"))
        shutil.rmtree(here)
    pytest.fail("there was no end of calls")


KINDS = [("write", "short", write_half), *((call, fault, FAULTS[fault]) for call in CALLS for fault in FAULTS)]


CASES = {(call, fault, when): action for call, fault, action in KINDS for when in ("once", "for-good")}


FAST_CASES = {
    ("write", "short", "once"),
    ("write", "full", "for-good"),
    ("fsync", "broken", "once"),
    ("open", "full", "once"),
    ("rename", "broken", "once"),
}


@pytest.mark.parametrize(
    ("call", "action", "once"),
    [
        pytest.param(
            case[0],
            action,
            case[2] == "once",
            id="-".join(case),
            marks=() if case in FAST_CASES else pytest.mark.faults,
        )
        for case, action in CASES.items()
    ],
)
def test_a_suite_on_a_disk_that_fails_at_any_call(unbroken, tmp_path, acknowledged, capsys, call, action, once):
    """At whichever call: a clean message, every acknowledged record stored, and the next start ends as unbroken."""
    kind, expected = unbroken
    faults = go_through(call, action, once, kind, expected, tmp_path, acknowledged, capsys)

    assert faults > (1 if call != "ftruncate" else 0)


def test_the_faults_strike_every_record(unbroken, tmp_path, acknowledged, capsys):
    """A test of the test: there are as many writes as records, and as many syncs at least."""
    kind, expected = unbroken
    counts = {}
    for call in ("write", "fsync"):
        here = written(tmp_path / call, kind)
        acknowledged.clear()
        with FailingDisk(here / "results", call, raise_os_error(errno.EIO), at=10**9).failing() as disk:
            assert main(command(here)) == 0
        counts[call] = disk.calls
        records = len(acknowledged)
    assert counts["write"] == records
    assert counts["fsync"] >= records
    assert records > sum(map(len, expected.values()))


# Limits of the operating system.


LIMITED = """
import resource, sys
from benchmark.cli.main import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), int(sys.argv[1])))
sys.exit(main(sys.argv[2:]))
"""


@pytest.mark.parametrize("size", [pytest.param(300, marks=pytest.mark.faults), 1000])
@pytest.mark.slow
def test_a_limit_on_the_size_of_files(tmp_path, unbroken, size):
    """With the operating system's own refusal (EFBIG, after a short write) in one process: said, and gone on with."""
    kind, expected = unbroken
    here = written(tmp_path, kind)
    program = [sys.executable, "-c", LIMITED, str(size), *command(here)]

    limited = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=False, timeout=120)

    assert limited.returncode in (1, 2), limited.stderr
    check_message(limited.stderr, here)
    for part in here.glob("results/tiny/runs/*/*/*.part"):
        assert part.read_bytes().endswith(b"\n") or part.stat().st_size == 0
    assert main(command(here)) == 0
    assert evaluations(here) == expected


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 64 kB; skipped where none may be mounted."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "incumbent-test", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting needs rights")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_is_really_full(small_disk, tmp_path, capsys):
    """A 64 kB disk: full in the middle, said with path and free space; with room it goes on to the same end."""
    text = SUITES["alone"].replace("repetitions = 2", "repetitions = 12").replace("trials = 2", "trials = 30")
    (tmp_path / "tiny.toml").write_text(text)
    words = ["run", str(tmp_path / "tiny.toml"), "--device", "cpu", "--jobs", "1", "--quiet", "--results"]
    assert main([*words, str(tmp_path / "results")]) == 0

    assert main([*words, str(small_disk / "results")]) in (1, 2)

    check_message(capsys.readouterr().err, small_disk)
    kept = {path.name: stored(path) for path in small_disk.glob("results/tiny/runs/*/*/*.jsonl")}
    (tmp_path / "roomy").mkdir()
    shutil.copytree(small_disk / "results", tmp_path / "roomy" / "results")
    assert main([*words, str(tmp_path / "roomy" / "results")]) == 0
    assert evaluations(tmp_path / "roomy") == evaluations(tmp_path)
    assert all(
        stored(path)[: len(told)] == told
        for path in tmp_path.glob("roomy/results/tiny/runs/*/*/*.jsonl")
        for told in [kept.get(path.name, [])]
    )
    assert kept


# Folders.


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_folder_is_refused_before_the_first_trial(tmp_path, capsys):
    """By its rights."""
    here = written(tmp_path, "alone")
    (here / "results").mkdir(mode=0o500)

    assert main(command(here)) == 2
    assert f"results folder {here / 'results'}" in capsys.readouterr().err


@pytest.mark.parametrize("call", ["mkdir", "open"])
def test_a_read_only_disk_is_refused_before_the_first_trial(tmp_path, acknowledged, capsys, call):
    """By the file system: one line, exit code 2, no trial trained."""
    here = written(tmp_path, "alone")
    (here / "results" / ("tiny" if call == "open" else "")).mkdir(parents=True)

    with FailingDisk(here / "results", call, raise_os_error(errno.EROFS)).failing():
        assert main(command(here)) == 2

    (line,) = capsys.readouterr().err.splitlines()
    assert str(here / "results") in line
    assert "Read-only file system" in line
    assert acknowledged == []


def test_a_folder_that_vanishes_is_said(tmp_path, monkeypatch, capsys):
    """Removed in the middle of a run: what is not done is said to be, and a new start does it all."""
    here = written(tmp_path, "alone")
    append = Ledger.append

    def vanishing(self, record):
        append(self, record)
        if record.get("index") == 1 and self.path.name == "000.jsonl":
            shutil.rmtree(here / "results")

    monkeypatch.setattr(Ledger, "append", vanishing)
    assert main(command(here)) == 1
    message = capsys.readouterr().err
    assert f"{here / 'results'}" in message
    assert "its folder is gone" in message
    monkeypatch.undo()

    assert main(command(here)) == 0
    assert len(evaluations(here)) == 2


def test_a_suite_is_read_from_the_folder(tmp_path):
    """A test of the test: both kinds are what they are called."""
    alone, stacked = (suites.load(str(written(tmp_path / kind, kind) / "tiny.toml")) for kind in SUITES)
    assert (alone.clock, stacked.clock) == ("measured", "modelled")


# Clocks that are set.


class Jumping:
    """A time of day that is set by years at every look, back and forth."""

    def __init__(self):
        self.looks = 0

    def __call__(self):
        self.looks += 1
        return 1e9 + (-1) ** self.looks * 1e8 * self.looks


@pytest.mark.parametrize("kind", SUITES)
def test_a_clock_that_is_set_changes_no_result(tmp_path, monkeypatch, kind):
    """Records are those of an untouched clock, and no duration is negative or of days."""
    expected, here = written(tmp_path / "expected", kind), written(tmp_path / "here", kind)
    assert main(command(expected)) == 0
    monkeypatch.setattr(time, "time", Jumping())

    assert main(command(here)) == 0

    assert evaluations(here) == evaluations(expected)
    for path in here.glob("results/tiny/runs/*/*/*.jsonl"):
        for record in read_ledger(path).records:
            if record["kind"] == "evaluation":
                assert all(0 <= record[name] < 600 for name in ("train_seconds", "paid_seconds", "decide_seconds"))


def test_the_time_of_a_crash_is_taken_by_a_clock_that_nobody_sets(tmp_path, monkeypatch):
    """Who finds a process dead knows when its training began, whatever the time of day and of the file say."""
    marker = tmp_path / "training"
    assert isolated_run._seconds_since(marker) == 0.0
    monkeypatch.setattr(time, "time", Jumping())
    monkeypatch.setattr(time, "monotonic", lambda: 100.0)
    note_training_start(marker)
    os.utime(marker, (0, 0))
    monkeypatch.setattr(time, "monotonic", lambda: 103.5)
    assert isolated_run._seconds_since(marker) == 3.5
    marker.write_text("")  # Killed while it wrote.
    assert isolated_run._seconds_since(marker) == 0.0


# What cannot be sent between processes, or is too long to be written.


UNPICKLABLE = """
seed = 2
repetitions = 2
budget.trials = 6
algorithms.random.searcher = "random"
[objectives.strange]
name = "tests.benchmark.fakes.unpicklable:Unpicklable"
how = "{how}"
"""


def run_unpicklable(folder, how, jobs=1, *words):
    """Run a suite of strange trials; exit code and evaluations."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "tiny.toml").write_text(UNPICKLABLE.format(how=how))
    return main([*command(folder, jobs), *words]), evaluations(folder)


@pytest.mark.parametrize("jobs", [1, pytest.param(2, marks=pytest.mark.faults)])
@pytest.mark.parametrize("how", ["error", "result"])
def test_what_cannot_be_pickled_becomes_a_record(tmp_path, how, jobs):
    """An exception of two arguments that holds a lock, or a lock for an error: text, and the suite is done."""
    code, found = run_unpicklable(tmp_path, how, jobs)
    told = [record for records in found.values() for record in records]
    assert (code, len(told)) == (0, 12)
    assert {record["state"] for record in told} == {"ok", "error"}
    for record in told:
        assert (record["state"] == "error") == (record["config"]["x"] > 0.5)
        if record["state"] == "error":
            assert ("Unpicklable" if how == "error" else "lock") in record["problem"]


def test_a_curve_that_is_too_long_is_an_error_not_a_shorter_curve(tmp_path, capsys, monkeypatch):
    """A record of more than the largest size refuses its run; what was recorded before stays, nothing is cut."""
    monkeypatch.setattr(ledger_format, "LARGEST_RECORD", 10_000)
    code, found = run_unpicklable(tmp_path, "endless", 1, "--set", "repetitions=1")
    message = capsys.readouterr().err
    assert (code, found) == (1, {})
    assert "Traceback" not in message
    assert message.count(" bytes: at most 10000 are allowed") == 1
    kept = [r for r in stored(tmp_path / "results/tiny/runs/strange/random/000.jsonl") if r["kind"] == "evaluation"]
    assert kept
    assert all(record["config"]["x"] <= 0.5 and len(record["valid_curve"]) == LONG_CURVE for record in kept)
