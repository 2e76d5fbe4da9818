"""Reading ledgers: what is whole is read, what is damaged is refused, what is unfinished is left out."""

import json
import math
import zlib
from pathlib import Path

import numpy as np
import pytest

from analysis.ledgers import find, read, unplanned
from analysis.refusal import BadInput

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
    ("change", "told"),
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
def test_impossible_values_are_refused(records, planted_ledger, change, told):
    """A line with a right checksum and a value that cannot be is refused, with the value named."""
    records[1] = records[1] | change
    with pytest.raises(BadInput) as refusal:
        read(PATH, planted_ledger(records), complete=True)
    assert told in str(refusal.value)


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


@pytest.mark.parametrize("state", ["done", "partial", "failed"])
def test_the_name_of_the_file_tells_the_state(suite, state):
    """`.jsonl`, `.jsonl.part` and `.jsonl.failed` are a done, a partial and a failed run."""
    suite.run([(0.5, 0.5, 1.0)], state=state)
    ledger = find(suite.folder, "bowl", "random", 0)
    assert (ledger.state, len(ledger.evaluations["end"])) == (state, 1)
    assert find(suite.folder, "bowl", "random", 1).state == "missing"


def test_evaluations_come_in_the_order_of_completion(suite, planted_evaluation):
    """Several workers complete in another order than they start; ties go to the smaller index."""
    ends = [3.0, 1.0, 2.0, 1.0]
    suite.run([planted_evaluation(index, 0.5, 0.5, end) for index, end in enumerate(ends)])
    evaluations = find(suite.folder, "bowl", "random", 0).evaluations
    assert evaluations["index"].tolist() == [1, 3, 2, 0]


def test_a_ledger_in_the_place_of_another_run_is_refused(suite):
    """A ledger that was renamed to another repetition is refused by what its header says."""
    path = suite.run([(0.5, 0.5, 1.0)], 0)
    path.rename(path.with_name("001.jsonl"))
    with pytest.raises(BadInput, match="it belongs to repetition 0, not 1"):
        find(suite.folder, "bowl", "random", 1)


def test_an_empty_part_is_a_partial_run(suite):
    """A run that was killed before its first line was whole is partial, with no evaluation."""
    path = suite.run([], state="partial")
    for data in (b"", path.read_bytes()[:7]):
        path.write_bytes(data)
        assert find(suite.folder, "bowl", "random", 0).state == "partial"


def test_a_ledger_from_before_prices_paid_for_all_of_its_training(suite, planted_evaluation):
    """Without the later fields the price is unknown and the training paid; with them they arrive as written."""
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, train_seconds=0.75)], 0)
    shared = {"train_seconds": 0.75, "modelled_seconds": 2.0, "paid_seconds": 0.0}
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, **shared)], 1)
    suite.run([planted_evaluation(0, 0.5, 0.5, 1.0, **shared | {"modelled_seconds": None})], 2)
    read_back = [find(suite.folder, "bowl", "random", repetition).evaluations for repetition in range(3)]
    prices = [[ledger[name][0] for name in ("modelled_seconds", "paid_seconds")] for ledger in read_back]
    np.testing.assert_array_equal(prices, [(math.nan, 0.75), (2.0, 0.0), (math.nan, 0.0)])


def test_resumed_and_failure_lines_are_passed_over(records, planted_ledger):
    """A run that failed, was resumed elsewhere and then completed is as good as another."""
    marks = [{"kind": "failure", "error": "?", "traceback": ""}, {"kind": "resumed", "environment": {}}]
    data = planted_ledger([*records[:2], *marks, *records[2:]])
    assert len(read(PATH, data, complete=True)) == len(records) + 2


def test_unplanned_finds_ledgers_outside_the_plan_only(suite):
    """Ledgers of former algorithms and repetitions are found; locks and torn tails are no ledgers."""
    planned = suite.run([(0.5, 0.5, 1.0)], 0)
    for name in ("000.jsonl.lock", "000.jsonl.part.torn-1", ".lock"):
        planned.with_name(name).write_bytes(b"")
    former = suite.run([(0.5, 0.5, 1.0)], 7, state="failed")
    other = suite.run([(0.5, 0.5, 1.0)], 0, algorithm="old")
    assert unplanned(suite.folder, {("bowl", "random", "000")}) == [other, former]
