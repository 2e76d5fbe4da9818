"""Disks that fail under a whole suite: a message with path and remedy, nothing half acknowledged, and it goes on."""

import errno
import os
import shutil
import subprocess
import sys

import pytest

from benchmark.cli.main import main
from benchmark.storage.ledger import Ledger
from benchmark.suite import parsing as suites
from tests import ROOT
from tests.benchmark.fakes.failing_disk import CALLS, FAULTS, FailingDisk, raise_os_error, write_half
from tests.benchmark.fault_suites import SUITES, command, evaluations, stored, written

pytestmark = pytest.mark.slow  # Each test takes a second or more; make test has cheaper ones of the same.


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
