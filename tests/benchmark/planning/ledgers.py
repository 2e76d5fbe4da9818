"""What the ledgers of a suite's folder say, held against others; and one of them torn."""

import json

from benchmark.result_folder.merge import MEASURED
from benchmark.storage.ledger_format import partial_path, read_ledger


def bare(record):
    """A record without what is measured."""
    return {name: value for name, value in record.items() if name not in (*MEASURED, "crc")}


def results_of(folder):
    """What every complete ledger says but for what is measured, by its name."""
    found = {}
    for path in sorted(folder.glob("runs/*/*/*.jsonl")):
        header, *records = read_ledger(path).records
        found[str(path.relative_to(folder))] = json.dumps([header["run"], header["data"], *map(bare, records)])
    return found


def tree(folder):
    """Every file below a folder but locks, with its bytes."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and not path.name.startswith(".lock")
    }


def cut(path, size):
    """Make an unfinished ledger of a complete one's first bytes."""
    partial_path(path).write_bytes(path.read_bytes()[:size])
    path.unlink()
