"""The ledger: what was acknowledged is there, bit for bit, whatever tears, flips, fills up or dies."""

import json
import math
import os
import random
import signal
import struct
import subprocess
import sys
import time

import numpy as np
import pytest

from benchmark.storage import ledger as ledgers
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import (
    FORMAT,
    LARGEST_RECORD,
    LedgerError,
    encode_record,
    failed_path,
    parse_ledger,
    partial_path,
    read_ledger,
    whole_records,
)
from tests import ROOT
from tests.benchmark.records import END, FIRST, HEADER, SECOND, recorded, write

KILLS = int(os.environ.get("INCUMBENT_KILLS", "20"))
KILLS_A_LEDGER = 50
"""A writer reads its ledger first: one of thousands of records would take most of the time."""


# What goes in comes out.


def test_every_float_comes_back_bit_for_bit(tmp_path):
    """Random float64 bit patterns, denormals, -0.0 and the greatest double survive exactly."""
    patterns = np.random.default_rng(0).integers(0, 2**64, 20_000, dtype=np.uint64)
    numbers = [value for value in patterns.view(np.float64).tolist() if math.isfinite(value)]
    numbers += [-0.0, 0.0, 5e-324, -5e-324, sys.float_info.max, sys.float_info.min, 0.1, 1 / 3]
    chunks = [numbers[first : first + 5000] for first in range(0, len(numbers), 5000)]

    write(tmp_path / "a.jsonl", [HEADER, *({"kind": "evaluation", "values": chunk} for chunk in chunks)])

    back = [value for record in recorded(tmp_path / "a.jsonl")[1:] for value in record["values"]]
    assert [struct.pack("<d", value) for value in back] == [struct.pack("<d", value) for value in numbers]


@pytest.mark.parametrize(
    "value",
    [
        "\u00e9 \u20ac \U0001f600 \u2028 \x00 \x7f",
        'quotes " and \\ and \n newlines \r\n',
        "\ud800",
        '"},"crc":"00000000"}',
        {"crc": "0", "kind": "end"},
        {"a": {"b": [{"c": [None, True, False, -(2**63), 2**200]}]}, "": []},
        [[[[]]], {}],
    ],
    ids=["unicode", "quotes", "surrogate", "imitation", "inner-crc", "nested", "empty"],
)
def test_texts_and_nests_come_back(tmp_path, value):
    """Unicode, control characters, imitations of a checksum and nested values survive."""
    record = {"kind": "evaluation", "value": value}
    write(tmp_path / "a.jsonl", [HEADER, record, SECOND])

    assert recorded(tmp_path / "a.jsonl") == [HEADER, record, SECOND]


@pytest.mark.parametrize("sign", [1, -1])
def test_whole_numbers_of_any_size_come_back_as_whole_numbers(tmp_path, sign):
    """Around 64 bits and far beyond, wherever they stand, and beside floats of as many digits."""
    sizes = [10**18 - 1, 10**18, 10**19, 2**63 - 1, 2**63, 2**64 - 1, 2**64, 2**64 + 1, 2**200]
    numbers = [sign * size for size in sizes]
    records = [{"kind": "evaluation", "n": n, "list": [n, n, -1e19 * sign, float(n)], "text": f":{n}"} for n in numbers]
    write(tmp_path / "a.jsonl", [HEADER, *records])

    back = recorded(tmp_path / "a.jsonl")[1:]

    assert back == records
    assert [[type(value) for value in (r["n"], *r["list"])] for r in back] == [[int, int, int, float, float]] * 9


