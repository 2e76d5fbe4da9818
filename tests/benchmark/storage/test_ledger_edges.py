"""Ledgers at the edges: complete ones, those that wait for no disk, and files that go away under their writer."""

import errno
import os
import zlib

import pytest

from benchmark.storage import ledger as ledgers
from benchmark.storage import ledger_format
from benchmark.storage.ledger import LOCK_PAUSES, Ledger
from benchmark.storage.ledger_format import (
    FORMAT,
    LedgerError,
    decode_record,
    encode_record,
    failed_path,
    parse_ledger,
    partial_path,
    read_ledger,
)
from tests.benchmark.fakes.failing_disk import replace_os
from tests.benchmark.records import END, FIRST, HEADER, lines_of


class Counting:
    """The `os` module, noting every fsync and write."""

    def __init__(self):
        self.calls = []

    def __getattr__(self, name):
        if name not in ("fsync", "write"):
            return getattr(os, name)

        def call(*arguments):
            self.calls.append(name)
            return getattr(os, name)(*arguments)

        return call


# What is refused.


def test_a_complete_ledger_is_not_opened_again(tmp_path):
    """The message names the file; neither it nor its folder changes."""
    path = tmp_path / "000.jsonl"
    path.write_bytes(lines_of(HEADER, END))

    with pytest.raises(LedgerError) as refused:
        Ledger(path)

    assert str(refused.value).startswith(f"{path}: complete already, nothing is appended to it")
    assert [file.name for file in tmp_path.iterdir()] == ["000.jsonl"]


def test_a_file_renamed_between_opening_and_locking_is_refused(tmp_path, monkeypatch):
    """Another process may complete the run in between; its file is not written, and nothing stays open."""
    path = tmp_path / "000.jsonl"
    partial_path(path).write_bytes(lines_of(HEADER))
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 (numbers, not files)

    def flock(file, operation):
        partial_path(path).rename(path)
        partial_path(path).touch()

    monkeypatch.setattr(ledgers.fcntl, "flock", flock)
    with pytest.raises(LedgerError) as refused:
        Ledger(path)

    assert str(refused.value) == f"{partial_path(path)}: another process has renamed it meanwhile; start again"
    assert path.read_bytes() == lines_of(HEADER)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


def test_a_locked_file_is_tried_for_a_while_and_then_refused(tmp_path, monkeypatch):
    """Every pause is taken once; the message names the file and both remedies."""
    path = tmp_path / "000.jsonl"
    pauses = []
    monkeypatch.setattr(ledgers.time, "sleep", pauses.append)

    with Ledger(path), pytest.raises(LedgerError) as refused:
        Ledger(path)

    assert str(refused.value) == f"{partial_path(path)}: another process is writing it; wait for it or stop it"
    assert tuple(pauses) == LOCK_PAUSES


def test_a_lock_given_up_meanwhile_is_taken(tmp_path, monkeypatch):
    """The worker of a killed driver lets go a moment later."""
    path = tmp_path / "000.jsonl"
    holder = Ledger(path)
    pauses = []

    def sleep(seconds):
        pauses.append(seconds)
        if len(pauses) == 2:
            holder.__exit__(None, None, None)

    monkeypatch.setattr(ledgers.time, "sleep", sleep)
    with Ledger(path) as ledger:
        ledger.append(HEADER)

    assert tuple(pauses) == LOCK_PAUSES[:2]


def test_a_folder_that_vanishes_is_told(tmp_path, monkeypatch):
    """Where not even the free space can be asked for, the message says why."""
    path = tmp_path / "gone" / "000.jsonl"
    ledger = Ledger(path)
    partial_path(path).unlink()
    path.parent.rmdir()

    with ledger, pytest.raises(LedgerError) as refused:
        ledger.complete(END)

    assert str(refused.value).startswith(f"{partial_path(path)}: cannot be written (")
    assert str(refused.value).endswith("; its folder is gone")


