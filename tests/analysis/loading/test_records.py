"""Reading records: what is whole is read, what is damaged is refused, what is unfinished is left out."""

import json
import math
import zlib
from pathlib import Path

import pytest

from analysis.loading.records import read
from benchmark.errors import BadInput

HEADER = {"kind": "header", "format": 1, "run": {}, "data": {}, "environment": {}, "created": "now"}
PATH = Path("003.jsonl")


@pytest.fixture
def records(planted_evaluation):
    """A small complete run: two evaluations, the second crashed."""
    evaluations = [planted_evaluation(0, 0.25, 0.5, 1.0), planted_evaluation(1, None, None, 2.5)]
    return [HEADER, *evaluations, {"kind": "end", "reason": "budget", "evaluations": 2}]


def test_read_returns_all_records(records, planted_ledger):
    """A whole ledger gives back every record that was written."""
    assert read(PATH, planted_ledger(records), complete=True) == records


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_a_flipped_byte_of_a_complete_ledger_is_refused(records, planted_ledger, mask):
    """Whichever byte of a complete ledger changes, nothing of it is accepted."""
    data = planted_ledger(records)
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= mask
        with pytest.raises(BadInput, match=r"^003\.jsonl: line \d+ \(byte \d+\): .*restore the file"):
            read(PATH, bytes(flipped), complete=True)


@pytest.mark.parametrize("mask", [0x01, 0x20, 0x80])
def test_a_flipped_byte_of_a_part_never_gives_wrong_records(records, planted_ledger, mask):
    """A changed byte of an unfinished ledger is refused, or makes its last line not yet a record."""
    data = planted_ledger(records[:-1])
    ignored = 0
    for place in range(len(data)):
        flipped = bytearray(data)
        flipped[place] ^= mask
        try:
            kept = read(PATH, bytes(flipped), complete=False)
        except BadInput:
            continue
        ignored += 1
        assert kept == records[:-2]
    assert ignored == 1


def test_a_truncated_ledger_is_refused_unless_unfinished(records, planted_ledger):
    """Cut anywhere, a complete ledger is refused; an unfinished one gives the whole lines before the cut."""
    data = planted_ledger(records)
    for size in range(len(data)):
        with pytest.raises(BadInput, match=r"the header is missing|the end of the run is missing|it is cut short"):
            read(PATH, data[:size], complete=True)
        assert read(PATH, data[:size], complete=False) == records[: data[:size].count(b"\n")]


@pytest.mark.parametrize(
    "rearrange",
    [
        lambda lines: [lines[0], lines[2], lines[1], lines[3]],
        lambda lines: [lines[0], lines[1], lines[1], *lines[2:]],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [lines[0], b"\n", *lines[1:]],
        lambda lines: lines[1:],
    ],
    ids=["exchanged", "twice", "lost", "blank", "no-header"],
)
def test_lost_and_exchanged_lines_are_refused(records, planted_ledger, rearrange):
    """The chain of checksums finds lines that are whole but not where they were written."""
    lines = planted_ledger(records).splitlines(keepends=True)
    with pytest.raises(BadInput):
        read(PATH, b"".join(rearrange(lines)), complete=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"valid_error": None}, "valid_error = None does not go with state = 'ok'"),
        ({"state": "crashed"}, "valid_error = 0.25 does not go with state = 'crashed'"),
        ({"state": "lost"}, "state = 'lost' is not allowed"),
        ({"epochs": 1, "start_epoch": 3}, "epochs = 1 is less than start_epoch = 3"),
        ({"start": 2.0}, "start = 2.0 and end = 1.0 are out of order"),
        ({"end": True}, "end = True is not allowed"),
        ({"trial": -1}, "trial = -1 is not allowed"),
        ({"index": 1}, "index = 1 is there twice"),
        ({"kind": "guess"}, "kind = 'guess' is unknown in format 1"),
        ({"train_seconds": -0.5}, "train_seconds = -0.5 is not allowed"),
        ({"train_seconds": 10**400}, "train_seconds = 1000"),
        ({"paid_seconds": -0.5}, "paid_seconds = -0.5 is not allowed"),
        ({"paid_seconds": None}, "paid_seconds = None is not allowed"),
        ({"paid_seconds": "0.5"}, "paid_seconds = '0.5' is not allowed"),
        ({"paid_seconds": False}, "paid_seconds = False is not allowed"),
        ({"paid_seconds": math.nan}, "it holds NaN"),
        ({"modelled_seconds": -1e-9}, "modelled_seconds = -1e-09 is not allowed"),
        ({"modelled_seconds": "fast"}, "modelled_seconds = 'fast' is not allowed"),
        ({"modelled_seconds": [1.0]}, "modelled_seconds = [1.0] is not allowed"),
        ({"modelled_seconds": math.nan}, "it holds NaN"),
        ({"modelled_seconds": math.inf}, "it holds Infinity"),
        ({"valid_error": math.inf}, "it holds Infinity"),
        ({"valid_error": math.nan}, "it holds NaN"),
    ],
)
def test_impossible_values_are_refused(records, planted_ledger, change, message):
    """A line with a right checksum and a value that cannot be is refused, with the value named."""
    records[1] = records[1] | change
    with pytest.raises(BadInput) as refusal:
        read(PATH, planted_ledger(records), complete=True)
    assert message in str(refusal.value)


def test_a_missing_field_is_refused(records, planted_ledger):
    """An evaluation without its end is refused by name."""
    del records[1]["end"]
    with pytest.raises(BadInput, match=r"line 2 \(byte \d+\): end is missing"):
        read(PATH, planted_ledger(records), complete=True)


def test_an_unknown_format_is_refused_with_both_numbers(records, planted_ledger):
    """A ledger of a later format is refused, naming its format and ours."""
    records[0] = HEADER | {"format": 2}
    with pytest.raises(BadInput, match="format = 2, but this version reads 1 only"):
        read(PATH, planted_ledger(records), complete=True)


def test_the_end_must_tell_the_number_of_evaluations(records, planted_ledger):
    """A complete ledger whose end counts otherwise has lost something."""
    records[-1] = {"kind": "end", "reason": "budget", "evaluations": 3}
    with pytest.raises(BadInput, match="tells of 3 evaluations, but there are 2"):
        read(PATH, planted_ledger(records), complete=True)


def test_a_line_that_is_not_json_is_refused_with_its_place(planted_ledger, records):
    """A right checksum over something that is no JSON object does not help it."""
    first = planted_ledger(records[:1])
    crc = zlib.crc32(b"[1}", zlib.crc32(json.dumps(HEADER, separators=(",", ":")).encode()))
    line = b'[1,"crc":"%08x"}\n' % crc
    with pytest.raises(BadInput, match=rf"line 2 \(byte {len(first)}\): it is not JSON"):
        read(PATH, first + line, complete=False)


def test_resumed_and_failure_lines_are_passed_over(records, planted_ledger):
    """A run that failed, was resumed elsewhere and then completed is as good as another."""
    marks = [{"kind": "failure", "error": "?", "traceback": ""}, {"kind": "resumed", "environment": {}}]
    data = planted_ledger([*records[:2], *marks, *records[2:]])
    assert len(read(PATH, data, complete=True)) == len(records) + 2