def test_records_are_what_the_standard_library_reads(tmp_path):
    """Random nests of texts, floats, whole numbers and constants: same values, same types, same order of keys."""
    rng = random.Random(3)

    def drawn(depth=0):
        kind = rng.randrange(6 if depth < 4 else 4)
        if kind == 0:
            return rng.randrange(-(2 ** rng.randrange(1, 80)), 2 ** rng.randrange(1, 80))
        if kind == 1:
            value = struct.unpack("<d", rng.randbytes(8))[0]
            return value if math.isfinite(value) else -0.0
        if kind == 2:
            return "".join(chr(rng.randrange(rng.choice([0x80, 0x110000]))) for _ in range(rng.randrange(6)))
        if kind == 3:
            return rng.choice([True, False, None, 1e16, 1e22, 5e-324, 1e-7])
        parts = [drawn(depth + 1) for _ in range(rng.randrange(5))]
        return parts if kind == 4 else {f"{rng.randrange(9)}\u00e9": part for part in parts}

    records = [{"kind": "evaluation", "values": [drawn() for _ in range(100)]} for _ in range(40)]
    part, data = write(tmp_path / "a.jsonl", [HEADER, *records])

    found = parse_ledger(part, data).records[1:]

    bare = [line.rpartition(b',"crc"')[0] + b"}" for line in data.splitlines()[1:]]
    assert repr(found) == repr([json.loads(line) for line in bare]) == repr(records)


def test_the_names_of_fields_are_held_once(tmp_path):
    """Records share the texts of their keys, a third of a large ledger's memory otherwise."""
    write(tmp_path / "a.jsonl")

    header, first, second = recorded(tmp_path / "a.jsonl")

    assert [key for key in first if key in second] == ["kind", "index", "valid_error"]
    keys = {key: key for key in header} | {key: key for key in first}
    assert all(keys[key] is key for key in second if key in first)


def test_a_line_is_json_with_a_chained_checksum(tmp_path):
    """Each line is one JSON object whose last key continues the checksum of the line before."""
    _, data = write(tmp_path / "a.jsonl")

    lines = data.splitlines()
    crc = 0
    for line, record in zip(lines, (HEADER, FIRST, SECOND), strict=True):
        expected, crc = encode_record(record, crc)
        assert line + b"\n" == expected
        assert json.loads(line) == {**record, "crc": f"{crc:08x}"}
        assert list(json.loads(line))[-1] == "crc"


def test_appending_after_reopening_goes_on_with_the_chain(tmp_path):
    """A ledger written by several processes in turn is the one that a single process writes."""
    _, unbroken = write(tmp_path / "one.jsonl", complete=True)
    for record in (HEADER, FIRST, SECOND):
        with Ledger(tmp_path / "many.jsonl") as ledger:
            ledger.append(record)
    with Ledger(tmp_path / "many.jsonl") as ledger:
        ledger.complete(END)

    assert (tmp_path / "many.jsonl").read_bytes() == unbroken


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, np.float32(1), {1}, object(), b"x"])
def test_what_json_cannot_hold_is_refused(tmp_path, value):
    """NaN, infinities and foreign types are refused with the file's name, and nothing is written."""
    with Ledger(tmp_path / "a.jsonl") as ledger:
        ledger.append(HEADER)
        before = partial_path(tmp_path / "a.jsonl").read_bytes()

        with pytest.raises(LedgerError, match=r"a\.jsonl\.part: record cannot be written as JSON"):
            ledger.append({"kind": "evaluation", "value": value})

        assert partial_path(tmp_path / "a.jsonl").read_bytes() == before
        ledger.append(FIRST)
    assert recorded(tmp_path / "a.jsonl") == [HEADER, FIRST]


def test_a_huge_record_is_refused(tmp_path):
    """A record of more than a megabyte is refused with its size; one of a megabyte is not."""
    frame = len(json.dumps({"kind": "evaluation", "text": ""}, separators=(",", ":")))
    fits = {"kind": "evaluation", "text": "x" * (LARGEST_RECORD - frame)}
    with Ledger(tmp_path / "a.jsonl") as ledger:
        ledger.append(HEADER)
        ledger.append(fits)

        with pytest.raises(LedgerError, match=r"a\.jsonl\.part: record of 1000001 bytes: at most 1000000"):
            ledger.append({**fits, "text": fits["text"] + "x"})
    assert recorded(tmp_path / "a.jsonl") == [HEADER, fits]


# Names.


def test_completing_renames(tmp_path):
    """The end record is appended and the part file becomes the complete one."""
    path, _ = write(tmp_path / "runs" / "deep" / "000.jsonl", complete=True)

    assert read_ledger(path).records == [HEADER, FIRST, SECOND, END]
    assert [file.name for file in path.parent.iterdir()] == ["000.jsonl"]


