"""Any sequence of starts, records, kills, power losses, tears, full disks, flips and resumes, held against a model."""

import errno
import json
import math
import os
import random
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from benchmark.driver.progress import Quiet
from benchmark.driver.runner import Runner
from benchmark.storage import atomic_write, record_checksum
from benchmark.storage import ledger as ledgers
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import FORMAT, LedgerError, encode_record, parse_ledger, partial_path, read_ledger
from benchmark.suite import parsing as suites
from objectives.objective import Machine
from tests import ROOT
from tests.benchmark.fakes.failing_disk import FailingDisk, raise_os_error, write_half
from tests.benchmark.fakes.power_loss_disk import PowerLossDisk
from tests.benchmark.fakes.stacked_toy import toy_prices

MEASURED = ("train_seconds", "paid_seconds", "decide_seconds", "crc")
EXAMPLES = int(os.environ.get("INCUMBENT_EXAMPLES", "20"))
"""Sequences of each machine in the slow tests; 200 for the full check."""

COUNTS = [4, pytest.param(EXAMPLES, marks=pytest.mark.slow)]

HEADER = {"kind": "header", "format": FORMAT}
END = {"kind": "end", "reason": "budget", "evaluations": 0}


def sequences(machine, examples=EXAMPLES, steps=25, phases=tuple(Phase)):
    """Try a machine on many sequences of rules, the same ones every time."""
    calm = settings(
        phases=phases,
        max_examples=examples,
        stateful_step_count=steps,
        database=None,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )
    run_state_machine_as_test(machine, settings=calm)


# One ledger.


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


@pytest.mark.parametrize("examples", COUNTS)
def test_a_ledger_through_any_sequence_of_faults(examples):
    """Nothing acknowledged is lost or changed, and the ledger always goes on."""
    sequences(LedgerMachine, 3 * examples)


# A suite.

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


@pytest.mark.parametrize("examples", COUNTS)
def test_a_suite_through_any_sequence_of_faults(examples):
    """Whatever happens on the way, its ledgers are the unbroken run's."""
    sequences(SuiteMachine, examples // 2, steps=10)


# Planted bugs: what the tests above must not let pass.


def caught(machine, examples=200):
    """Whether a machine fails, as it must with a planted bug."""
    try:
        sequences(machine, examples, phases=[Phase.generate])
    except (AssertionError, LedgerError, OSError, pytest.fail.Exception):
        return True
    return False


@pytest.fixture
def plant(monkeypatch):
    """Plant a bug by name."""

    def skip_fsync():
        write = Ledger._write

        def unsynced(ledger):
            ledger.durable = False
            write(ledger)
            ledger.durable = True

        monkeypatch.setattr(Ledger, "_write", unsynced)

    def skip_folder_sync():
        monkeypatch.setattr(ledgers, "sync_folder", lambda folder: None)

    def drop_checksum():
        class NoSums:
            crc32 = staticmethod(lambda body, previous=0: 0)

        monkeypatch.setattr(record_checksum, "zlib", NoSums)

    def unchained_checksum():
        class Unchained:
            crc32 = staticmethod(lambda body, previous=0: zlib.crc32(body))

        monkeypatch.setattr(record_checksum, "zlib", Unchained)

    def keep_torn_tail():
        monkeypatch.setattr(
            ledgers.Ledger, "_recover", lambda ledger: parse_ledger(ledger.part, ledger.part.read_bytes())
        )

    def forget_lock():
        monkeypatch.setattr(ledgers.Ledger, "_lock", lambda ledger: None)

    def go_on_after_failure():
        write = Ledger._write

        def forgetful(ledger):
            try:
                write(ledger)
            finally:
                ledger._broken = False

        monkeypatch.setattr(Ledger, "_write", forgetful)

    bugs = (skip_fsync, skip_folder_sync, drop_checksum, unchained_checksum, keep_torn_tail, forget_lock)
    return {bug.__name__: bug for bug in (*bugs, go_on_after_failure)}


BUGS = ["skip_fsync", "skip_folder_sync", "drop_checksum", "unchained_checksum", "keep_torn_tail", "forget_lock"]


@pytest.mark.parametrize("bug", [*BUGS, "go_on_after_failure"])
def test_a_planted_bug_of_the_ledger_is_caught(plant, bug):
    """Without the sync, the checksum, its chain, the cut or the lock some sequence fails."""
    plant[bug]()

    assert caught(LedgerMachine)


def test_a_planted_bug_of_the_seeds_is_caught(monkeypatch):
    """Were a trial's seed to depend on how many were trained before, some sequence would fail."""
    if not SuiteMachine.expected:
        SuiteMachine.expected = SuiteMachine.learn()
    from benchmark.tuning import trial_cache

    calls, seed = [], trial_cache.trial_seed
    monkeypatch.setattr(trial_cache, "trial_seed", lambda *key: (calls.append(0), seed(len(calls), *key[1:]))[1])

    assert caught(SuiteMachine, examples=10)


# Planted bugs that show between processes only.

TRAINING = """
seed = 7
repetitions = 2
budget.trials = 4
algorithms.random.searcher = "random"
[objectives]
softmax = { epochs = 2 }
lenet = { epochs = 2 }
dropout_mlp = { epochs = 2 }
"""

PROGRAM = """
import contextlib, sys
plant = sys.argv[1]
if plant == "set-order":
    from objectives.space import Space
    def sample(self, rng):
        drawn = {name: rng.random() for name in set(self._axes)}
        import numpy
        return self.decode(numpy.array([drawn[name] for name in self._axes]))
    Space.sample = sample
if plant == "unpinned":
    import torch
    from benchmark.batching import run_group
    from benchmark.tuning import execution
    unpinned = lambda device: contextlib.nullcontext()
    execution.deterministic_arithmetic = run_group.deterministic_arithmetic = unpinned
    torch.set_num_threads(int(sys.argv[2]))
    torch.set_num_threads = lambda count: None
from benchmark.cli.main import main
sys.exit(main(sys.argv[3:]))
"""


def trained(folder, plant, number):
    """What a process with this hash seed and this number of threads records, a bug planted or none."""
    folder.mkdir()
    (folder / "tiny.toml").write_text(TRAINING)
    words = ["run", str(folder / "tiny.toml"), "--results", str(folder), "--device", "cpu", "--jobs", "1", "--quiet"]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(number))
    program = [sys.executable, "-c", PROGRAM, plant, str(number), *words]
    subprocess.run(program, cwd=ROOT, env={**os.environ, **threads, "PYTHONHASHSEED": str(number)}, check=True)
    found = {
        p.relative_to(folder): evaluations(read_ledger(p).records) for p in sorted(folder.glob("tiny/runs/*/*/*.jsonl"))
    }
    return {
        name: [{key: value for key, value in record.items() if key not in ("start", "end")} for record in told]
        for name, told in found.items()
    }


@pytest.mark.faults
@pytest.mark.parametrize("bug", ["none", "set-order", "unpinned"])
def test_hash_seeds_and_threads_change_nothing_unless_a_bug_is_planted(tmp_path, bug):
    """Two processes record the same; iterating a set, or threads as the environment has them, would be seen."""
    one, two = (trained(tmp_path / str(number), bug, number) for number in (1, 2))

    assert len(one) == 6
    assert (one == two) == (bug == "none")
