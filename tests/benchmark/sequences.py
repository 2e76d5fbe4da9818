"""Sequences of a state machine's rules, and whether one of them fails."""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from benchmark.storage.ledger_format import LedgerError

EXAMPLES = int(os.environ.get("INCUMBENT_EXAMPLES", "20"))
"""Sequences of each machine in the slow tests; 200 for the full check."""

COUNTS = [4, pytest.param(EXAMPLES, marks=pytest.mark.slow)]


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


def caught(machine, examples=200):
    """Whether a machine fails, as it must with a planted bug."""
    try:
        sequences(machine, examples, phases=[Phase.generate])
    except (AssertionError, LedgerError, OSError, pytest.fail.Exception):
        return True
    return False