def test_a_failed_ledger_is_reopened_as_part(tmp_path):
    """A failure sets the file aside; opening takes it up again with everything in it."""
    path = tmp_path / "000.jsonl"
    failure = {"kind": "failure", "error": "out of ideas"}
    with Ledger(path) as ledger:
        ledger.append(HEADER)
        ledger.fail(failure)
    assert [file.name for file in tmp_path.iterdir()] == ["000.jsonl.failed"]
    assert read_ledger(failed_path(path)).records == [HEADER, failure]

    with Ledger(path) as ledger:
        assert ledger.records == [HEADER, failure]
        ledger.append(FIRST)
        ledger.complete(END)

    assert [file.name for file in tmp_path.iterdir()] == ["000.jsonl"]
    assert read_ledger(path).records == [HEADER, failure, FIRST, END]


@pytest.mark.parametrize("ending", ["complete", "fail"])
def test_nothing_follows_the_last_record(tmp_path, ending):
    """After the end or a failure the same object appends no more."""
    path = tmp_path / "000.jsonl"
    with Ledger(path) as ledger:
        ledger.append(HEADER)
        getattr(ledger, ending)({"kind": "end"})
        (file,) = tmp_path.iterdir()
        before = file.read_bytes()

        with pytest.raises(LedgerError, match="start again"):
            ledger.append(FIRST)

    assert file.read_bytes() == before


# Torn tails.


@pytest.mark.parametrize("whole", [0, 1, 2], ids=["header", "second", "last"])
def test_a_tail_torn_at_every_byte_is_cut_and_kept_aside(tmp_path, whole):
    """Wherever the last line is torn: earlier records stay, its bytes are kept, appending works."""
    records = [HEADER, FIRST, SECOND]
    _, data = write(tmp_path / "source.jsonl", records[: whole + 1])
    start = len(b"".join(data.splitlines(keepends=True)[:whole]))
    for cut in range(start, len(data)):
        path = tmp_path / f"{cut}" / "000.jsonl"
        path.parent.mkdir()
        partial_path(path).write_bytes(data[:cut])

        with Ledger(path) as ledger:
            assert ledger.records == records[:whole]
            assert partial_path(path).read_bytes() == data[:start]
            ledger.append(records[whole])

        assert partial_path(path).read_bytes() == data
        aside = path.parent / "000.jsonl.part.torn-1"
        assert (aside.read_bytes() if aside.exists() else b"") == data[start:cut]
        assert recorded(path) == records[: whole + 1]


def test_every_torn_tail_has_a_file_of_its_own(tmp_path):
    """Bytes kept aside are never overwritten by those of a later tear."""
    path = tmp_path / "000.jsonl"
    _, data = write(path)
    for number, torn in enumerate([b'{"kind":', b"\0" * 512, b"x"], start=1):
        partial_path(path).write_bytes(data + torn)

        assert recorded(path) == [HEADER, FIRST, SECOND]

        assert (tmp_path / f"000.jsonl.part.torn-{number}").read_bytes() == torn
    assert partial_path(path).read_bytes() == data


def test_a_complete_file_cut_anywhere_is_refused(tmp_path):
    """A complete ledger that lost bytes at its end is never taken for a shorter one."""
    path, data = write(tmp_path / "000.jsonl", complete=True)
    for cut in range(len(data)):
        path.write_bytes(data[:cut])

        with pytest.raises(LedgerError, match=r"000\.jsonl: .*benchmark repair"):
            read_ledger(path)


# Damage.


def flips(data):
    """The data with every single bit flipped, one after the other."""
    for place in range(len(data)):
        for bit in range(8):
            yield place, data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]


def test_no_flipped_bit_of_a_complete_file_is_accepted(tmp_path):
    """Every single-bit flip of a complete ledger is refused, naming file and remedy."""
    path, data = write(tmp_path / "000.jsonl", complete=True)
    for place, damaged in flips(data):
        path.write_bytes(damaged)
        with pytest.raises(LedgerError, match=r"000\.jsonl: .*benchmark repair"):
            pytest.fail(f"a flip in byte {place} gave {read_ledger(path).records}")