def test_a_full_disk_is_told_with_its_free_space(tmp_path, monkeypatch):
    """The message has the system's reason, whole mebibytes and the remedy."""
    path = tmp_path / "000.jsonl"
    usage = type("Usage", (), {"free": 5 * 2**20 + 17})
    monkeypatch.setattr(ledgers.shutil, "disk_usage", lambda folder: usage)

    class Full(Counting):
        def write(self, file, data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with Ledger(path) as ledger:
        replace_os(monkeypatch, Full())
        with pytest.raises(LedgerError) as refused:
            ledger.append(HEADER)
        monkeypatch.undo()

    assert str(refused.value) == (
        f"{partial_path(path)}: cannot be written ([Errno 28] No space left on device); "
        "5 MiB are free there; make room and run the same command"
    )


def test_a_disk_that_takes_nothing_is_no_endless_loop(tmp_path, monkeypatch):
    """Zero bytes written, time and again, are an error of their own."""

    class Stuck(Counting):
        def write(self, file, data):
            return 0

    with Ledger(tmp_path / "000.jsonl") as ledger:
        replace_os(monkeypatch, Stuck())
        with pytest.raises(LedgerError, match=r"cannot be written \(the disk took no bytes\)"):
            ledger.append(HEADER)
        monkeypatch.undo()


def test_nothing_is_written_after_a_failed_write(tmp_path, monkeypatch):
    """The message names the file and how to go on."""

    class Broken(Counting):
        def fsync(self, file):
            raise OSError(errno.EIO, os.strerror(errno.EIO))

    with Ledger(tmp_path / "000.jsonl") as ledger:
        replace_os(monkeypatch, Broken())
        with pytest.raises(LedgerError, match="Input/output error"):
            ledger.append(HEADER)
        monkeypatch.undo()
        with pytest.raises(LedgerError) as refused:
            ledger.append(HEADER)

    assert str(refused.value) == f"{ledger.part}: an earlier write failed; start again to continue the run"
    assert ledger.records == []


@pytest.mark.parametrize(
    "line", [b"", b"{}", b'{"crc":"00000000"}', b'{"a":1,"crc":"0000000"}', b'x,"crc":"00000000"}']
)
def test_what_is_no_line_is_damaged(line):
    """Without the mark, eight digits of the right checksum and the closing brace there is no record."""
    assert decode_record(line, 0) is None


@pytest.mark.parametrize(
    "tail", [b"%08x'}", b'%08x"]', b'%08X"}', b'%09x"}', b'%08x"} ', b'%08x"', b"%08x}", b'%08x0"}', b'%08x""}']
)
def test_the_end_of_a_line_is_exact(tail):
    """The right checksum in another form is damage."""
    body = b'{"a":"\xc3\xbf"}'
    crc = zlib.crc32(body)
    assert f"{crc:08x}" != f"{crc:08X}", "the test needs a letter in it"
    head = body[:-1] + b',"crc":"'

    assert decode_record(head + b'%08x"}' % crc, 0) == ({"a": "\u00ff"}, crc)
    assert decode_record(head + tail % crc, 0) is None


@pytest.mark.parametrize("body", [b'{"a":}', b'{"a":NaN', b'{"a":"\xff"}', b"[" * 100_000 + b"}", b"x}", b"}"])
def test_a_right_checksum_over_what_is_no_record_is_damage(body):
    """Only a forger writes that."""
    line = body[:-1] + b',"crc":"%08x"}' % zlib.crc32(body[:-1] + b"}")

    assert decode_record(line, 0) is None


def test_the_last_mark_is_the_lines_own():
    """A key `crc` further inside, in the form of the line's own, is part of the record."""
    record = {"kind": "evaluation", "value": {"kind": "end", "crc": "00000000"}}
    line, crc = encode_record(record, 7)

    assert decode_record(line[:-1], 7) == (record, crc)


def test_an_empty_first_line_is_damage(tmp_path):
    """A file that begins with a newline is no torn one, which would be cut."""
    with pytest.raises(LedgerError, match=r"line 1 \(byte 0\) is damaged"):
        parse_ledger(tmp_path / "000.jsonl", b"\n" + lines_of(HEADER))


@pytest.mark.parametrize(("header", "number"), [({**HEADER, "format": 7}, "7"), ({"kind": "header"}, "None")])
def test_the_format_found_is_told(tmp_path, header, number):
    """The message has the file, its format and the one that is read."""
    path = tmp_path / "000.jsonl"

    with pytest.raises(LedgerError) as refused:
        parse_ledger(path, lines_of(header, FIRST))

    assert str(refused.value) == f"{path}: format {number} is not {FORMAT}, which this version reads"


def test_the_place_of_damage_is_told(tmp_path):
    """Line and byte are counted over whole lines; the message has both remedies."""
    data = lines_of(HEADER, FIRST)
    path = tmp_path / "000.jsonl"

    with pytest.raises(LedgerError) as refused:
        parse_ledger(path, data + b"junk\n")

    assert str(refused.value) == (
        f"{path}: line 3 (byte {len(data)}) is damaged; restore the file, or {ledger_format.REPAIR}"
    )


def test_a_file_cut_between_records_is_told(tmp_path):
    """A complete ledger without its end names the byte and the remedy."""
    path = tmp_path / "000.jsonl"
    path.write_bytes(lines_of(HEADER, FIRST))

    with pytest.raises(LedgerError) as refused:
        read_ledger(path)

    size = len(lines_of(HEADER, FIRST))
    assert str(refused.value) == f"{path}: cut short at byte {size}; restore the file, or {ledger_format.REPAIR}"


def test_a_part_file_needs_no_end(tmp_path):
    """Unfinished and failed ledgers are read as far as they go, an empty one too."""
    path = tmp_path / "000.jsonl"
    for file in (partial_path(path), failed_path(path)):
        file.write_bytes(lines_of(HEADER, FIRST) + b"torn")
        contents = read_ledger(file)
        assert contents.records == [HEADER, FIRST]
        assert (contents.good, contents.torn) == (len(lines_of(HEADER, FIRST)), b"torn")
        file.write_bytes(b"")
        assert read_ledger(file).records == []


# How it is written.


def test_a_ledger_is_for_its_owner_to_write_and_all_to_read(tmp_path):
    """Whatever else the user's mask would allow."""
    before = os.umask(0)
    try:
        with Ledger(tmp_path / "000.jsonl") as ledger:
            mode = ledger.part.stat().st_mode & 0o777
    finally:
        os.umask(before)

    assert mode == 0o644


def test_every_record_waits_for_the_disk(tmp_path, monkeypatch):
    """One write and one sync each; the folder is synced as the file appears and as it gets its name."""
    counting = Counting()
    replace_os(monkeypatch, counting)
    with Ledger(tmp_path / "000.jsonl") as ledger:
        assert counting.calls == ["fsync"]
        for record in (HEADER, FIRST):
            ledger.append(record)
        assert counting.calls == ["fsync", "write", "fsync", "write", "fsync"]
        ledger.complete(END)

    assert counting.calls == ["fsync", *["write", "fsync"] * 3, "fsync"]


@pytest.mark.parametrize("ending", ["complete", "fail"])
def test_what_need_not_last_is_written_at_once_at_the_end(tmp_path, monkeypatch, ending):
    """One write and no sync; the same bytes as a durable ledger's."""
    counting, path = Counting(), tmp_path / "000.jsonl"
    replace_os(monkeypatch, counting)
    with Ledger(path, durable=False) as ledger:
        ledger.append(HEADER)
        ledger.append(FIRST)
        assert ledger.records == [HEADER, FIRST]
        assert partial_path(path).read_bytes() == b""
        assert counting.calls == []
        getattr(ledger, ending)(END)

    assert counting.calls == ["write"]
    (file,) = tmp_path.iterdir()
    assert file == (path if ending == "complete" else failed_path(path))
    assert file.read_bytes() == lines_of(HEADER, FIRST, END)


def test_what_need_not_last_is_lost_when_it_is_not_ended(tmp_path):
    """An unfinished one stays empty and begins anew."""
    path = tmp_path / "000.jsonl"
    with Ledger(path, durable=False) as ledger:
        ledger.append(HEADER)

    assert partial_path(path).read_bytes() == b""
    with Ledger(path, durable=False) as ledger:
        assert ledger.records == []


def test_a_torn_tail_is_cut_for_good_before_anything_follows(tmp_path, monkeypatch):
    """The cut is synced, whoever opens the file."""
    path = tmp_path / "000.jsonl"
    for durable, expected in ((True, ["fsync", "fsync"]), (False, ["fsync"])):
        partial_path(path).write_bytes(lines_of(HEADER) + b"torn")
        counting = Counting()
        replace_os(monkeypatch, counting)
        with Ledger(path, durable=durable) as ledger:
            assert ledger.records == [HEADER]
        assert counting.calls == expected
    assert partial_path(path).read_bytes() == lines_of(HEADER)
