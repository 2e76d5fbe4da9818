"""A ledger on a disk that fails: no half record, and a file that goes on from what was acknowledged."""

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest

from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import LedgerError, partial_path, read_ledger
from tests import ROOT
from tests.benchmark.fakes.failing_disk import raise_os_error, replace_os
from tests.benchmark.records import END, FIRST, HEADER, SECOND, recorded, write


class FaultyDisk:
    """The `os` module, but for calls that fail: a stand-in for a disk that is full or breaks."""

    def __init__(self, name, action, at=1, once=False):
        self.name, self.action, self.at, self.once = name, action, at, once
        self.calls = 0

    def __getattr__(self, name):
        return self._call if name == self.name else getattr(os, name)

    def _call(self, *arguments):
        self.calls += 1
        if self.calls == self.at or (self.calls > self.at and not self.once):
            return self.action(*arguments)
        return getattr(os, self.name)(*arguments)


def in_small_steps(file, data):
    """Write one byte, as a disk may."""
    return os.write(file, data[:1])


def half_then_full(file, data):
    """Write half of the bytes; the rest meets a full disk at the next call."""
    if len(data) < 2:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    return os.write(file, data[: len(data) // 2])


def test_a_disk_that_takes_one_byte_at_a_time_loses_nothing(tmp_path, monkeypatch):
    """Short writes are continued until the line is whole."""
    _, expected = write(tmp_path / "whole.jsonl", complete=True)
    replace_os(monkeypatch, FaultyDisk("write", in_small_steps))

    _, data = write(tmp_path / "short.jsonl", complete=True)

    assert data == expected


FAULTS = {
    "full": ("write", raise_os_error(errno.ENOSPC)),
    "quota": ("write", raise_os_error(errno.EDQUOT)),
    "broken": ("write", raise_os_error(errno.EIO)),
    "half": ("write", half_then_full),
    "nothing": ("write", lambda file, data: 0),
    "unsynced": ("fsync", raise_os_error(errno.EIO)),
}


@pytest.mark.parametrize("once", [True, False], ids=["once", "for-good"])
@pytest.mark.parametrize("at", range(1, 7))
@pytest.mark.parametrize("fault", FAULTS)
def test_a_failing_disk_leaves_no_half_record_and_a_ledger_that_goes_on(tmp_path, monkeypatch, fault, at, once):
    """At whichever call the disk fails: an error with the path, nothing more appended, and resuming works."""
    path = tmp_path / "000.jsonl"
    records = [HEADER, FIRST, SECOND, FIRST]
    name, action = FAULTS[fault]
    replace_os(monkeypatch, FaultyDisk(name, action, at, once))
    acknowledged, problems = [], []

    try:
        with Ledger(path) as ledger:
            for record in records:
                try:
                    ledger.append(record)
                    assert not problems, "a broken ledger appended again"
                    acknowledged.append(record)
                except LedgerError as error:
                    problems.append(str(error))
    except LedgerError as error:
        problems.append(str(error))

    monkeypatch.undo()
    assert all("000.jsonl.part: " in problem and "run" in problem for problem in problems)
    data = partial_path(path).read_bytes()
    assert data == b"" or data.endswith(b"\n")
    assert recorded(path) == acknowledged
    assert bool(problems) == (acknowledged != records)
    with Ledger(path) as ledger:
        for record in records[len(acknowledged) :]:
            ledger.append(record)
        ledger.complete(END)
    assert read_ledger(path).records == [*records, END]


def test_the_faults_do_strike(tmp_path, monkeypatch):
    """The failing disk of these tests fails: a test of the test."""
    for fault, (name, action) in FAULTS.items():
        replace_os(monkeypatch, FaultyDisk(name, action))
        with pytest.raises(LedgerError):
            write(tmp_path / fault / "000.jsonl")


@pytest.mark.parametrize("fault", ["full", "half", "unsynced"])
def test_a_tail_that_cannot_be_cut_either_is_cut_at_the_next_opening(tmp_path, monkeypatch, fault):
    """When even cutting back fails, the next opening finds every acknowledged record."""
    path = tmp_path / "000.jsonl"
    write(path, [HEADER, FIRST])
    name, action = FAULTS[fault]

    class Broken(FaultyDisk):
        ftruncate = staticmethod(raise_os_error(errno.EIO))

    with Ledger(path) as ledger:
        replace_os(monkeypatch, Broken(name, action))
        with pytest.raises(LedgerError, match=r"000\.jsonl\.part: cannot be written .* MiB are free"):
            ledger.append(SECOND)
        monkeypatch.undo()
        with pytest.raises(LedgerError, match="an earlier write failed"):
            ledger.append(SECOND)

    records = recorded(path)
    assert records[:2] == [HEADER, FIRST]
    assert records[2:] in ([], [SECOND])  # Whole, though never acknowledged: its fsync failed.


@pytest.mark.parametrize("name", ["ftruncate", "fsync", "open", "fstat"])
def test_a_disk_that_fails_during_recovery_is_an_error_with_the_path(tmp_path, monkeypatch, name):
    """A torn tail that cannot be repaired now is repaired by a later opening."""
    path = tmp_path / "000.jsonl"
    part, data = write(path)
    part.write_bytes(data + b'{"torn')
    replace_os(monkeypatch, FaultyDisk(name, raise_os_error(errno.EIO)))

    with pytest.raises(LedgerError, match=r"000\.jsonl\.part: cannot be written"):
        Ledger(path)

    monkeypatch.undo()
    assert recorded(path) == [HEADER, FIRST, SECOND]
    assert part.read_bytes() == data


def test_no_room_to_keep_torn_bytes_aside_keeps_them_in_place(tmp_path, monkeypatch):
    """The tail is not cut before its bytes are safe elsewhere."""
    path = tmp_path / "000.jsonl"
    part, data = write(path)
    part.write_bytes(data + b'{"torn')
    monkeypatch.setattr(Path, "write_bytes", raise_os_error(errno.ENOSPC))

    with pytest.raises(LedgerError, match=r"000\.jsonl\.part: cannot be written"):
        Ledger(path)

    monkeypatch.undo()
    assert part.read_bytes() == data + b'{"torn'
    assert recorded(path) == [HEADER, FIRST, SECOND]


@pytest.mark.parametrize("ending", ["complete", "fail"])
def test_a_failing_rename_is_an_error_and_the_ledger_goes_on(tmp_path, monkeypatch, ending):
    """A ledger that could not be renamed stays a part file with all its records; its name is all that it lacks."""
    path = tmp_path / "000.jsonl"
    with Ledger(path) as ledger:
        ledger.append(HEADER)
        monkeypatch.setattr(Path, "rename", raise_os_error(errno.EACCES))
        with pytest.raises(LedgerError, match=r"000\.jsonl\.part: cannot be written"):
            getattr(ledger, ending)(END)
        monkeypatch.undo()

    with Ledger(path) as ledger:
        assert ledger.records == [HEADER, END]
        assert ledger.ended
        ledger.rename_complete()

    assert read_ledger(path).records == [HEADER, END]
    assert not partial_path(path).exists()


def test_a_folder_that_cannot_be_made_is_an_error_with_the_path(tmp_path):
    """A file in the place of the run's folder is named."""
    (tmp_path / "runs").write_text("in the way")

    with pytest.raises(LedgerError, match=r"runs.000\.jsonl\.part: cannot be written"):
        Ledger(tmp_path / "runs" / "000.jsonl")


def test_an_interrupt_within_a_write_breaks_the_object_not_the_file(tmp_path, monkeypatch):
    """Ctrl-C between two halves of a line: this object appends no more, the next opening cuts the half."""

    def interrupt(file, data):
        os.write(file, data[:10])
        raise KeyboardInterrupt

    path = tmp_path / "000.jsonl"
    with Ledger(path) as ledger:
        ledger.append(HEADER)
        replace_os(monkeypatch, FaultyDisk("write", interrupt))
        with pytest.raises(KeyboardInterrupt):
            ledger.append(FIRST)
        monkeypatch.undo()
        with pytest.raises(LedgerError, match="an earlier write failed"):
            ledger.append(FIRST)

    assert recorded(path) == [HEADER]


LIMITED = """
import resource, sys
from pathlib import Path
from benchmark.storage.ledger import Ledger, LedgerError

resource.setrlimit(resource.RLIMIT_FSIZE, (4000, 4000))
with Ledger(Path(sys.argv[1])) as ledger:
    try:
        for index in range(100):
            ledger.append({"kind": "header", "format": 1, "index": index, "text": "x" * 200})
            print(index, flush=True)
    except LedgerError as error:
        print(error)
"""


def test_a_file_size_limit_is_met_in_good_order(tmp_path):
    """A real limit of the operating system (EFBIG after a short write) leaves whole records only."""
    path = tmp_path / "000.jsonl"
    command = [sys.executable, "-c", LIMITED, str(path)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    *acknowledged, problem = done.stdout.splitlines()
    assert len(acknowledged) > 10
    assert "000.jsonl.part: cannot be written" in problem
    assert partial_path(path).read_bytes().endswith(b"\n")
    assert [record["index"] for record in recorded(path)] == [int(index) for index in acknowledged]
