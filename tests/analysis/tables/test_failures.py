"""Failures: every run that is not done and every evaluation that is not ok, with its reason and of how many."""

import json

import pytest

from analysis.loading.results import load
from analysis.tables.failures import FAILURES, LONGEST, TOTALS, failures_table, totals_table

TRACE = """Traceback (most recent call last):
  File "net.py", line 3, in train
    raise ValueError("too wide:\\n  much too wide")
ValueError: too wide:
  much too wide
"""


@pytest.fixture
def troubled(suite, planted_evaluation):
    """A suite with one of each: done, failed, partial and missing runs; ok, diverged, error and crashed evaluations."""
    suite.set(repetitions=4)
    suite.run(
        [
            planted_evaluation(0, 0.5, 0.5, 1.0),
            planted_evaluation(1, 0.9, 0.9, 2.0, state="diverged"),
            planted_evaluation(2, None, None, 3.0, state="error", problem=TRACE),
            planted_evaluation(3, None, None, 4.0, problem="its process ended with exit code -9"),
        ]
    )
    suite.run([(0.5, 0.5, 1.0)], 1, state="failed")
    suite.run([(0.5, 0.5, 1.0), (0.4, 0.4, 2.0)], 2, state="partial")
    return suite


def test_every_failure_with_its_reason(troubled):
    """Runs first, each followed by its evaluations; a traceback is the line that says what was raised."""
    table = failures_table(load(troubled.folder), troubled.folder)
    assert tuple(table.columns) == FAILURES
    assert table[["repetition", "state", "reason"]].to_numpy().tolist() == [
        [0, "diverged", "counted with the chance error 0.9"],
        [0, "error", "ValueError: too wide:"],
        [0, "crashed", "its process ended with exit code -9"],
        [1, "failed", "planted"],
        [2, "partial", "unfinished after 2 evaluations"],
        [3, "missing", "no ledger"],
    ]
    assert table["index"].isna().tolist() == [False, False, False, True, True, True]
    assert table["trial"].dropna().tolist() == [1, 2, 3]


def test_the_totals_say_k_of_n(troubled):
    """One row a cell with all runs planned and all evaluations recorded."""
    [row] = totals_table(load(troubled.folder)).to_dict("records")
    assert tuple(row) == TOTALS
    assert [row[name] for name in TOTALS[2:]] == [4, 1, 1, 1, 7, 1, 1, 1, 0]


def test_nothing_failed(suite):
    """A table without rows has all its columns, and the totals are there."""
    for repetition in (0, 1):
        suite.run([(0.5, 0.5, 1.0)], repetition)
    results = load(suite.folder)
    table = failures_table(results, suite.folder)
    assert (len(table), tuple(table.columns)) == (0, FAILURES)
    assert totals_table(results)["n_runs"].tolist() == [2]


@pytest.mark.parametrize("problem", ["x" * 500, "x" * 250 + "\nsecond"], ids=["long", "lines"])
def test_a_reason_is_one_line_of_bounded_length(suite, planted_evaluation, problem):
    """Whatever is recorded, the table stays a table."""
    suite.run([planted_evaluation(0, None, None, 1.0, problem=problem)])
    [reason] = failures_table(load(suite.folder), suite.folder).query("state == 'crashed'")["reason"]
    assert len(reason) == LONGEST
    assert "\n" not in reason


def test_ledgers_without_reasons(suite, planted_evaluation):
    """Where none is told the reason is empty."""
    suite.run([planted_evaluation(0, None, None, 1.0)])
    assert failures_table(load(suite.folder), suite.folder)["reason"].tolist() == ["", "no ledger"]


def test_a_torn_ledger_is_read_up_to_its_last_line(suite):
    """An unfinished run may be written to at this moment."""
    path = suite.run([(0.5, 0.5, 1.0)], state="partial")
    path.write_bytes(path.read_bytes() + json.dumps({"kind": "evaluation"}).encode()[:9])
    assert failures_table(load(suite.folder), suite.folder)["state"].tolist() == ["partial", "missing"]
