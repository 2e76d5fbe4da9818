"""Records of a ledger, the bytes and the file that are made of them, and a ledger whose records were changed."""

from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import FORMAT, encode_record, partial_path, read_ledger

HEADER = {"kind": "header", "format": FORMAT, "run": {"repetition": 0}}
FIRST = {"kind": "evaluation", "index": 0, "valid_error": 0.1, "config": {"x": -0.5, "letter": "\u00e9"}}
SECOND = {"kind": "evaluation", "index": 1, "valid_error": None, "valid_curve": [0.25, 1e-300]}
END = {"kind": "end", "reason": "budget", "evaluations": 2}


def lines_of(*records):
    """The bytes of a ledger of these records."""
    lines, crc = b"", 0
    for record in records:
        line, crc = encode_record(record, crc)
        lines += line
    return lines


def write(path, records=(HEADER, FIRST, SECOND), *, complete=False):
    """Write a ledger of these records and return the file's path and bytes."""
    with Ledger(path) as ledger:
        for record in records:
            ledger.append(record)
        if complete:
            ledger.complete(END)
    file = path if complete else partial_path(path)
    return file, file.read_bytes()


def recorded(path):
    """The records that opening an unfinished ledger gives."""
    with Ledger(path) as ledger:
        return ledger.records


def rewrite(path, change):
    """Change the records of a ledger, in place or by returning others, and give every line its right checksum again."""
    records = read_ledger(path).records
    path.write_bytes(lines_of(*(change(records) or records)))


def edit(path, number, **changes):
    """Change a record of a ledger and write all of its checksums anew; None takes a key out."""

    def change(records):
        changed = records[number] | changes
        records[number] = {name: value for name, value in changed.items() if value is not None}

    rewrite(path, change)
