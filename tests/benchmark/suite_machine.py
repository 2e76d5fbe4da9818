"""A suite through starts, kills, tears and resumes, held against the records of an unbroken run."""

import errno
import json
import os
import random
import tempfile
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import LedgerError, encode_record, read_ledger
from benchmark.suite import parsing as suites
from objectives.objective import Machine
from tests.benchmark.fakes.failing_disk import FailingDisk, raise_os_error
from tests.benchmark.fakes.stacked_toy import toy_prices

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "crc")


LONGEST = 4
SUITE = """
seed = 5
repetitions = {repetitions}
clock = "modelled"
calibration = "prices.toml"
budget.evaluations = 4
n_workers = 2
algorithms.random.searcher = "random"
algorithms.halving = {{ scheduler = "successive_halving", searcher = "random" }}
[objectives.slots]
name = "tests.benchmark.fakes.stacked_toy:StackedToy"
raising = 2
"""


class Killed(BaseException):
    """The process ends here; nothing that follows in it happens."""


def evaluations(records):
    """Evaluations among records, without what is measured."""
    return [{k: v for k, v in r.items() if k not in MEASURED} for r in records if r["kind"] == "evaluation"]


def whole(path):
    """The whole lines of a ledger, whatever it is called now; its data is trusted."""
    data = path.read_bytes()
    return [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]


class SuiteMachine(RuleBasedStateMachine):
    """A suite that is started, killed, torn and extended; the model is what an unbroken run records."""

    expected: ClassVar[dict[str, list]] = {}

    @classmethod
    def learn(cls):
        """Run the longest suite once, unbroken."""
        with tempfile.TemporaryDirectory() as scratch:
            cls.run_in(Path(scratch), LONGEST, 1)
            folder = Path(scratch, "results", "tiny")
            found = {
                str(p.relative_to(folder)): evaluations(read_ledger(p).records) for p in folder.glob("runs/*/*/*.jsonl")
            }
        assert len(found) == 2 * LONGEST
        assert len({json.dumps(told) for told in found.values()}) == len(found)
        return {**found}

    @staticmethod
    def run_in(folder, repetitions, seed, capacity=None):
        """Run the suite of so many repetitions in an order of its own."""
        (folder / "prices.toml").write_text(toy_prices())
        (folder / "tiny.toml").write_text(SUITE.format(repetitions=repetitions))
        suite = suites.load(str(folder / "tiny.toml"))
        order = list(suite.runs())
        random.Random(seed).shuffle(order)
        runner = Runner(suite, folder / "results", jobs=1, machine=Machine(), listener=Quiet(), capacity=capacity)
        return runner.run(order)

    def __init__(self):
        super().__init__()
        self.scratch = tempfile.TemporaryDirectory()
        self.folder = Path(self.scratch.name)
        self.repetitions = 1
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr(os, "fsync", lambda file: None)

    @initialize()
    def begin(self):
        """Know what the unbroken run records."""
        if not SuiteMachine.expected:
            SuiteMachine.expected = self.learn()

    def teardown(self):
        self.patch.undo()
        self.scratch.cleanup()

    def ledgers(self):
        """All ledgers of the suite, whole or not, by their final names."""
        folder = self.folder / "results" / "tiny"
        found = [path for path in folder.glob("runs/*/*/*.jsonl*") if ".torn-" not in path.name]
        return {str(path.relative_to(folder)).removesuffix(".part"): path for path in sorted(found)}

    def run(self, seed, capacity):
        """Run the suite as far as it gets."""
        return self.run_in(self.folder, self.repetitions, seed, capacity)

    @rule(
        appends=st.integers(1, 12),
        how=st.sampled_from(["before", "within", "after"]),
        seed=st.integers(0, 3),
        capacity=st.sampled_from([1, 3, 16]),
    )
    def start_and_kill(self, appends, how, seed, capacity):
        """The process dies before, within or after the n-th line."""
        append, left = Ledger.append, [appends]

        def deadly(ledger, record):
            left[0] -= 1
            if left[0] > 0 or how == "after":
                append(ledger, record)
            elif how == "within":
                line, _ = encode_record(record, ledger._crc)
                os.write(ledger._file, line[: len(line) // 2])
            if left[0] <= 0:
                raise Killed

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Ledger, "append", deadly)
            try:
                self.run(seed, capacity)
            except Killed:
                return
        self.is_complete()

    @rule(at=st.integers(1, 15), call=st.sampled_from(["write", "open", "rename"]), once=st.booleans())
    def fill(self, at, call, once):
        """The disk fails at the n-th call; runs that meet it are refused, none is recorded otherwise."""
        with FailingDisk(
            self.folder / "results" / "tiny" / "runs", call, raise_os_error(errno.ENOSPC), at, once=once
        ).failing():
            reports = self.run(0, None)
        assert {report.state for report in reports} <= {"done", "refused"}

    @rule(seed=st.integers(0, 3), capacity=st.sampled_from([1, 2, 5, 64]))
    def resume(self, seed, capacity):
        """Undisturbed, in any order and any stack, the suite runs to its end."""
        assert {report.state for report in self.run(seed, capacity)} <= {"done"}
        self.is_complete()

    @precondition(lambda self: self.ledgers())
    @rule(which=st.integers(0, 100), where=st.floats(0, 1, exclude_max=True))
    def tear(self, which, where):
        """A ledger is cut anywhere, as by a disk that was restored from an older copy."""
        path = list(self.ledgers().values())[which % len(self.ledgers())]
        data = path.read_bytes()
        path.unlink()
        name = path.name.removesuffix(".part") + ".part"
        path.with_name(name).write_bytes(data[: int(where * len(data))])

    @precondition(lambda self: any(not path.name.endswith(".part") for path in self.ledgers().values()))
    @rule(which=st.integers(0, 100), where=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
    def flip(self, which, where, bit):
        """A flipped bit in a complete ledger stops the suite before it writes anything; restored, it goes on."""
        paths = [path for path in self.ledgers().values() if not path.name.endswith(".part")]
        path = paths[which % len(paths)]
        data = path.read_bytes()
        place = int(where * len(data))
        path.write_bytes(data[:place] + bytes([data[place] ^ (1 << bit)]) + data[place + 1 :])
        before = {name: path.read_bytes() for name, path in self.ledgers().items()}
        with pytest.raises(LedgerError, match="benchmark repair"):
            self.run(0, None)
        assert {name: path.read_bytes() for name, path in self.ledgers().items()} == before
        path.write_bytes(data)

    @precondition(lambda self: self.repetitions < LONGEST)
    @rule()
    def extend(self):
        """The suite asks for one repetition more."""
        self.repetitions += 1

    def is_complete(self):
        """All planned runs are there, and done."""
        assert sorted(self.ledgers()) == sorted(n for n in self.expected if int(Path(n).stem) < self.repetitions)
        assert not any(path.name.endswith(".part") for path in self.ledgers().values())

    @invariant()
    def every_ledger_begins_as_the_unbroken_one(self):
        """Nothing outside the plan, and of what is planned the beginning of the truth; a complete one is all of it."""
        for name, path in self.ledgers().items():
            found, expected = evaluations(whole(path)), self.expected[name]
            assert found == (expected[: len(found)] if path.name.endswith(".part") else expected)
