"""The alarm that interrupts a trial in its own process."""

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from benchmark.tuning.time_limit import TimeLimit, TrialTimeout


def test_the_alarm_repeats_for_code_that_catches_it():
    """Code that catches everything is interrupted again; afterwards the alarm is off and its handler restored."""
    caught = []

    def keeps():
        while len(caught) < 2:
            try:
                time.sleep(30)
            except BaseException as error:
                caught.append(error)

    before = signal.getsignal(signal.SIGALRM)
    with pytest.raises(TrialTimeout, match=r"timeout of 0\.05 s"):
        TimeLimit(seconds=0.05, run=Path("a")).call_within(0, 1, keeps)
    assert [type(error) for error in caught] == [TrialTimeout, TrialTimeout]
    assert {str(error) for error in caught} == {"training took longer than the suite's timeout of 0.05 s"}
    assert signal.getitimer(signal.ITIMER_REAL) == (0.0, 0.0)
    assert signal.getsignal(signal.SIGALRM) is before


def test_outside_the_main_thread_the_limit_is_checked_afterwards():
    """No alarm can interrupt another thread; a call that took too long still counts as a timeout."""
    raised = []

    def late():
        try:
            TimeLimit(seconds=0.01, run=Path("a")).call_within(0, 1, lambda: time.sleep(0.05))
        except TrialTimeout as error:
            raised.append(error)

    thread = threading.Thread(target=late)
    thread.start()
    thread.join()
    assert [str(error) for error in raised] == ["training took longer than the suite's timeout of 0.01 s"]


def test_a_call_within_the_limit_returns_its_result(tmp_path):
    """The note for the watchdog is removed afterwards."""
    assert TimeLimit(seconds=30.0, run=Path("a"), notes=tmp_path).call_within(
        0, 1, lambda: list(tmp_path.iterdir())
    ) == [tmp_path / str(os.getpid())]
    assert list(tmp_path.iterdir()) == []
