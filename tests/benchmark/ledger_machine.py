"""One ledger through starts, records, kills, power losses, tears, full disks and flips, held against a model."""

import errno
import math
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from benchmark.storage import atomic_write
from benchmark.storage import ledger as ledgers
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import FORMAT, LedgerError, encode_record, parse_ledger, partial_path, read_ledger
from tests.benchmark.fakes.failing_disk import raise_os_error, write_half
from tests.benchmark.fakes.power_loss_disk import PowerLossDisk

HEADER = {"kind": "header", "format": FORMAT}
END = {"kind": "end", "reason": "budget", "evaluations": 0}


class LedgerMachine(RuleBasedStateMachine):
    """One ledger on a disk that loses unsynced bytes; the model is the list of acknowledged records."""

    def __init__(self):
        super().__init__()
        self.scratch = tempfile.TemporaryDirectory()
        self.path = Path(self.scratch.name, "000.jsonl")
        self.disk = PowerLossDisk(self.path.parent)
        ledgers.os = atomic_write.os = self.disk
        self.ledger, self.acknowledged, self.tried, self.done = None, [], 0, False

    def teardown(self):
        if self.ledger is not None:
            self.ledger.__exit__(None, None, None)
        ledgers.os = atomic_write.os = os
        self.scratch.cleanup()

    @property
    def closed(self):
        """Whether nobody writes, and there is more to write."""
        return self.ledger is None and not self.done

    def next_record(self):
        """A record that no other is equal to."""
        self.tried += 1
        return {"kind": "evaluation", "index": self.tried, "text": "x" * (self.tried % 7)}

    @precondition(lambda self: self.closed)
    @rule()
    def start(self):
        """Opening gives every acknowledged record, and one at most that was not."""
        self.ledger = Ledger(self.path)
        found = self.ledger.records
        assert found[: len(self.acknowledged)] == self.acknowledged
        assert len(found) - len(self.acknowledged) <= 1
        if not found:
            self.ledger.append(HEADER)
            self.acknowledged = [HEADER]

    @precondition(lambda self: self.ledger is not None)
    @rule()
    def record(self):
        """An appended record is acknowledged, and with it all before."""
        self.ledger.append(self.next_record())
        self.acknowledged = list(self.ledger.records)

    @precondition(lambda self: self.ledger is not None)
    @rule()
    def open_twice(self):
        """A second writer is refused, and does no harm."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ledgers, "LOCK_PAUSES", ())
            with pytest.raises(LedgerError, match="another process is writing it"):
                Ledger(self.path)

    @precondition(lambda self: self.ledger is not None)
    @rule()
    def kill(self):
        """The process dies between two records."""
        os.close(self.ledger._file)
        self.ledger = None

    @precondition(lambda self: self.ledger is not None)
    @rule(fraction=st.floats(0, 1))
    def kill_within(self, fraction):
        """The process dies in the middle of a line, or before the line was synced."""
        line, _ = encode_record(self.next_record(), self.ledger._crc)
        os.write(self.ledger._file, line[: math.ceil(fraction * len(line))])
        self.kill()

    @precondition(lambda self: self.ledger is not None)
    @rule(fault=st.sampled_from(["full", "half", "unsynced"]))
    def fill(self, fault):
        """The disk fails: an error with path and remedy, and this object writes no more."""
        call, action = (
            ("fsync", raise_os_error(errno.EIO)) if fault == "unsynced" else ("write", raise_os_error(errno.ENOSPC))
        )
        if fault == "half":
            action = write_half
        real = getattr(self.disk, call)
        setattr(self.disk, call, lambda *arguments: action(real, *arguments))
        try:
            with pytest.raises(LedgerError, match=r"000\.jsonl\.part: cannot be written .* MiB are free"):
                self.ledger.append(self.next_record())
        finally:
            delattr(self.disk, call)
        with pytest.raises(LedgerError, match="an earlier write failed"):
            self.ledger.append(self.next_record())
        self.ledger.__exit__(None, None, None)
        self.ledger = None

    @precondition(lambda self: self.ledger is None)
    @rule(kept=st.integers(0, 100), zeros=st.sampled_from([0, 3, 512]), old_names=st.booleans())
    def lose_power(self, kept, zeros, old_names):
        """What was not synced is gone in part or all; what is acknowledged was synced."""
        self.disk.lose_power(kept, zeros, old_names=old_names)

    @precondition(lambda self: self.closed and self.acknowledged)
    @rule(torn=st.binary(min_size=1, max_size=40).map(lambda data: data.replace(b"\n", b"")))
    def tear(self, torn):
        """Rubbish without a line's end after the last record."""
        with partial_path(self.path).open("ab") as file:
            file.write(torn)

    @precondition(lambda self: self.ledger is None and self.acknowledged)
    @rule(where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def flip(self, where, bit):
        """One flipped bit of what is acknowledged is refused, or makes the last line a torn one; never other data."""
        file = self.path if self.done else partial_path(self.path)
        data = file.read_bytes()
        good = len(b"".join(line + b"\n" for line in data.split(b"\n")[: len(self.acknowledged)]))
        place = int(where * good)
        damaged = data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :]
        try:
            found = parse_ledger(file, damaged).records
        except LedgerError:
            return
        assert not self.done or len(found) < len(self.acknowledged)
        assert found == self.acknowledged[: len(found)]
        assert len(found) >= len(self.acknowledged) - 1

    @precondition(lambda self: self.ledger is None and len(self.acknowledged) > 1)
    @rule(which=st.integers(0, 100), other=st.integers(0, 100))
    def exchange(self, which, other):
        """A whole line that is in the wrong place is refused."""
        file = self.path if self.done else partial_path(self.path)
        lines = file.read_bytes().split(b"\n")
        which, other = which % len(self.acknowledged), other % len(self.acknowledged)
        lines[which], lines[other] = lines[other], lines[which]
        if which == other:
            return
        with pytest.raises(LedgerError, match="is damaged"):
            parse_ledger(file, b"\n".join(lines))

    @precondition(lambda self: self.ledger is not None)
    @rule()
    def complete(self):
        """The end is acknowledged with the file's final name."""
        self.ledger.complete(END)
        self.acknowledged = list(self.ledger.records)
        self.ledger.__exit__(None, None, None)
        self.ledger, self.done = None, True

    @precondition(lambda self: self.ledger is not None)
    @rule()
    def die_before_the_name(self):
        """Killed between the end and the file's final name, the next start gives the name and writes nothing."""
        self.ledger.append(END)
        self.ledger.__exit__(None, None, None)
        self.ledger = None
        with Ledger(self.path) as ledger:
            assert ledger.ended
            ledger.rename_complete()
            self.acknowledged = list(ledger.records)
        self.done = True

    @precondition(lambda self: self.done)
    @rule()
    def start_again(self):
        """Nothing is appended to a complete ledger."""
        with pytest.raises(LedgerError, match="complete already"):
            Ledger(self.path)

    @invariant()
    def nothing_acknowledged_is_lost(self):
        """Whatever happens, the whole lines on the disk begin with what is acknowledged."""
        if self.done:
            assert read_ledger(self.path).records == self.acknowledged
            assert not partial_path(self.path).exists()
        elif self.acknowledged:
            found = parse_ledger(self.path, partial_path(self.path).read_bytes()).records
            assert found[: len(self.acknowledged)] == self.acknowledged
