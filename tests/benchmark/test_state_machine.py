"""Any sequence of starts, records, kills, power losses, tears, full disks, flips and resumes, held against a model."""

import zlib

import pytest

from benchmark.storage import ledger as ledgers
from benchmark.storage import record_checksum
from benchmark.storage.ledger import Ledger
from benchmark.storage.ledger_format import parse_ledger
from tests.benchmark.ledger_machine import LedgerMachine
from tests.benchmark.sequences import COUNTS, caught, sequences
from tests.benchmark.suite_machine import SuiteMachine


@pytest.mark.parametrize("examples", COUNTS)
def test_a_ledger_through_any_sequence_of_faults(examples):
    """Nothing acknowledged is lost or changed, and the ledger always goes on."""
    sequences(LedgerMachine, 3 * examples)


@pytest.mark.parametrize("examples", COUNTS)
def test_a_suite_through_any_sequence_of_faults(examples):
    """Whatever happens on the way, its ledgers are the unbroken run's."""
    sequences(SuiteMachine, examples // 2, steps=10)


# Planted bugs: what the tests above must not let pass.


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