def test_no_flipped_bit_of_a_part_file_gives_wrong_data(tmp_path):
    """Every single-bit flip of an unfinished ledger is refused, or cut as a torn tail."""
    path = tmp_path / "000.jsonl"
    part, data = write(path)
    refused = cut = 0
    for _, damaged in flips(data):
        try:
            records = parse_ledger(part, damaged).records
        except LedgerError:
            refused += 1
        else:
            cut += 1
            assert records == [HEADER, FIRST]
    assert (refused, cut) == (8 * (len(data) - 1), 8)


def test_damage_is_refused_without_touching_the_file(tmp_path):
    """Opening a damaged ledger names line and byte, and leaves the evidence as it is."""
    path = tmp_path / "000.jsonl"
    part, data = write(path)
    lines = data.splitlines(keepends=True)
    damaged = lines[0] + lines[1].replace(b"0.1", b"0.2") + lines[2]
    part.write_bytes(damaged)

    with pytest.raises(LedgerError, match=rf"000\.jsonl\.part: line 2 \(byte {len(lines[0])}\) is damaged; restore"):
        Ledger(path)

    assert part.read_bytes() == damaged
    assert [file.name for file in tmp_path.iterdir()] == ["000.jsonl.part"]


@pytest.mark.parametrize(
    "order",
    ["1023", "0213", "0132", "123", "023", "013", "012", "00123", "01123", "01223", "01233", "01230123", "3", ""],
)
def test_exchanged_lost_and_repeated_lines_are_refused(tmp_path, order):
    """Whole lines that were exchanged, dropped or duplicated break the chain."""
    path, data = write(tmp_path / "000.jsonl", complete=True)
    lines = data.splitlines(keepends=True)
    path.write_bytes(b"".join(lines[place] for place in map(int, order)))

    with pytest.raises(LedgerError, match=r"000\.jsonl"):
        read_ledger(path)


def test_a_line_of_another_ledger_is_refused(tmp_path):
    """A line that is whole but was written into another file breaks the chain."""
    path, data = write(tmp_path / "a.jsonl", complete=True)
    _, other = write(tmp_path / "b.jsonl", [{**HEADER, "run": {"repetition": 1}}, FIRST, SECOND], complete=True)
    lines, others = data.splitlines(keepends=True), other.splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], others[1], *lines[2:]]))

    with pytest.raises(LedgerError, match="line 2"):
        read_ledger(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data.replace(b"\n", b"\r\n"),
        lambda data: b"\xef\xbb\xbf" + data,
        lambda data: b"\n" + data,
        lambda data: data.replace(b"\n", b"\n\n", 1),
        lambda data: data + b"\n",
        lambda data: data.decode().encode("utf-16"),
        lambda data: b"\0" * len(data),
        lambda data: data[:100] + b"\0" * (len(data) - 100),
    ],
    ids=["crlf", "bom", "empty-first", "empty-line", "empty-last", "utf-16", "zeros", "zero-tail"],
)
def test_what_editors_and_power_losses_do_is_refused(tmp_path, change):
    """Other line ends, byte order marks, empty lines and zeroed blocks are damage."""
    path, data = write(tmp_path / "000.jsonl", complete=True)
    path.write_bytes(change(data))

    with pytest.raises(LedgerError, match=r"000\.jsonl"):
        read_ledger(path)


def test_what_follows_the_end_is_damage(tmp_path):
    """A second end record, rightly chained, as an earlier version wrote it after such a failure."""
    path, _ = write(tmp_path / "000.jsonl", complete=True)
    whole = path.read_bytes()
    line, _ = encode_record(END, parse_ledger(path, whole).crc)
    path.write_bytes(whole + line)

    with pytest.raises(LedgerError, match=rf"line 5 \(byte {len(whole)}\) is damaged.*benchmark repair"):
        read_ledger(path)
    assert whole_records(path.read_bytes()).good == len(whole)


