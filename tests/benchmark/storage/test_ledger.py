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
