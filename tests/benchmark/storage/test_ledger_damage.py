"""Damaged ledgers: a torn tail is cut and kept aside, everything else is refused."""

import pytest

from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import (
    FORMAT,
    LedgerError,
    encode_record,
    parse_ledger,
    partial_path,
    read_ledger,
    whole_records,
)
from tests.benchmark.records import END, FIRST, HEADER, SECOND, recorded, write

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