@pytest.mark.parametrize("header", [{**HEADER, "format": FORMAT + 1}, {"kind": "header"}, FIRST])
def test_an_unknown_format_is_refused(tmp_path, header):
    """A newer format, or a first record that is no header, is refused by its format."""
    path, _ = write(tmp_path / "000.jsonl", [header], complete=True)

    with pytest.raises(LedgerError, match=rf"000\.jsonl: format .* is not {FORMAT}, which this version reads"):
        read_ledger(path)


def test_a_file_that_is_not_there_or_no_file_is_an_error_with_its_name(tmp_path):
    """Reading a missing file or a folder names it."""
    (tmp_path / "folder.jsonl").mkdir()

    for name in ("none.jsonl", "folder.jsonl"):
        with pytest.raises(LedgerError, match=f"{name}: cannot be read"):
            read_ledger(tmp_path / name)


# One writer.


def test_a_second_writer_is_refused_at_once(tmp_path):
    """While a process has a ledger open, another process and another object are refused."""
    path = tmp_path / "000.jsonl"
    program = (
        "import sys; from pathlib import Path; from benchmark.storage.ledger import Ledger, LedgerError\n"
        "try: Ledger(Path(sys.argv[1]))\n"
        "except LedgerError as error: print(error)\n"
    )
    command = [sys.executable, "-c", program, str(path)]
    with Ledger(path) as ledger:
        ledger.append(HEADER)
        refused = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
        with pytest.raises(LedgerError, match="another process is writing it"):
            Ledger(path)
        ledger.append(FIRST)

    free = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)

    assert "000.jsonl.part: another process is writing it" in refused.stdout
    assert free.stdout == ""
    assert recorded(path) == [HEADER, FIRST]


def test_a_file_renamed_while_waiting_for_the_lock_is_refused(tmp_path, monkeypatch):
    """Who opened the part file just before its writer completed it does not append to the complete file."""
    path = tmp_path / "000.jsonl"
    _, data = write(path)
    flock = ledgers.fcntl.flock

    def complete_first(file, operation):
        partial_path(path).rename(path)
        flock(file, operation)

    monkeypatch.setattr(ledgers.fcntl, "flock", complete_first)

    with pytest.raises(LedgerError, match=r"000\.jsonl\.part"):
        Ledger(path)

    assert path.read_bytes() == data


# A writer that is killed.

APPENDING = """
import sys
from pathlib import Path
from benchmark.storage.ledger import Ledger

with Ledger(Path(sys.argv[1])) as ledger:
    if not ledger.records:
        ledger.append({"kind": "header", "format": 1})
    print("open", flush=True)
    while True:
        index = len(ledger.records)
        ledger.append({"kind": "evaluation", "index": index, "text": "x" * (index % 50) * 40})
        print(index, flush=True)
"""


def kill_writer(path, rng):
    """Let a process append to a ledger and kill it at some moment; the last index that it acknowledged, -1: none."""
    command = [sys.executable, "-c", APPENDING, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout.readline() == "open\n"
        told = [int(child.stdout.readline()) for _ in range(rng.randrange(20))]
        time.sleep(rng.uniform(0, 0.005))
        child.send_signal(signal.SIGKILL)
        told += [int(line) for line in child.stdout.read().split("\n")[:-1]]
    return max(told, default=-1)


def appended(count):
    """The records that the process has appended when the ledger holds so many."""
    header = {"kind": "header", "format": FORMAT}
    return [header, *({"kind": "evaluation", "index": i, "text": "x" * (i % 50) * 40} for i in range(1, count))]


def test_kill_9_at_random_moments_loses_no_acknowledged_record(tmp_path):
    """After every kill all acknowledged records are there, once, in order and as they were written."""
    rng = random.Random(5)
    acknowledged = {}
    for number in range(KILLS):
        path = tmp_path / f"{number // KILLS_A_LEDGER:03d}.jsonl"
        acknowledged[path] = max(acknowledged.get(path, 0), kill_writer(path, rng))

        records = recorded(path)

        assert len(records) > acknowledged[path]
        assert records == appended(len(records))
    assert sum(acknowledged.values()) > 5 * KILLS
