"""The export of a suite: the bytes that have to be equal however it was run, and one checksum over them.

It holds the plan, every ledger and every CSV table that `python -m analysis tables` makes of them under the modelled
clock. Left out is what two runs of one program on one machine measure differently: seconds, the chain of checksums
over them, the date; what a header says of the machine and the number of jobs (decision 20); and of the tables'
folder the sums of measured seconds and the checksums of whole ledgers.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from analysis.__main__ import main as analyse
from benchmark.storage.ledger_format import read_ledger
from benchmark.storage.suite_json import SUITE_JSON

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "crc")
TIMES = ("start", "end")
"""Likewise measured where the suite's clock is."""

OF_THE_MACHINE = ("system", "cpu", "cores", "jobs")
"""What a header may say otherwise: where the run was, and among how many."""

NOT_TABLES = ("timing.json", "provenance.json")
ROOM = 50
"""Characters shown before and after the first difference."""


@dataclass(frozen=True, kw_only=True)
class Export:
    """What must be equal, by the name of its file.

    Attributes:
        files: plan, ledgers and tables; of a ledger one record a line.
    """

    files: Mapping[str, bytes]

    @cached_property
    def sha256(self):
        """One checksum over all names and bytes."""
        hashed = hashlib.sha256()
        for name in sorted(self.files):
            hashed.update(f"{name}\0{len(self.files[name])}\0".encode() + self.files[name])
        return hashed.hexdigest()

    def difference(self, other):
        """Where another export first differs, in words; None if it does not."""
        for name in sorted({*self.files, *other.files}):
            if name not in other.files or name not in self.files:
                return f"{name} is only in the {'first' if name in self.files else 'second'}"
            if self.files[name] != other.files[name]:
                return _difference(name, self.files[name].decode(), other.files[name].decode())
        return None


def export(folder):
    """The export of a suite's folder; its tables are written anew."""
    assert json.loads((folder / SUITE_JSON).read_bytes())["clock"] == "modelled", "measured seconds do not repeat"
    return Export(files={SUITE_JSON: (folder / SUITE_JSON).read_bytes(), **ledgers(folder), **tables(folder)})


def ledgers(folder):
    """All ledgers of a suite's folder, unfinished and failed ones too, but for what is measured or of the machine."""
    paths = sorted(path for path in folder.glob("runs/*/*/*.jsonl*") if ".torn-" not in path.name)
    return {path.relative_to(folder).as_posix(): _bare(read_ledger(path).records) for path in paths}


def tables(folder):
    """All tables of a suite's folder, made now."""
    shutil.rmtree(folder / "tables", ignore_errors=True)
    assert analyse(["tables", folder.name, "--results", str(folder.parent), "--quiet"]) == 0
    paths = [path for path in (folder / "tables").iterdir() if path.name not in NOT_TABLES]
    return {f"tables/{path.name}": path.read_bytes() for path in paths}


def _bare(records):
    header, *others = records
    left_out = {*MEASURED, *(TIMES if header["run"]["clock"] == "measured" else ())}
    environment = {key: value for key, value in header["environment"].items() if key not in OF_THE_MACHINE}
    header = {key: value for key, value in header.items() if key not in ("created", "crc")}
    bare = [{key: value for key, value in record.items() if key not in left_out} for record in others]
    return "".join(json.dumps(record) + "\n" for record in [{**header, "environment": environment}, *bare]).encode()


def _difference(name, first, second):
    """`tables/trials.csv, line 3, character 40: '...0.25,ok' and '...0.26,ok'`."""
    pairs = zip([*first.split("\n"), ""], [*second.split("\n"), ""], strict=False)
    number, (one, two) = next(found for found in enumerate(pairs, 1) if found[1][0] != found[1][1])
    place = next((at for at, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), min(len(one), len(two)))
    around = slice(max(0, place - ROOM), place + ROOM)
    return f"{name}, line {number}, character {place + 1}: {one[around]!r} and {two[around]!r}"
