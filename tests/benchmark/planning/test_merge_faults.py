"""Merging what was killed, torn or is at work, on disks that fill up: what is taken is whole, and it goes on."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.cli.main import main
from benchmark.result_folder.folder_lock import folder_lock
from benchmark.result_folder.merge import merge
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import partial_path, read_ledger
from benchmark.storage.resume_check import RunRefused
from tests.benchmark.commands import ROOT
from tests.benchmark.planning.ledgers import cut, results_of, tree
from tests.benchmark.planning.suites import RUN, RUNS

KILL = """
import os, signal, sys
from benchmark.cli.main import main
from benchmark.storage.ledger import Ledger
append, left = Ledger.append, [int(sys.argv[1])]
def dying(self, record):
    left[0] -= 1
    if not left[0]:
        os.write(self._file, b'{"kind":"evaluation","ind')
        os.kill(os.getpid(), 9)
    append(self, record)
Ledger.append = dying
main(sys.argv[2:])
"""


@pytest.mark.slow
def test_a_shard_that_was_killed_is_merged_and_resumed(copies, expected):
    """A kill -9 in the middle of a record: the merge takes what is whole; the shard goes on, and all is as unbroken."""
    command = [*RUN, "--results", "killed", "--shard", "2/2"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.run([sys.executable, "-c", KILL, "15", *command], env=environment, timeout=120)
    assert killed.returncode == -signal.SIGKILL
    assert list((copies / "killed").rglob("*.part"))

    early = merge(copies / "merged", [copies / "2/1", copies / "killed"])
    assert {state for _, state in early.unfinished} == {"partial", "missing"}
    assert main(command) == 0
    late = merge(copies / "merged", [copies / "killed"])

    assert late.unfinished == []
    assert results_of(copies / "merged/tiny") == expected
    assert not list((copies / "merged").rglob("*.part"))


def test_a_merge_that_is_killed_goes_on(copies, expected, monkeypatch):
    """Stopped at every rename in turn, a merge leaves whole files only, and the next one goes on."""
    replace, left = Path.replace, [0]

    def stopping(self, target):
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        return replace(self, target)

    monkeypatch.setattr(Path, "replace", stopping)
    for at in range(1, RUNS + 2):
        left[0] = at
        out = copies / f"out-{at}"
        with pytest.raises(KeyboardInterrupt):
            merge(out, [copies / "2/1", copies / "2/2"])
        assert all(expected[name] == text for name, text in results_of(out / "tiny").items())
        assert len(results_of(out / "tiny")) == max(0, at - 2)
        left[0] = 0
        assert merge(out, [copies / "2/1", copies / "2/2"]).unfinished == []
        assert results_of(out / "tiny") == expected
        assert not list(out.rglob("*.tmp"))


@pytest.mark.parametrize("call", ["fsync", "open"])
def test_a_full_disk_names_the_file_and_what_to_do(copies, monkeypatch, call):
    """The message has the path and the reason; with room again the merge goes on."""
    count = [0]
    original = {"fsync": os.fsync, "open": Path.open}[call]

    def failing(*arguments, **options):
        if call == "fsync" or ".tmp" in str(arguments[0]):
            count[0] += 1
            if count[0] == 5:
                raise OSError(28, "No space left on device")
        return original(*arguments, **options)

    with monkeypatch.context() as patched:
        patched.setattr(os if call == "fsync" else Path, call, failing)
        with pytest.raises(ValueError, match=r"OUT .*No space left on device.*merge again"):
            merge(copies / "merged", [copies / "2/1", copies / "2/2"])

    assert merge(copies / "merged", [copies / "2/1", copies / "2/2"]).unfinished == []


def test_a_shard_at_work_may_be_merged(copies):
    """What a living shard has recorded so far is taken, and the shard is not disturbed."""
    ledger = copies / "2/1/tiny/runs/toy/halving/000.jsonl"
    records = read_ledger(ledger).records
    ledger.unlink()
    with Ledger(ledger) as writing:
        for record in records[:2]:
            writing.append(record)
        early = merge(copies / "merged", [copies / "2/1"])
        for record in records[2:-1]:
            writing.append(record)
        writing.complete(records[-1])
    late = merge(copies / "merged", [copies / "2/1"])

    assert (Path("runs/toy/halving/000.jsonl"), "partial") in early.unfinished
    assert len(late.unfinished) == RUNS - 6


def test_a_ledger_that_grows_between_looking_and_taking(copies, monkeypatch):
    """A part that its shard completes meanwhile is still taken as it was seen."""
    ledger = copies / "2/1/tiny/runs/toy/halving/000.jsonl"
    whole, size = ledger.read_bytes(), ledger.read_bytes().rindex(b"\n", 0, -1) + 1
    cut(ledger, size)

    def completing(folder):
        partial_path(ledger).unlink()
        ledger.write_bytes(whole)
        return folder_lock(folder)

    monkeypatch.setattr("benchmark.result_folder.merge.folder_lock", completing)
    merge(copies / "merged", [copies / "2/1"])

    assert partial_path(copies / "merged/tiny/runs/toy/halving/000.jsonl").read_bytes() == whole[:size]


def test_a_source_that_is_taken_away_is_reported(copies, monkeypatch):
    """A ledger that vanishes or changes between looking and taking stops the merge; what came before is whole."""
    ledger = copies / "2/1/tiny/runs/toy/halving/000.jsonl"

    def vanishing(folder):
        ledger.write_bytes(b"")
        return folder_lock(folder)

    monkeypatch.setattr("benchmark.result_folder.merge.folder_lock", vanishing)
    with pytest.raises(RunRefused, match=r"000\.jsonl: has changed while it was merged"):
        merge(copies / "merged", [copies / "2/1"])


def test_a_target_at_work_is_refused(copies):
    """While a run or another merge works in the target, nothing is merged into it."""
    merge(copies / "merged", [copies / "2/1"])
    before = tree(copies / "merged")

    with folder_lock(copies / "merged/tiny"), pytest.raises(RunRefused, match="another process is running"):
        merge(copies / "merged", [copies / "2/2"])

    assert tree(copies / "merged") == before
