"""Budgets of ledgers: which may follow which, what counts as done under one, and the lines under another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmark.storage.budget_change import budget_of, lines_under_budget, lower_limit
from benchmark.storage.ledger_format import failed_path, parse_ledger, partial_path, whole_records
from benchmark.storage.run_files import find_run_file
from tests.benchmark.records import END, FIRST, HEADER, SECOND, lines_of

NAMES = ("trials", "evaluations", "epochs", "runtime")
BUDGETS = st.dictionaries(st.sampled_from(NAMES), st.none() | st.integers(1, 3) | st.floats(0.5, 3.5), max_size=4)
SMALL, LARGE = {"trials": 2}, {"trials": 3}


def ledger(budget, *records):
    """The bytes of a ledger under a budget."""
    return lines_of({**HEADER, "run": {"repetition": 0, "budget": budget}}, *records)


@given(BUDGETS, BUDGETS, BUDGETS)
def test_budgets_are_ordered_limit_by_limit(first, second, third):
    """None is lower than itself; no limit lower twice is no limit lower; both ways is the same limits."""
    assert lower_limit(first, first) is None
    if lower_limit(second, first) is None and lower_limit(third, second) is None:
        assert lower_limit(third, first) is None
    if lower_limit(first, second) is None and lower_limit(second, first) is None:
        assert all(first.get(name) == second.get(name) for name in NAMES)


@pytest.mark.parametrize(
    ("budget", "other", "lower"),
    [
        ({"trials": 7}, {"trials": 8}, "trials"),
        ({"trials": 9}, {"trials": 8}, None),
        ({"trials": 9, "runtime": 1.0}, {"trials": 8}, "runtime"),
        ({"trials": 9}, {"trials": 8, "runtime": 1.0}, None),
        ({"epochs": 100}, {"trials": 8}, "epochs"),
        ({"trials": None, "runtime": 2}, {"runtime": 2.0}, None),
        ({"trials": 1}, {}, "trials"),
        ({"trials": 5}, {"trials": "8"}, "trials"),
        ({"trials": 5}, {"trials": True}, "trials"),
    ],
)
def test_a_lowered_or_new_limit_is_named(budget, other, lower):
    """What is not set, or is no number, is no limit."""
    assert lower_limit(budget, other) == lower


@pytest.mark.parametrize("reason", ["budget", "exhausted"])
def test_lines_under_another_budget_are_those_of_a_fresh_ledger(tmp_path, reason):
    """Every other record is as it was, the checksums hold, and only the end that the budget set is gone."""
    end = {**END, "reason": reason}
    kept = [FIRST, {"kind": "resumed", "environment": {}}, SECOND, *([end] if reason == "exhausted" else [])]

    changed = lines_under_budget(ledger(SMALL, *kept[:3], end), LARGE)

    assert changed == ledger(LARGE, *kept)
    assert budget_of(parse_ledger(tmp_path, changed).records[0]) == LARGE
    assert whole_records(changed).torn == b""


@pytest.mark.parametrize(
    ("complete", "part", "failed", "expected"),
    [
        (SMALL, None, None, ("partial", "complete")),
        (LARGE, None, None, ("done", "complete")),
        ({"trials": 4}, None, None, ("done", "complete")),
        ({"runtime": 1.0, "trials": 9}, None, None, ("partial", "complete")),
        ({}, None, None, ("done", "complete")),
        (SMALL, LARGE, None, ("partial", "part")),
        (LARGE, {"trials": 9}, None, ("done", "complete")),
        (SMALL, None, LARGE, ("failed", "failed")),
        (None, SMALL, None, ("partial", "part")),
        (None, None, LARGE, ("failed", "failed")),
        (None, None, None, None),
    ],
)
def test_the_ledger_that_counts_is_found(tmp_path, complete, part, failed, expected):
    """The complete one for its budget and smaller ones; else what goes on, what failed, and the complete one last."""
    path = tmp_path / "000.jsonl"
    names = {"complete": path, "part": partial_path(path), "failed": failed_path(path)}
    for name, budget in zip(names, (complete, part, failed), strict=True):
        if budget is not None:
            names[name].write_bytes(ledger(budget, FIRST))

    file = find_run_file(path, LARGE)

    assert (None if file is None else (file.state, file.path)) == (expected and (expected[0], names[expected[1]]))


def test_an_empty_unfinished_ledger_does_not_hide_a_complete_one(tmp_path):
    """A replay of a table, killed, leaves one; without the complete one it is the run's."""
    path = tmp_path / "000.jsonl"
    partial_path(path).write_bytes(b"")
    assert find_run_file(path, LARGE).path == partial_path(path)
    path.write_bytes(ledger(SMALL, FIRST))
    assert find_run_file(path, LARGE).path == path


def test_a_complete_ledger_whose_header_cannot_be_read_is_left_to_its_reader(tmp_path):
    """Whoever reads it says what is wrong; it is not passed over."""
    path = tmp_path / "000.jsonl"
    path.write_bytes(b"no ledger\n")
    assert find_run_file(path, LARGE).state == "done"
